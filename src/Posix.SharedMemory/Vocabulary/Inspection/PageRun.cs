namespace Posix.SharedMemory.Inspection;

/// <summary>Consecutive pages of an object in the same state.</summary>
/// <param name="Range">Their bytes: whole pages, except that the last one ends at the end of the object.</param>
/// <param name="State">Where their memory is.</param>
public readonly record struct PageRun(ByteRange Range, PageState State);
