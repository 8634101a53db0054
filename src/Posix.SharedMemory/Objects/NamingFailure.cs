namespace Posix.SharedMemory;

/// <summary>Says what to do when a name cannot be opened, created or published.</summary>
internal static class NamingFailure
{
    /// <param name="error">Why.</param>
    /// <param name="operation">The call, or the member, that failed.</param>
    /// <param name="name">The name.</param>
    internal static SharedMemoryException Of(Errno error, string operation, in ObjectName name) => new(error, operation, name.Text, error switch
    {
        Errno.EEXIST => "an object has this name. Open it with Open or OpenOrCreate; replace it with SharedMemoryOptions.OnConflict; "
            + "or remove what a killed process left with SharedMemoryObject.TryUnlink, or shm rm",
        Errno.ENOENT => operation == "Publish" ? null
            : IsDirectoryMissing() ? "there is no /dev/shm on this machine, where Linux keeps shared memory objects: mount a tmpfs there"
            : "no object has this name. Create it with Create or OpenOrCreate, or wait for another process to create it with OpenWhenReadyAsync",
        Errno.EACCES => Owner(name),
        Errno.EINVAL => "what has this name is not a shared memory object",
        Errno.ELOOP => "a symbolic link has this name; links are not followed",
        Errno.ENOSPC => "the file system of shared memory (/dev/shm on Linux) has no room for another name: see shm df",
        Errno.EROFS => "the file system of shared memory (/dev/shm on Linux) is mounted read-only",
        Errno.EMFILE => "this process has as many descriptors open as RLIMIT_NOFILE allows",
        _ => null,
    });

    private static bool IsDirectoryMissing() => OperatingSystem.IsLinux() && !Directory.Exists("/dev/shm");

    private static string? Owner(in ObjectName name)
    {
        try
        {
            return Platform.Current.Names.Find(name) is { } status && status.Identity != default
                ? $"the object belongs to user {status.UserId}, group {status.GroupId}, and its permissions are {Octal(status.Permissions)}: "
                    + "its owner, or root, can change them, remove it, or give it to another user (SetOwner)"
                : "this user may not create names in the file system of shared memory (/dev/shm on Linux, which needs mode 1777)";
        }
        catch (SharedMemoryException)
        {
            // The owner cannot be found out: the errno says what is known.
            return null;
        }
    }

    private static string Octal(UnixFileMode permissions) => Convert.ToString((int)permissions, 8).PadLeft(4, '0');
}
