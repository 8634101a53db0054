namespace Posix.SharedMemory.Channels;

/// <summary>The other side of a channel was opened, was closed, or died.</summary>
public sealed class PeerChangedEventArgs : EventArgs
{
    internal PeerChangedEventArgs(EndpointInfo peer) => Peer = peer;

    /// <summary>Gets what has become of it.</summary>
    public EndpointInfo Peer { get; }
}
