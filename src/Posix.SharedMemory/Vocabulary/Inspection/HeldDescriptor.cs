namespace Posix.SharedMemory.Inspection;

/// <summary>A process's descriptor of an object.</summary>
/// <param name="Number">The descriptor's number in that process.</param>
/// <param name="Access">The access it was opened with.</param>
public readonly record struct HeldDescriptor(int Number, FileAccess Access);
