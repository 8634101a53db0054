using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Where the records of a broadcast are, what their headers mean, and what its history says: what its writer and its readers have in common.</summary>
internal readonly unsafe struct BroadcastRecords
{
    private readonly byte* _data;
    private readonly byte* _line;
    private readonly ulong* _history;
    private readonly ulong _count;
    private readonly ulong _overhead;
    private readonly ulong _round;
    private readonly uint _most;

    internal BroadcastRecords(ChannelMemory channel)
    {
        var header = channel.Header;
        _data = channel.First + header.DataOffset;
        _line = channel.First;
        // SAFETY: the history follows the data, a multiple of 4096 past a multiple of the page size.
        _history = (ulong*)(channel.First + header.HistoryOffset);
        _count = (ulong)header.Count;
        Capacity = (ulong)header.Capacity;
        Prefix = (ulong)header.Prefix;
        _round = (ulong)header.RecordAlign - 1;
        _overhead = Prefix + _round;
        _most = (uint)header.MaxMessage;
        DataOffset = header.DataOffset;
    }

    internal ulong Capacity { get; }

    internal ulong Prefix { get; }

    internal long DataOffset { get; }

    /// <summary>Gets how far the writer may have written.</summary>
    internal ref ulong Intent => ref Word(ChannelLayout.IntentAt);

    /// <summary>Gets how far the writer may write before it looks at the readers again.</summary>
    internal ref ulong Limit => ref Word(ChannelLayout.LimitAt);

    /// <summary>Gets where the newest record is, if there is one.</summary>
    internal ref ulong Latest => ref Word(ChannelLayout.LatestAt);

    /// <summary>Gets how many records there were.</summary>
    internal ref ulong NextSequence => ref Word(ChannelLayout.NextSequenceAt);

    /// <summary>Gets how many records there were, as it is counted before the tail moves past the last one.</summary>
    internal ref ulong Messages => ref Word(ChannelLayout.WriterLine + ChannelLayout.MessagesInLine);

    /// <summary>Gets where the record begins that was written last, or is in the making.</summary>
    internal ref ulong Start => ref Word(ChannelLayout.StartAt);

    internal ref ulong Tail => ref Word(ChannelLayout.WriterLine + ChannelLayout.IndexInLine);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* At(ulong position) => _data + (position & (Capacity - 1));

    /// <summary>How many bytes are between a position and the end of the data.</summary>
    internal ulong RoomAt(ulong position) => Capacity - (position & (Capacity - 1));

    internal long OffsetOf(ulong position) => DataOffset + (long)(position & (Capacity - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong SizeOf(ulong header) => (_overhead + (uint)header) & ~_round;

    /// <summary>Whether a position can be one of a record.</summary>
    internal bool IsAligned(ulong position) => (position & _round) == 0;

    /// <summary>The header at a position, in one load.</summary>
    internal ulong HeaderAt(ulong position) =>
        // SAFETY: an aligned position is a multiple of 8 inside the data, which the channel of the caller holds.
        Volatile.Read(ref *(ulong*)At(position));

    /// <summary>The number of the record at a position that is known to have room for one.</summary>
    internal ulong SequenceAt(ulong position) =>
        // SAFETY: as above; the caller has checked that the record's prefix, of at least 16 bytes, ends inside the data.
        Volatile.Read(ref *(ulong*)(At(position) + ChannelLayout.SequenceInRecord));

    /// <summary>Whether a header is one of a record that lies between a position and the tail, and before the end of the data.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsRecord(ulong position, ulong header, ulong tail) =>
        header < (ulong)ChannelLayout.FirstReservedType << ChannelLayout.TypeShift && (uint)header <= _most && SizeOf(header) is var size && size <= tail - position && size <= RoomAt(position);

    /// <summary>Whether a header is one of padding up to the end of the data. There is none at its beginning.</summary>
    internal bool IsPadding(ulong position, ulong header, ulong tail) =>
        header == (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift && RoomAt(position) is var room && room != Capacity && room <= tail - position;

    /// <summary>Stores in the history where a record is. Those who come late find it there once its number is below that of the next one.</summary>
    internal void Note(ulong sequence, ulong position)
    {
        if (_count != 0)
        {
            // SAFETY: the entry lies in the history, which the channel holds.
            Volatile.Write(ref _history[sequence % _count], position);
        }
    }

    /// <summary>Stores which record is the newest, and how many there were.</summary>
    internal void ShowLatest(ulong next, ulong position)
    {
        Volatile.Write(ref Latest, position);
        KillWindow.Pass(KillWindow.AfterLatest);
        Volatile.Write(ref NextSequence, next);
    }

    /// <summary>The oldest of the last records that begins at a place or after it. The writer goes on meanwhile: the answer may be newer.</summary>
    /// <param name="wanted">How many of the last records come into question.</param>
    /// <param name="least">The place.</param>
    /// <returns>A place past all that there may be: there is none.</returns>
    /// <remarks>Places grow with the numbers, so that twenty looks find one in a million. A newer place than that of the newest record is one that the writer has stored over an old one.</remarks>
    internal ulong FindLast(ulong wanted, ulong least)
    {
        var next = Volatile.Read(ref NextSequence);
        var found = ulong.MaxValue;
        var (low, high) = (next - Math.Min(Math.Min(wanted, _count), next), next);
        var newest = low == high ? 0 : Entry(next - 1);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var position = Entry(middle);
            if (position >= least && position <= newest)
            {
                (found, high) = (position, middle);
            }
            else
            {
                low = middle + 1;
            }
        }

        return found;
    }

    private ulong Entry(ulong sequence) =>
        // SAFETY: the entry lies in the history, which the channel holds.
        Volatile.Read(ref _history[sequence % _count]);

    private ref ulong Word(int offset) =>
        // SAFETY: the words lie in the control page, which the channel holds, at multiples of 8.
        ref *(ulong*)(_line + offset);
}
