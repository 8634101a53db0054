using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The tap of frames: copies what each frame is, out of the headers of the slots. It takes no place and holds no slot, so that a publisher may fill any of them meanwhile: of the bytes nothing can be copied that is known to
/// be whole.
/// </summary>
internal sealed class FrameTap(SharedMemoryObject memory, ChannelHeader header) : ChannelTap(memory, header)
{
    private const int MostNonsense = 10;

    private readonly SlotHeader[] _first = new SlotHeader[header.Frames.Slots];
    private readonly SlotHeader[] _second = new SlotHeader[header.Frames.Slots];
    private readonly List<SlotHeader> _found = [];
    private int _shown;
    private bool _hasBegun;
    private ulong _looked;
    private ulong? _expected;

    internal override bool TryRead(out TappedMessage message)
    {
        if (_shown == _found.Count)
        {
            Look();
        }

        if (_shown == _found.Count)
        {
            message = default;
            return false;
        }

        var slot = _found[_shown++];
        var missed = (long)(slot.Sequence - (_expected ?? slot.Sequence));
        Missed += missed;
        _expected = slot.Sequence + 1;
        HasEnded = false;
        message = new(default, slot.Type, isTaken: false, missed) { Frame = new((long)slot.Sequence, (long)slot.Timestamp, (int)slot.Length, slot.User) };
        return true;
    }

    /// <summary>Finds the frames that were sent since the last look, oldest first, as far as their slots have not been used again.</summary>
    private void Look()
    {
        _found.Clear();
        _shown = 0;
        var (sent, isCompleted) = LookAtWriter();
        if (sent == _looked)
        {
            // It is there before the first frame: none of the next is from before it.
            (_hasBegun, _expected) = (true, _hasBegun ? _expected : 0);
            HasEnded = isCompleted;
            return;
        }

        // It begins with the newest.
        var from = _hasBegun ? _looked : sent - 1;
        (_hasBegun, _looked) = (true, sent);
        Read(MemoryMarshal.AsBytes(_first.AsSpan()), Header.Frames.HeadersOffset);
        Interlocked.MemoryBarrier();
        Read(MemoryMarshal.AsBytes(_second.AsSpan()), Header.Frames.HeadersOffset);
        for (var slot = 0; slot < _first.Length; slot++)
        {
            // A publisher that sends the next frame in this slot stores its number first, which is not one of those that were counted.
            ref readonly var entry = ref _first[slot];
            if (entry.Sequence >= from && entry.Sequence < sent && entry is { Generation: not 0, Type: < ChannelLayout.FirstReservedType } && entry.Length <= (uint)Header.Frames.LengthOf(slot) && IsSame(slot))
            {
                _found.Add(entry);
            }
        }

        _found.Sort((one, other) => one.Sequence.CompareTo(other.Sequence));
        for (var at = _found.Count - 1; at > 0; at--)
        {
            if (_found[at].Sequence == _found[at - 1].Sequence)
            {
                throw new ChannelCorruptException("a slot's header", Header.Frames.HeadersOffset, $"has the number {_found[at].Sequence}, as another one has");
            }
        }
    }

    private bool IsSame(int slot) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<SlotHeader>(in _first[slot])).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<SlotHeader>(in _second[slot])));

    /// <summary>Reads how many frames were sent, and before that, whether more will be. Nothing promises that the kernel copies a word in one piece: what makes no sense is read again.</summary>
    private (ulong Sent, bool IsCompleted) LookAtWriter()
    {
        Span<byte> line = stackalloc byte[ChannelLayout.StateInLine + sizeof(ulong)];
        for (var attempt = 1; ; attempt++)
        {
            Read(line, ChannelLayout.WriterLine);
            var isCompleted = (uint)U64(line, ChannelLayout.StateInLine) != (uint)ChannelState.Open;
            Interlocked.MemoryBarrier();
            Read(line, ChannelLayout.WriterLine);
            var sent = U64(line, ChannelLayout.IndexInLine);
            if (sent >= _looked && sent <= ChannelLayout.MostIndex)
            {
                return (sent, isCompleted);
            }

            if (attempt == MostNonsense)
            {
                throw new ChannelCorruptException("the number of frames", ChannelLayout.WriterLine, $"is {sent}, and was {_looked}");
            }
        }
    }
}
