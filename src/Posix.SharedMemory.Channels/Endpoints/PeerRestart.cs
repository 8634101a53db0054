namespace Posix.SharedMemory.Channels;

/// <summary>What a wait does when the other side has died or left.</summary>
public enum PeerRestart
{
    /// <summary>It ends with <see cref="PeerDiedException"/> or <see cref="PeerLeftException"/>, once for each peer, after everything that was committed has been delivered.</summary>
    Fail,

    /// <summary>It goes on, until another process has opened the other side.</summary>
    Wait,
}
