namespace Posix.SharedMemory.Channels;

/// <summary>The other side was closed without completing the channel, and everything it had committed was delivered.</summary>
public sealed class PeerLeftException : ChannelException
{
    /// <summary>Creates the exception.</summary>
    public PeerLeftException()
        : this("The other side of the channel has left.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public PeerLeftException(string message)
        : base(message) => Peer = new();

    /// <summary>Creates the exception with a message and a cause.</summary>
    public PeerLeftException(string message, Exception? innerException)
        : base(message, innerException) => Peer = new();

    internal PeerLeftException(string message, EndpointInfo peer)
        : base(message) => Peer = peer;

    /// <summary>Gets the side that left.</summary>
    public EndpointInfo Peer { get; }
}
