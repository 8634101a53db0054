namespace Posix.SharedMemory;

/// <summary>How far into an object one mapping of it reaches, for as long as it is mapped.</summary>
/// <param name="list">The object's list.</param>
/// <param name="end">The byte after the last one.</param>
internal sealed class MappedExtent(MappedExtents list, long end)
{
    private long _end = end;
    private volatile bool _isStable;

    /// <summary>Gets or sets the byte after the last one that is mapped.</summary>
    internal long End
    {
        get => Volatile.Read(ref _end);
        set => Volatile.Write(ref _end, value);
    }

    /// <summary>Gets or sets whether no process can take these bytes away.</summary>
    internal bool IsStable
    {
        get => _isStable;
        set => _isStable = value;
    }

    internal MappedExtent? Next { get; set; }

    internal MappedExtent? Previous { get; set; }

    /// <summary>Takes the extent out of the list: its range is unmapped.</summary>
    internal void Remove() => list.Remove(this);
}
