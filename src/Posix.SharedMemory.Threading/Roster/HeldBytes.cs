namespace Posix.SharedMemory.Threading;

/// <summary>Some bytes of a mapping: they stay mapped while anything that points into them is referenced.</summary>
internal sealed class HeldBytes
{
    // Given back by the collector: locks are not disposed.
    private readonly MappingHold _hold;

    private unsafe HeldBytes(MemoryMapping mapping, long offset, long length)
    {
        Mapping = mapping;
        Offset = offset;
        _hold = mapping.Hold(offset, length);
        // SAFETY: the hold, which this object references, keeps the bytes mapped.
        First = _hold.DangerousGetPointer();
    }

    internal unsafe byte* First { get; }

    internal long Offset { get; }

    internal MemoryMapping Mapping { get; }

    /// <summary>Holds bytes for reading and writing.</summary>
    /// <param name="alignment">The offset must be a multiple of it.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of the alignment, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EINVAL"/>: the mapping is private.</exception>
    internal static HeldBytes Take(MemoryMapping mapping, long offset, int length, int alignment)
    {
        CheckPlace(mapping, offset, alignment);
        if (mapping.IsPrivate)
        {
            throw new SharedMemoryException(Errno.EINVAL, "mmap", detail: "The mapping is private: what one process stores there, no other sees. Locks and rosters need a shared one.");
        }

        return mapping.Access == FileAccess.ReadWrite ? new(mapping, offset, length)
            : throw new ArgumentException("The mapping is read-only: locks and rosters need one for reading and writing.", nameof(mapping));
    }

    /// <summary>Holds bytes for reading.</summary>
    internal static HeldBytes TakeForReading(MemoryMapping mapping, long offset, int length, int alignment)
    {
        CheckPlace(mapping, offset, alignment);
        return new(mapping, offset, length);
    }

    private static void CheckPlace(MemoryMapping mapping, long offset, int alignment)
    {
        ArgumentNullException.ThrowIfNull(mapping);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (offset % alignment != 0 || (mapping.Offset + offset) % alignment != 0)
        {
            throw new ArgumentException($"The offset {offset} is not a multiple of {alignment}.", nameof(offset));
        }
    }
}
