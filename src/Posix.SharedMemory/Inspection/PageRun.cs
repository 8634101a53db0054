namespace Posix.SharedMemory.Inspection;

/// <summary>Neighbouring pages of an object that are in one state.</summary>
/// <param name="Range">Their bytes: whole pages, but for the last one, which ends where the object ends.</param>
/// <param name="State">Where their memory is.</param>
public readonly record struct PageRun(ByteRange Range, PageState State);
