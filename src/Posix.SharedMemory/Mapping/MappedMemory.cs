using System.Buffers;

namespace Posix.SharedMemory;

/// <summary>Held bytes as <see cref="Memory{T}"/>, for code that is asynchronous. Disposing it disposes the hold.</summary>
internal sealed class MappedMemory<T> : MemoryManager<T>
    where T : unmanaged
{
    private readonly MappingHold _hold;
    private readonly long _offset;
    private readonly int _count;

    /// <param name="hold">What holds the bytes.</param>
    /// <param name="offset">The first value's place in the hold, in bytes: aligned, and inside it like all values.</param>
    /// <param name="count">How many values.</param>
    internal MappedMemory(MappingHold hold, long offset, int count)
    {
        _hold = hold;
        _offset = offset;
        _count = count;
    }

    public override unsafe Span<T> GetSpan() =>
        // SAFETY: the hold refuses once it is disposed; until then it keeps the values mapped, and the memory references it.
        new(_hold.DangerousGetPointer() + _offset, _count);

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, _count);
        // SAFETY: mapped memory does not move; the hold keeps it mapped as above.
        return new((T*)(_hold.DangerousGetPointer() + _offset) + elementIndex, default, this);
    }

    public override void Unpin()
    {
        // Nothing was pinned: mapped memory does not move.
    }

    protected override void Dispose(bool disposing) => _hold.Dispose();
}
