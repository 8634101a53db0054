namespace Posix.SharedMemory.Channels;

/// <summary>What an endpoint does.</summary>
public enum EndpointRole
{
    /// <summary>It writes.</summary>
    Writer = 1,

    /// <summary>It reads.</summary>
    Reader = 2,
}
