namespace Posix.SharedMemory.Channels;

/// <summary>The block of one subscriber: a ring of frames that were sent to it, and a ring of those that it has returned, each with its two indices.</summary>
internal readonly unsafe struct SubscriberRings
{
    /// <summary>How often a look at indices is tried that move: only a hostile peer needs so many.</summary>
    internal const int MostAttempts = 1000;

    private readonly byte* _block;
    private readonly int _sentMask;
    private readonly int _returnMask;

    internal SubscriberRings(ChannelMemory channel, int endpoint)
    {
        var layout = channel.Header.Frames;
        Offset = layout.BlockOf(endpoint);
        _block = channel.First + Offset;
        (_sentMask, _returnMask) = (layout.SentRing - 1, layout.ReturnRing - 1);
    }

    /// <summary>Gets where the block is in the object.</summary>
    internal long Offset { get; }

    /// <summary>Gets how many frames were taken out of the first ring; the subscriber and the publisher compare and exchange it.</summary>
    internal ref ulong SentHead => ref Word(ChannelLayout.SentHeadInBlock);

    /// <summary>Gets how many were put into it; the publisher stores it.</summary>
    internal ref ulong SentTail => ref Word(ChannelLayout.SentTailInBlock);

    /// <summary>Gets how many were taken out of the second ring; the publisher stores it.</summary>
    internal ref ulong ReturnHead => ref Word(ChannelLayout.ReturnHeadInBlock);

    /// <summary>Gets how many were put into it; the subscriber stores it.</summary>
    internal ref ulong ReturnTail => ref Word(ChannelLayout.ReturnTailInBlock);

    internal ulong SentCapacity => (ulong)_sentMask + 1;

    internal ulong ReturnCapacity => (ulong)_returnMask + 1;

    /// <summary>Looks how many frames wait. The publisher moves both indices meanwhile: only a tail between two equal heads belongs to them.</summary>
    /// <returns>False: there are more than can be.</returns>
    internal bool TryCount(out ulong waiting)
    {
        waiting = 1;
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var head = Volatile.Read(ref SentHead);
            var tail = Volatile.Read(ref SentTail);
            if (Volatile.Read(ref SentHead) == head)
            {
                waiting = tail - head;
                return waiting <= SentCapacity;
            }
        }

        // A publisher that sends so fast has sent something.
        return true;
    }

    internal ref ulong Sent(ulong index) => ref Word(ChannelLayout.RingsInBlock + (sizeof(ulong) * (int)(index & (uint)_sentMask)));

    internal ref ulong Returned(ulong index) => ref Word(ChannelLayout.RingsInBlock + (sizeof(ulong) * (_sentMask + 1 + (int)(index & (uint)_returnMask))));

    private ref ulong Word(int offset) =>
        // SAFETY: the words lie in the block, which is in the bytes that the channel holds, at multiples of 8.
        ref *(ulong*)(_block + offset);
}
