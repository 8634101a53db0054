namespace Posix.SharedMemory;

/// <summary>The extents of an object that are mapped. An extent goes when its range is unmapped; the list keeps no range mapped.</summary>
/// <remarks>A mapping that its owner forgot is therefore finalized, and its extent goes then. Taking part costs a mapping the same however many there are.</remarks>
internal sealed class MappedExtents
{
    private MappedExtent? _first;

    internal bool IsEmpty
    {
        get
        {
            lock (this)
            {
                return _first is null;
            }
        }
    }

    internal MappedExtent Add(long end)
    {
        var extent = new MappedExtent(this, end);
        lock (this)
        {
            extent.Next = _first;
            if (_first is { } first)
            {
                first.Previous = extent;
            }

            return _first = extent;
        }
    }

    internal void Remove(MappedExtent extent)
    {
        lock (this)
        {
            if (extent.Previous is { } previous)
            {
                previous.Next = extent.Next;
            }
            else if (_first == extent)
            {
                _first = extent.Next;
            }

            if (extent.Next is { } next)
            {
                next.Previous = extent.Previous;
            }

            extent.Next = extent.Previous = null;
        }
    }

    /// <summary>Returns the end of a mapping that reaches past a length; <see langword="null"/> where none does.</summary>
    internal long? FindEndPast(long length)
    {
        lock (this)
        {
            for (var extent = _first; extent is not null; extent = extent.Next)
            {
                if (extent.End > length)
                {
                    return extent.End;
                }
            }

            return null;
        }
    }

    /// <summary>Notes that no process can take away the bytes up to a length.</summary>
    internal void SetStable(long length)
    {
        lock (this)
        {
            for (var extent = _first; extent is not null; extent = extent.Next)
            {
                extent.IsStable |= extent.End <= length;
            }
        }
    }
}
