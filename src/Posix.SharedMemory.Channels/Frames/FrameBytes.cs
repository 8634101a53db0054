using System.Buffers;

namespace Posix.SharedMemory.Channels;

/// <summary>The bytes of a frame's slot as memory: one object for each frame, so that a frame as memory allocates nothing.</summary>
internal sealed unsafe class FrameBytes(Frame frame, FrameSlots slots, int slot) : MemoryManager<byte>
{
    // The slots, which this object references, keep the bytes mapped.
    private readonly FrameSlots _slots = slots;
    private readonly byte* _first = slots.SlotAt(slot);

    internal int Length { get; } = slots.LengthOf(slot);

    /// <summary>Gets all bytes of the slot.</summary>
    internal Span<byte> Room =>
        // SAFETY: the slot lies in the mapped slots, which this object references.
        new(_first, Length);

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
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, Length);
        // Mapped memory does not move; the handle references this object, and so the mapping.
        return new(_first + elementIndex, pinnable: this);
    }

    public override void Unpin() => GC.KeepAlive(_slots);

    protected override void Dispose(bool disposing)
    {
    }
}
