using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>What a platform verb acts on: a descriptor, and the name to call it by when the verb fails.</summary>
/// <param name="Handle">The descriptor.</param>
/// <param name="Name">None, where it has none.</param>
/// <param name="SharesOpen">Whether another process may have the same open, since the descriptor came from elsewhere or was given out: the kernel's locks do not distinguish the two.</param>
/// <param name="MemoryCheck">Whether the estimate of free memory may refuse a reservation.</param>
internal readonly record struct OpenObject(SafeFileHandle Handle, ObjectName Name, bool SharesOpen = false, MemoryCheck MemoryCheck = MemoryCheck.Estimate);
