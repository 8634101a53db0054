using System.Buffers;

namespace Posix.SharedMemory;

/// <summary>Mapped bytes as <see cref="Memory{T}"/>, for code that is asynchronous: holds a lease until disposed.</summary>
internal sealed class MappedMemory : MemoryManager<byte>
{
    private readonly unsafe byte* _address;
    private readonly int _length;
    private SafeMappingHandle? _range;

    /// <summary>Takes over a reference that has been added to the range.</summary>
    internal unsafe MappedMemory(SafeMappingHandle range, byte* address, int length)
    {
        _range = range;
        _address = address;
        _length = length;
    }

    public override unsafe Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_range is null, this);
        // SAFETY: the reference taken by GetMemory keeps the bytes mapped until this is disposed.
        return new(_address, _length);
    }

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, _length);
        ObjectDisposedException.ThrowIf(_range is null, this);
        // SAFETY: mapped memory does not move; the reference keeps it mapped as above.
        return new(_address + elementIndex, default, this);
    }

    public override void Unpin()
    {
        // Nothing was pinned: mapped memory does not move.
    }

    protected override void Dispose(bool disposing) => Interlocked.Exchange(ref _range, null)?.DangerousRelease();
}
