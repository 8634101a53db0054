namespace Posix.SharedMemory.Threading;

/// <summary>Some bytes of a mapping: they stay mapped while anything that points into them is referenced.</summary>
internal sealed unsafe class HeldBytes
{
    private readonly System.Buffers.IMemoryOwner<byte>? _owner;
    private readonly MemoryMapping _mapping;

    private HeldBytes(MemoryMapping mapping, long offset, int length, bool forWriting)
    {
        _mapping = mapping;
        Offset = offset;
        if (forWriting)
        {
            _owner = mapping.GetMemory(offset, length);
            // SAFETY: mapped memory does not move; the owner keeps it mapped until the finalizer gives it back.
            fixed (byte* first = _owner.Memory.Span)
            {
                First = first;
            }
        }
        else
        {
            _ = mapping.GetReadOnlySpan(offset, length);
            // SAFETY: the range was checked by the line above; the mapping is referenced from here.
            First = mapping.DangerousGetPointer() + offset;
        }
    }

#pragma warning disable MA0055 // Locks are not disposed: the reference goes with the last object that points into the bytes.
    ~HeldBytes() => _owner?.Dispose();
#pragma warning restore MA0055

    internal byte* First { get; }

    internal long Offset { get; }

    internal MemoryMapping Mapping => _mapping;

    /// <summary>Holds bytes for reading and writing.</summary>
    /// <param name="alignment">The offset has to be a multiple of it.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of the alignment, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all inside the mapping.</exception>
    internal static HeldBytes Take(MemoryMapping mapping, long offset, int length, int alignment)
    {
        CheckPlace(mapping, offset, alignment);
        return mapping.Access == FileAccess.ReadWrite
            ? new(mapping, offset, length, forWriting: true)
            : throw new ArgumentException("The mapping is read-only: locks and rosters need one for reading and writing.", nameof(mapping));
    }

    /// <summary>Holds bytes for reading.</summary>
    internal static HeldBytes TakeForReading(MemoryMapping mapping, long offset, int length, int alignment)
    {
        CheckPlace(mapping, offset, alignment);
        return new(mapping, offset, length, forWriting: false);
    }

    private static void CheckPlace(MemoryMapping mapping, long offset, int alignment)
    {
        ArgumentNullException.ThrowIfNull(mapping);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if ((offset + mapping.Offset) % alignment != 0 || offset % Math.Min(alignment, 8) != 0)
        {
            throw new ArgumentException($"The offset {offset} is not a multiple of {alignment}.", nameof(offset));
        }
    }
}
