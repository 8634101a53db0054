namespace Posix.SharedMemory.Channels;

/// <summary>The process on the other side died, and everything it had committed was delivered.</summary>
public sealed class PeerDiedException : ChannelException
{
    /// <summary>Creates the exception.</summary>
    public PeerDiedException()
        : this("The process on the other side of the channel died.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public PeerDiedException(string message)
        : base(message) => Peer = new();

    /// <summary>Creates the exception with a message and a cause.</summary>
    public PeerDiedException(string message, Exception? innerException)
        : base(message, innerException) => Peer = new();

    internal PeerDiedException(string message, EndpointInfo peer)
        : base(message) => Peer = peer;

    /// <summary>Gets the side that died.</summary>
    public EndpointInfo Peer { get; }

    /// <summary>Gets how many claims of the dead were skipped. In a message channel 0: what was not committed was never in the channel.</summary>
    public int LostClaims { get; }
}
