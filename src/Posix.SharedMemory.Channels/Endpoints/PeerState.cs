namespace Posix.SharedMemory.Channels;

/// <summary>What has become of an endpoint of a channel.</summary>
public enum PeerState
{
    /// <summary>No process has opened it yet.</summary>
    None,

    /// <summary>A living process has it open.</summary>
    Alive,

    /// <summary>It was closed.</summary>
    Left,

    /// <summary>The process that had it open died, and no other process has opened it since.</summary>
    Died,
}
