namespace Posix.SharedMemory.Channels;

/// <summary>The exceptions that calls end with when nothing comes from the peer any more.</summary>
internal static class CallFailure
{
    /// <summary>An exception that was not thrown before: several calls end with the same cause.</summary>
    internal static Exception Again(Exception cause) => cause switch
    {
        PeerDiedException died => new PeerDiedException(died.Message, died.Peer),
        PeerLeftException left => new PeerLeftException(left.Message, left.Peer),
        ChannelCorruptException corrupt => new ChannelCorruptException(corrupt.Field, corrupt.Offset, "was found earlier", corrupt),
        ObjectDisposedException disposed => new ObjectDisposedException(disposed.ObjectName),
        ChannelException channel => new ChannelException(channel.Message, channel, channel.Error),
        _ => new ChannelException("The calls of the connection have ended.", cause),
    };

    internal static ChannelException NothingComes() => new("The peer has completed its output: it answers no more calls.");
}
