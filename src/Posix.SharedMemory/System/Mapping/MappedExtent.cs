namespace Posix.SharedMemory;

/// <summary>Where in its object a mapping ends, for as long as it is mapped: the object must not be cut below it.</summary>
/// <remarks>An object lists these instead of its mappings, so that the garbage collector can take a mapping that nobody references any more.</remarks>
internal sealed class MappedExtent
{
    /// <summary>The end, in bytes from the object's first. Guarded by the object's monitor.</summary>
    internal required long End;

    /// <summary>Whether the range is unmapped. Set once, at any time, by the thread that unmaps it.</summary>
    internal volatile bool IsUnmapped;

    /// <summary>Whether no process can cut the object below the end, nor below one that is adopted later.</summary>
    internal volatile bool IsStable;

    /// <summary>The next one of the same object. Guarded by the object's monitor.</summary>
    internal MappedExtent? Next;
}
