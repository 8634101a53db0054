using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Names: opens, publishes, renames, finds and removes them, for shared memory objects and for the files of regions.</summary>
/// <remarks>
/// Sixteen verbs, because a region's file has the same life as an object under a path instead of a name: on Linux the two differ in little but
/// the directory, and a system that keeps objects apart from files still has both.
/// </remarks>
internal class SystemNames
{
    /// <summary>Gets whether an object can be made without a name and get one later.</summary>
    internal virtual bool HasUnpublishedObjects => true;

    /// <summary>Opens or creates a named object: <c>shm_open</c>. <see cref="Errno.EINVAL"/>, <see cref="Errno.ELOOP"/>: it is not a shared memory object.</summary>
    internal virtual Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle) => throw Platform.NotSupported();

    /// <summary>Leaves a descriptor that this opened with the flags that one of <c>shm_open</c> has, before other code gets it.</summary>
    internal virtual void ClearOpenFlags(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>
    /// Opens what has a name for the library itself, which closes it by <see cref="SystemMembership.CloseUnseen"/>. Whether it is an object, and the one that is meant, the caller finds by comparing its identity
    /// with that of the object.
    /// </summary>
    internal virtual Errno OpenUnseen(in ObjectName name, FileAccess access, out SafeFileHandle? handle) => Open(name, FileMode.Open, access, UnixFileMode.None, out handle);

    /// <summary>Creates an object that no process can open by name yet, for its owner only.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="temporary">The name it has until then, where the system must give it one.</param>
    internal virtual Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary) => throw Platform.NotSupported();

    /// <summary>Gives an unpublished object its name: <see cref="RenameMode.NoReplace"/> or <see cref="RenameMode.Replace"/>.</summary>
    internal virtual Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode) => throw Platform.NotSupported();

    /// <summary>Removes a name: <c>shm_unlink</c>.</summary>
    internal virtual Errno Unlink(in ObjectName name) => throw Platform.NotSupported();

    /// <summary>Moves a name: FreeBSD's <c>shm_rename</c>, or what behaves like it.</summary>
    internal virtual Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode) => throw Platform.NotSupported();

    /// <summary>Finds what a name stands for now; <see langword="null"/> where it stands for no shared memory object.</summary>
    internal virtual SharedMemoryStatus? Find(in ObjectName name) => throw Platform.NotSupported();

    /// <summary>Starts to watch whether a name, and the length of the object that has it, change; <see langword="null"/> where the system does not report that.</summary>
    internal virtual NameWatch? Watch(in ObjectName name) => throw Platform.NotSupported();

    /// <summary>Lists all names, unsorted. Some may be gone by the time they are used.</summary>
    internal virtual IEnumerable<ObjectName> List() => throw Platform.NotSupported();

    /// <summary>
    /// Sets the permissions of the object that a name stands for, if it is still the one with <paramref name="identity"/>; without opening it,
    /// where the system can do that.
    /// </summary>
    internal virtual Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions) => throw Platform.NotSupported();

    /// <summary>Opens a regular file for reading and writing. <see cref="Errno.EINVAL"/>: it is something else.</summary>
    internal virtual Errno OpenFile(in FilePath path, out SafeFileHandle? handle) => throw Platform.NotSupported();

    /// <summary>Creates a file, for its owner only, that the path does not lead to yet.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="handle">The file.</param>
    /// <param name="temporary">The path it has until then, where the system or the file system must give it one.</param>
    internal virtual Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary) => throw Platform.NotSupported();

    /// <summary>
    /// Gives a new file its path, in one step. <see cref="RenameMode.NoReplace"/>: a file that has the path is <see cref="Errno.EEXIST"/>. <see cref="RenameMode.Replace"/>: it loses
    /// the path; processes that have it open are unaffected.
    /// </summary>
    internal virtual Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path, RenameMode mode) => throw Platform.NotSupported();

    /// <summary>Removes the temporary names in a directory whose makers were killed while they replaced an object or a file, and the links by which they held a name meanwhile.</summary>
    /// <returns>Those that were removed.</returns>
    internal virtual IReadOnlyList<string> RemoveAbandoned(in FilePath directory) => throw Platform.NotSupported();

    /// <summary>Removes a file's path: <c>unlink</c>.</summary>
    internal virtual Errno RemoveFile(in FilePath path) => throw Platform.NotSupported();

    /// <summary>Finds what a path leads to now, without following a link at its end.</summary>
    internal virtual Errno FindFile(in FilePath path, out ObjectIdentity identity) => throw Platform.NotSupported();
}
