namespace Posix.SharedMemory.Inspection;

/// <summary>A descriptor of an object in some process.</summary>
/// <param name="Number">The descriptor's number there.</param>
/// <param name="Access">What it was opened for.</param>
public readonly record struct HeldDescriptor(int Number, FileAccess Access);
