namespace Posix.SharedMemory.Channels;

/// <summary>What a channel does, as its header says it.</summary>
public enum ChannelKind
{
    /// <summary>One writer, one reader: <see cref="MessageChannel"/> and <see cref="SharedChannel{T}"/>.</summary>
    Message = 1,
}
