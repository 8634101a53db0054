using System.Buffers.Binary;

namespace Posix.SharedMemory.Channels;

/// <summary>The tap of a ring: copies the messages that wait for the reader, and of those that it has taken what is left in the newer half of the ring.</summary>
internal sealed class RingTap(SharedMemoryObject memory, ChannelHeader header) : ChannelTap(memory, header)
{
    private const int MostLooks = 1000, MostNonsense = 10;

    private const int LinesSize = ChannelLayout.ReaderLine - ChannelLayout.WriterLine + ChannelLayout.MessagesInLine + sizeof(ulong);
    private const int HeadInLines = ChannelLayout.ReaderLine - ChannelLayout.WriterLine;

    private readonly ulong _capacity = (ulong)header.Capacity;
    private bool _hasBegun;
    private ulong _at;
    private ulong _tail;
    private ulong _newestTail;
    private ulong _head;
    private bool _isNonsense;
    private long _taken;
    private uint _state;

    /// <summary>How many messages are before the place that is looked at next, as the reader counts them.</summary>
    private long _number;

    private long _missed;

    /// <inheritdoc/>
    internal override bool TryRead(out TappedMessage message)
    {
        for (int looks = 0, nonsense = 0; looks < MostLooks; looks++)
        {
            Look();
            if (!_hasBegun)
            {
                (_hasBegun, _at, _number) = (true, _head, _taken);
            }
            else if (!Stands(_at))
            {
                Skip();
            }

            if (_at == _tail)
            {
                // The state was looked at before the newest tail.
                HasEnded = _state != (uint)ChannelState.Open && _at == _newestTail;
                message = default;
                return false;
            }

            if (TryCopy(out message))
            {
                HasEnded = false;
                return true;
            }

            // Nobody writes to a message that waits for the reader: what makes no sense there, however often it is read, is corrupt.
            if (_at >= _head && _isNonsense && ++nonsense == MostNonsense)
            {
                throw new ChannelCorruptException("a record", Header.DataOffset + (long)(_at & (_capacity - 1)), $"makes no sense, and the tail is {_tail}");
            }
        }

        // The writer is so fast that the tap never got to copy one in time.
        message = default;
        return false;
    }

    /// <summary>Copies the record at the place, and goes past it if it stood there all the time.</summary>
    private bool TryCopy(out TappedMessage message)
    {
        message = default;
        _isNonsense = false;
        var at = _at;
        var offset = at & (_capacity - 1);
        var room = _capacity - offset;
        Span<byte> first = stackalloc byte[ChannelLayout.RecordHeaderSize];
        Read(first, Header.DataOffset + (long)offset);
        var record = BinaryPrimitives.ReadUInt64LittleEndian(first);
        if (record == (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift && offset != 0 && room <= _tail - at)
        {
            // It stands for no message: the next one is at the beginning.
            Look();
            _at = Stands(at) ? at + room : at;
            return false;
        }

        var (length, type) = ((ulong)(uint)record, (ushort)(record >> ChannelLayout.TypeShift));
        var need = (ulong)ChannelLayout.RoundUp(Header.Prefix + (long)length, Header.RecordAlign);
        if (record >> ChannelLayout.FlagsShift != 0 || type >= ChannelLayout.FirstReservedType || length > (ulong)Header.MaxMessage || need > room || need > _tail - at)
        {
            Look();
            if (at < _head)
            {
                // The writer may be there by now.
                Skip();
            }

            _isNonsense = true;
            return false;
        }

        var bytes = Room((int)length);
        Read(bytes, Header.DataOffset + (long)offset + Header.Prefix);
        Look();
        if (!Stands(at))
        {
            return false;
        }

        message = new(bytes, type, _head > at, _missed);
        _at = at + need;
        _number++;
        _missed = 0;
        return true;
    }

    /// <summary>Whether no committed message can have been written over a place: it waits for the reader, or is in the half of the ring that was written last.</summary>
    private bool Stands(ulong at) => at <= _tail && (at >= _head || _tail - at <= _capacity / 2);

    /// <summary>Goes on at the first message that waits for the reader.</summary>
    private void Skip()
    {
        _at = _head;
        if (_taken > _number)
        {
            _missed += _taken - _number;
            Missed += _taken - _number;
        }

        // Also where it falls: what was counted too early is not counted again.
        _number = _taken;
    }

    /// <summary>
    /// Reads head and tail twice, and keeps the later head and the earlier tail. The kernel copies them while they change, and nothing promises that it copies each in one piece:
    /// a wrong one does no harm unless both are wrong.
    /// </summary>
    private void Look()
    {
        Span<byte> lines = stackalloc byte[LinesSize];
        // What was copied before is copied before the lines are read, and what follows after: the processor keeps the kernel's copies in the order of these fences.
        Interlocked.MemoryBarrier();
        Read(lines, ChannelLayout.WriterLine);
        var (tail, head) = (U64(lines, ChannelLayout.IndexInLine), U64(lines, HeadInLines + ChannelLayout.IndexInLine));
        _state = (uint)U64(lines, ChannelLayout.StateInLine);
        Interlocked.MemoryBarrier();
        Read(lines, ChannelLayout.WriterLine);
        Interlocked.MemoryBarrier();
        _newestTail = U64(lines, ChannelLayout.IndexInLine);
        _head = Math.Max(head, U64(lines, HeadInLines + ChannelLayout.IndexInLine));
        _taken = (long)Math.Min(U64(lines, HeadInLines + ChannelLayout.MessagesInLine), long.MaxValue);
        // A head that was read later may be past the tail: all before it is complete.
        _tail = Math.Max(Math.Min(tail, _newestTail), _head);
        if (_tail > ChannelLayout.MostIndex || _tail - _head > _capacity || ((_tail | _head) & ((ulong)Header.RecordAlign - 1)) != 0)
        {
            throw new ChannelCorruptException("the tail", ChannelLayout.WriterLine, $"is {_tail}, and the head {_head}");
        }
    }
}
