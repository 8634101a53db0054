namespace Posix.SharedMemory.Bridge;

/// <summary>Takes messages out of a channel into a pooled buffer, one or a batch at a time.</summary>
internal interface IMessageTaker : IDisposable
{
    /// <summary>Gets what the message is, where one was taken.</summary>
    MessageMark Mark { get; }

    /// <summary>Gets how many messages were taken; several are a batch.</summary>
    int Count { get; }

    /// <summary>Gets the message that was taken, or the batch.</summary>
    ReadOnlyMemory<byte> Taken { get; }

    /// <summary>Gets how many bytes the messages have that were taken.</summary>
    long Bytes { get; }

    /// <summary>Takes the next message; if it is small, also those after it that fit into a chunk, unless the delay is zero.</summary>
    /// <returns>False: there is none.</returns>
    bool TryTake(TimeSpan delay);

    /// <summary>Releases what was taken, if it is still in the channel.</summary>
    void Release();
}
