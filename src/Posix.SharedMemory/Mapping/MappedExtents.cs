namespace Posix.SharedMemory;

/// <summary>The ends of one object's mappings. Guarded by the object's monitor, except that a range which is unmapped says so at any time.</summary>
internal struct MappedExtents
{
    private const int Few = 16;

    private MappedExtent? _first;
    private int _count;
    private int _mapped;

    /// <summary>Notes what was just mapped.</summary>
    internal MappedExtent Add(long end, bool isStable)
    {
        if (_count >= Few + (2 * _mapped))
        {
            // As rarely as keeps the list at most twice as long as it must be: the cost per mapping is constant.
            Sweep();
        }

        _count++;
        return _first = new() { End = end, IsStable = isStable, Next = _first };
    }

    /// <summary>Gets whether anything is mapped.</summary>
    internal readonly bool IsAnyMapped => FindPast(-1) is not null;

    /// <summary>The end of a mapping that reaches past a length; <see langword="null"/> if there is none.</summary>
    internal readonly long? FindPast(long length)
    {
        for (var extent = _first; extent is not null; extent = extent.Next)
        {
            if (extent.End > length && !extent.IsUnmapped)
            {
                return extent.End;
            }
        }

        return null;
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
        _mapped = 0;
        for (ref var next = ref _first; next is not null;)
        {
            if (next.IsUnmapped)
            {
                next = next.Next;
                continue;
            }

            _mapped++;
            next = ref next.Next;
        }

        _count = _mapped;
    }
}
