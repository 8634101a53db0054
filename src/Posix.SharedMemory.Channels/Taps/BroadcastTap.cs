namespace Posix.SharedMemory.Channels;

/// <summary>The tap of a broadcast: reads as a reader that may lose messages does, and takes no place.</summary>
internal sealed class BroadcastTap(SharedMemoryObject memory, ChannelHeader header) : ChannelTap(memory, header)
{
    private const int MostLooks = 1000, MostNonsense = 10;

    private readonly ulong _capacity = (ulong)header.Capacity;
    private bool _hasBegun;
    private ulong _at;
    private ulong? _expected;
    private ulong _tail;
    private ulong _intent;
    private ulong _latest;
    private ulong _next;
    private uint _state;

    internal override bool TryRead(out TappedMessage message)
    {
        for (int looks = 0, nonsense = 0; looks < MostLooks; looks++)
        {
            Look();
            if (_next == 0 || (_hasBegun && _at == _tail))
            {
                HasEnded = _state != (uint)ChannelState.Open;
                break;
            }

            if (!_hasBegun || _intent - _at > _capacity)
            {
                // It begins, and begins again where it was overrun, with the oldest record that the history knows in the newer half of the ring, or with the newest.
                _at = Math.Min(FindOldest(_hasBegun ? _intent - Math.Min(_intent, _capacity / 2) : _intent - Math.Min(_intent, _capacity)), _latest);
                _hasBegun = true;
                Look();
            }

            if (TryCopy(out message, out var isNonsense))
            {
                HasEnded = false;
                return true;
            }

            // What was not overrun is as the writer published it: what makes no sense there, however often it is read, is corrupt.
            if (isNonsense && ++nonsense == MostNonsense)
            {
                throw new ChannelCorruptException("a record", Header.DataOffset + (long)(_at & (_capacity - 1)), $"makes no sense, and the tail is {_tail}");
            }
        }

        message = default;
        return false;
    }

    private bool TryCopy(out TappedMessage message, out bool isNonsense)
    {
        message = default;
        isNonsense = false;
        var (at, offset) = (_at, _at & (_capacity - 1));
        var room = _capacity - offset;
        Span<byte> first = stackalloc byte[ChannelLayout.WidePrefix];
        first.Clear();
        Read(room >= ChannelLayout.WidePrefix ? first : first[..ChannelLayout.RecordHeaderSize], Header.DataOffset + (long)offset);
        var record = U64(first, 0);
        var sequence = U64(first, ChannelLayout.SequenceInRecord);
        var isPadding = record == (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift && offset != 0 && room <= _tail - at;
        var (length, type) = ((ulong)(uint)record, (ushort)(record >> ChannelLayout.TypeShift));
        var need = (ulong)ChannelLayout.RoundUp(Header.Prefix + (long)length, Header.RecordAlign);
        var isRecord = record >> ChannelLayout.FlagsShift == 0 && type < ChannelLayout.FirstReservedType && length <= (ulong)Header.MaxMessage && need <= room && need <= _tail - at && !(sequence < _expected);
        var bytes = isRecord ? Room((int)length) : default;
        if (isRecord)
        {
            Read(bytes, Header.DataOffset + (long)offset + Header.Prefix);
        }

        Look();
        if (_intent - at > _capacity)
        {
            return false;
        }

        if (!isRecord)
        {
            isNonsense = !isPadding;
            _at = isPadding ? at + room : at;
            return false;
        }

        var missed = (long)(sequence - (_expected ?? sequence));
        Missed += missed;
        (_at, _expected) = (at + need, sequence + 1);
        message = new(bytes, type, isTaken: false, missed);
        return true;
    }

    /// <summary>The oldest record of the history at a place or after it: as BroadcastRecords.FindLast, by few reads also where the history is long.</summary>
    private ulong FindOldest(ulong least)
    {
        var found = ulong.MaxValue;
        var (low, high) = (_next - Math.Min((ulong)Header.Count, _next), _next);
        var newest = low == high ? 0 : Entry(_next - 1);
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

    private ulong Entry(ulong sequence)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        Read(word, Header.HistoryOffset + ((long)(sequence % (ulong)Header.Count) * sizeof(ulong)));
        return U64(word, 0);
    }

    /// <summary>Reads the lines of the writer until they fit each other: nothing promises that the kernel copies a word in one piece.</summary>
    private void Look()
    {
        for (var attempt = 1; !TryLook(); attempt++)
        {
            if (attempt == MostNonsense)
            {
                throw new ChannelCorruptException("the tail", ChannelLayout.WriterLine, $"is {_tail}, the intent {_intent}, and the newest record {_latest}");
            }
        }
    }

    /// <summary>
    /// Reads the lines of the writer three times, since one read copies them in no order that is promised: first what was stored after a tail, which are the end and the
    /// newest record; then the tail; then the intent, which was stored before it.
    /// </summary>
    /// <returns>False: they do not fit each other.</returns>
    private bool TryLook()
    {
        Span<byte> lines = stackalloc byte[ChannelLayout.StartAt - ChannelLayout.WriterLine];
        Interlocked.MemoryBarrier();
        Read(lines, ChannelLayout.WriterLine);
        var latest = U64(lines, ChannelLayout.LatestAt - ChannelLayout.WriterLine);
        _state = (uint)U64(lines, ChannelLayout.StateInLine);
        _next = U64(lines, ChannelLayout.NextSequenceAt - ChannelLayout.WriterLine);
        Interlocked.MemoryBarrier();
        Read(lines, ChannelLayout.WriterLine);
        Interlocked.MemoryBarrier();
        var (tail, intent) = (U64(lines, ChannelLayout.IndexInLine), U64(lines, ChannelLayout.IntentAt - ChannelLayout.WriterLine));
        _latest = Math.Min(latest, U64(lines, ChannelLayout.LatestAt - ChannelLayout.WriterLine));
        Read(lines, ChannelLayout.WriterLine);
        Interlocked.MemoryBarrier();
        _tail = Math.Min(tail, U64(lines, ChannelLayout.IndexInLine));
        _intent = Math.Max(intent, U64(lines, ChannelLayout.IntentAt - ChannelLayout.WriterLine));
        return !(_tail > ChannelLayout.MostIndex || _intent < _tail || (_next != 0 && _latest >= _tail) || ((_tail | _latest) & ((ulong)Header.RecordAlign - 1)) != 0 || _at > _tail);
    }
}
