namespace Posix.SharedMemory;

/// <summary>What the header of a control message says, the same on every system.</summary>
internal readonly record struct ControlHeader(long Length, int Level, int Type);
