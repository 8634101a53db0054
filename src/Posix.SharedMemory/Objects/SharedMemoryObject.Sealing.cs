namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Gets what the object is sealed against, as the kernel reports it: another process may add seals. For a named object it is <see cref="MemorySeals.Seal"/>.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EINVAL"/>: the file system behind the object has no seals (a /dev/shm that is not a tmpfs).</exception>
    /// <remarks>On macOS, which has no seals, it is <see cref="MemorySeals.None"/>. <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_GET_SEALS(2const)</see></remarks>
    public MemorySeals Seals => Sealing.Get();

    /// <summary>Seals the object, against all of these or, if this throws, none. A seal cannot be removed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a combination of the defined seals.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading only.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPERM"/>: the object is sealed against further seals; a named one always is. <see cref="Errno.EBUSY"/>, for
    /// <see cref="MemorySeals.Write"/>: a process has it mapped through a descriptor that is open for writing. <see cref="Errno.EINVAL"/>: this kernel does not support the seal.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">macOS has no seals; FreeBSD neither <see cref="MemorySeals.FutureWrite"/> nor <see cref="MemorySeals.Exec"/>.</exception>
    /// <remarks>
    /// For <see cref="MemorySeals.Write"/>, first dispose the mappings, read-only ones too; to fill the object without one, use <see cref="Write"/>.
    /// <see cref="MemorySeals.Exec"/> on an executable object (<see cref="AnonymousMemoryOptions.Executable"/>) makes the kernel add <see cref="MemorySeals.Shrink"/>, <see cref="MemorySeals.Grow"/>,
    /// <see cref="MemorySeals.Write"/> and <see cref="MemorySeals.FutureWrite"/>, so that the program in it cannot change; it is <see cref="Errno.EBUSY"/> while the object is mapped.
    /// <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_ADD_SEALS(2const)</see>
    /// </remarks>
    public void AddSeals(MemorySeals seals) => Sealing.Add(seals);

    private ObjectSealing Sealing => new(_descriptor);
}
