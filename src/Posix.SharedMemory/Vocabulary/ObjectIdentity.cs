namespace Posix.SharedMemory;

/// <summary>What tells one object from another, whatever names they have had: the file system and the number in it.</summary>
/// <param name="Device">The file system, as <c>st_dev</c> encodes it.</param>
/// <param name="Inode">The object in it, as <c>st_ino</c>.</param>
public readonly record struct ObjectIdentity(ulong Device, ulong Inode);
