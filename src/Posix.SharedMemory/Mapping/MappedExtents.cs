namespace Posix.SharedMemory;

/// <summary>The ends of one object's mappings. Guarded by the object's monitor, except that a range which is unmapped marks its own at any time.</summary>
internal struct MappedExtents
{
    private const int Few = 16;

    private MappedExtent? _first;
    private int _count;
    private int _sweepAt;

    /// <summary>Notes what was just mapped.</summary>
    internal MappedExtent Add(long end, bool isStable)
    {
        if (_count++ >= _sweepAt)
        {
            // As rarely as keeps the list at most twice as long as it must be: the cost per mapping is constant.
            Sweep();
            _sweepAt = Few + (2 * _count);
        }

        return _first = new(end) { IsStable = isStable, Next = _first };
    }

    /// <summary>Gets whether anything is mapped.</summary>
    internal readonly bool IsAnyMapped => FindPast(MappedExtent.Unmapped) != MappedExtent.Unmapped;

    /// <summary>The end of a mapping that reaches past a length; <see cref="MappedExtent.Unmapped"/> if there is none.</summary>
    internal readonly long FindPast(long length)
    {
        for (var extent = _first; extent is not null; extent = extent.Next)
        {
            // Read once: the range may be unmapped meanwhile.
            if (extent.End is var end && end > length)
            {
                return end;
            }
        }

        return MappedExtent.Unmapped;
    }

    /// <summary>Notes that no process can cut the object below a length.</summary>
    internal readonly void SetStable(long length)
    {
        for (var extent = _first; extent is not null; extent = extent.Next)
        {
            extent.IsStable |= extent.End <= length;
        }
    }

    /// <summary>Leaves out what is not mapped any more.</summary>
    private void Sweep()
    {
        _count = 0;
        for (ref var next = ref _first; next is not null;)
        {
            if (next.End == MappedExtent.Unmapped)
            {
                next = next.Next;
                continue;
            }

            _count++;
            next = ref next.Next;
        }
    }
}
