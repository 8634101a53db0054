namespace Posix.SharedMemory.Channels;

/// <summary>Which of the objects that a peer sends among its messages were received: the record of one that was is passed over. The reader looks on its thread, and the receiver counts on any.</summary>
internal sealed class ReceivedObjects
{
    private ulong _taken;
    private ulong _seen;
    private ulong _seenAt = ulong.MaxValue;

    /// <summary>An object was received.</summary>
    internal void Take() => Interlocked.Increment(ref _taken);

    /// <summary>Whether the object with a number was received. They are numbered from 1, in the order in which they are sent.</summary>
    internal bool IsTaken(ulong number) => number <= Volatile.Read(ref _taken);

    /// <summary>Whether a record at a place may have a number: one more than the record before. The same record can be looked at again.</summary>
    internal bool IsNext(ulong at, ulong number)
    {
        if (at != _seenAt)
        {
            (_seenAt, _seen) = (at, _seen + 1);
        }

        return number == _seen;
    }
}
