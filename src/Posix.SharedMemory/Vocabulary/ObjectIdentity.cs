namespace Posix.SharedMemory;

/// <summary>Identifies an object regardless of its names: its file system and its inode number there.</summary>
/// <param name="Device">The file system, as <c>st_dev</c> encodes it.</param>
/// <param name="Inode">The inode number, as <c>st_ino</c>.</param>
public readonly record struct ObjectIdentity(ulong Device, ulong Inode);
