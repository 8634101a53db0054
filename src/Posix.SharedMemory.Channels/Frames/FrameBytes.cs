using System.Buffers;

namespace Posix.SharedMemory.Channels;

/// <summary>The bytes of a frame's slot as memory: one object for each frame object, so that a frame as memory allocates nothing.</summary>
internal sealed unsafe class FrameBytes(Frame frame, FrameSlots slots) : MemoryManager<byte>
{
    // The slots, which this object references, keep the bytes mapped.
    private readonly FrameSlots _slots = slots;
    // The first slot until the first frame begins.
    private SlotPlace _place = slots.PlaceOf(0);

    internal int Length => _place.Length;

    /// <summary>Gets all bytes of the slot.</summary>
    internal Span<byte> Room
    {
        get
        {
            var place = _place;
            // SAFETY: the slot lies in the mapped slots, which this object references; the place is loaded once, also by a caller that still holds a former frame.
            return new((void*)place.First, place.Length);
        }
    }

    /// <summary>It is those of a slot from now on.</summary>
    internal void MoveTo(int slot) => _place = _slots.PlaceOf(slot);

    internal Memory<byte> First(int length) => CreateMemory(length);

    public override Span<byte> GetSpan()
    {
        frame.RequireUse();
        return Room;
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        frame.RequireUse();
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        var place = _place;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, place.Length);
        // Mapped memory does not move; the handle references this object, and so the mapping.
        return new((void*)(place.First + elementIndex), pinnable: this);
    }

    public override void Unpin() => GC.KeepAlive(_slots);

    protected override void Dispose(bool disposing)
    {
    }
}
