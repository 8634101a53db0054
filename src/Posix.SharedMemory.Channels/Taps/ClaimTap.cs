namespace Posix.SharedMemory.Channels;

/// <summary>The tap of a fan-in: copies the messages that are committed and wait for the reader, in their order. The reader leaves nothing of those that it has taken.</summary>
internal sealed class ClaimTap(SharedMemoryObject memory, ChannelHeader header) : ChannelTap(memory, header)
{
    private const int MostLooks = 1000, MostNonsense = 10;

    private readonly ulong _lines = (ulong)header.Capacity / ChannelLayout.LineSize;
    private bool _hasBegun;
    private ulong _at;
    private ulong _head;
    private long _taken;

    /// <summary>How many messages are before the place that is looked at next, as the reader counts them.</summary>
    private long _number;

    private long _missed;

    internal override bool TryRead(out TappedMessage message)
    {
        Span<byte> first = stackalloc byte[ChannelLayout.WidePrefix];
        for (int looks = 0, nonsense = 0; looks < MostLooks; looks++)
        {
            Look();
            if (!_hasBegun)
            {
                (_hasBegun, _at, _number) = (true, _head, _taken);
            }
            else if (!Stands())
            {
                Skip();
            }

            Read(first, PlaceOf(_at));
            var record = new ClaimRecord(U64(first, 0));
            Look();
            if (!Stands())
            {
                continue;
            }

            if (!record.IsCommitted)
            {
                break;
            }

            if (!record.IsAt(_at) || record.Lines > _lines - (_at & (_lines - 1)) || (!record.IsPadding && record.Length > (ulong)Header.MaxMessage))
            {
                // Nobody writes to a message that waits for the reader: what makes no sense there, however often it is read, is corrupt.
                if (++nonsense == MostNonsense)
                {
                    throw new ChannelCorruptException("a record", PlaceOf(_at), $"has the header {record.Value:x16}, and its position is {_at}");
                }
            }
            else if (record.IsPadding)
            {
                _at = (_at + record.Lines) & ClaimWord.PositionMask;
            }
            else if (TryCopy(record, (ushort)U64(first, sizeof(ulong)), out message))
            {
                return true;
            }
        }

        message = default;
        return false;
    }

    private bool TryCopy(ClaimRecord record, ushort type, out TappedMessage message)
    {
        message = default;
        var bytes = Room((int)record.Length);
        Read(bytes, PlaceOf(_at) + ChannelLayout.WidePrefix);
        Look();
        if (!Stands())
        {
            return false;
        }

        message = new(bytes, type, isTaken: false, _missed);
        _at = (_at + record.Lines) & ClaimWord.PositionMask;
        _number++;
        _missed = 0;
        return true;
    }

    /// <summary>Whether the reader has not yet begun to release the place: it is not written over before.</summary>
    private bool Stands() => !ClaimWord.IsBefore(_at, _head);

    /// <summary>Goes on at the first message that waits for the reader.</summary>
    private void Skip()
    {
        _at = _head;
        var missed = Math.Max(0, _taken - _number);
        _missed += missed;
        Missed += missed;
        _number = _taken;
    }

    /// <summary>Reads twice how far the reader has begun to release, and keeps the later place: nothing promises that the kernel copies it in one piece.</summary>
    private void Look()
    {
        Span<byte> line = stackalloc byte[ChannelLayout.ReleasingInLine + sizeof(ulong)];
        // What was copied before is copied before the line is read, and what follows after.
        Interlocked.MemoryBarrier();
        Read(line, ChannelLayout.ReaderLine);
        var first = U64(line, ChannelLayout.ReleasingInLine) & ClaimWord.PositionMask;
        Interlocked.MemoryBarrier();
        Read(line, ChannelLayout.ReaderLine);
        Interlocked.MemoryBarrier();
        var second = U64(line, ChannelLayout.ReleasingInLine) & ClaimWord.PositionMask;
        _head = ClaimWord.IsBefore(first, second) ? second : first;
        _taken = (long)Math.Min(U64(line, ChannelLayout.MessagesInLine), long.MaxValue);
        if (_hasBegun && Stands() && ClaimWord.Distance(_head, _at) > _lines)
        {
            throw new ChannelCorruptException("the head", ChannelLayout.ReaderLine, $"went back to {_head} from {_at}");
        }
    }

    private long PlaceOf(ulong position) => Header.DataOffset + ((long)(position & (_lines - 1)) * ChannelLayout.LineSize);
}
