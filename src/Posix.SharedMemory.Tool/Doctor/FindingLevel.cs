namespace Posix.SharedMemory.Tool;

/// <summary>How much a finding matters.</summary>
internal enum FindingLevel
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Good to know; it affects only programs that do something particular.</summary>
    Note,

    /// <summary>It will cause trouble.</summary>
    Warning,
}
