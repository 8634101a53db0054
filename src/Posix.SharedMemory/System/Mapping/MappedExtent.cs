namespace Posix.SharedMemory;

/// <summary>Where in its object a mapping ends, for as long as it is mapped: the object must not be cut below it.</summary>
/// <remarks>An object lists these instead of its mappings, so that the garbage collector can take a mapping that nobody references any more.</remarks>
internal sealed class MappedExtent(long end)
{
    /// <summary>The end of what is not mapped any more.</summary>
    internal const long Unmapped = -1;

    /// <summary>Whether no process can cut the object below the end, nor below one that is adopted later.</summary>
    internal volatile bool IsStable;

    /// <summary>The next one of the same object.</summary>
    internal MappedExtent? Next;

    private long _end = end;

    /// <summary>Notes that; returns true.</summary>
    internal bool MakeStable() => IsStable = true;

    /// <summary>Gets or sets the end, in bytes from the object's first; <see cref="Unmapped"/> once the range is unmapped.</summary>
    internal long End
    {
        get => Volatile.Read(ref _end);
        set => Volatile.Write(ref _end, value);
    }
}
