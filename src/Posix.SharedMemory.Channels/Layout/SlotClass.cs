namespace Posix.SharedMemory.Channels;

/// <summary>Slots of one size in a frame channel.</summary>
/// <param name="Count">How many.</param>
/// <param name="Length">How many bytes each has: a multiple of 64, and of the alignment of the slots.</param>
internal readonly record struct SlotClass(int Count, long Length);
