namespace Posix.SharedMemory;

/// <summary>What happens to an object that already has the new name.</summary>
public enum RenameMode
{
    /// <summary>It loses the name. Processes that have it open are unaffected.</summary>
    Replace,

    /// <summary>It keeps the name, and the call fails with <see cref="Errno.EEXIST"/>.</summary>
    NoReplace,

    /// <summary>The two objects swap their names in one step.</summary>
    Exchange,
}
