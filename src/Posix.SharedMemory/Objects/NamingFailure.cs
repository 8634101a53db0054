namespace Posix.SharedMemory;

/// <summary>Says what to do when a name cannot be opened, created or published.</summary>
internal static class NamingFailure
{
    /// <param name="error">Why.</param>
    /// <param name="operation">The call, or the member, that failed.</param>
    /// <param name="name">The name.</param>
    internal static SharedMemoryException Of(Errno error, string operation, in ObjectName name)
    {
        var isMissing = error == Errno.ENOENT && IsDirectoryMissing();
        var detail = error switch
        {
            Errno.ENOENT when isMissing => "there is no /dev/shm on this machine, where Linux keeps shared memory objects: mount a tmpfs there",
            Errno.EACCES => Owner(name),
            Errno.EINVAL => "this name does not refer to a shared memory object",
            Errno.ELOOP => "a symbolic link has this name; links are not followed",
            Errno.ENOSPC => "the file system of shared memory (/dev/shm on Linux) has no room for another name",
            Errno.EDQUOT => "a quota of the file system of shared memory (/dev/shm on Linux) leaves no room for another name",
            Errno.EROFS => "the file system of shared memory (/dev/shm on Linux) is mounted read-only",
            Errno.EMFILE => "this process has as many descriptors open as RLIMIT_NOFILE allows",
            _ => null,
        };
        var advice = error switch
        {
            Errno.EEXIST => "An object has this name: open it with Open or OpenOrCreate; replace it with SharedMemoryOptions.OnConflict; "
                + "or remove what a killed process left with SharedMemoryObject.TryUnlink, or shm rm",
            Errno.ENOENT when !isMissing && operation == "shm_open" =>
                "No object has this name: create it with Create or OpenOrCreate, or wait until another process creates it with OpenWhenReadyAsync",
            Errno.EACCES when detail is not null => "Its owner, or root, can change the permissions, remove it, or give it to another user (SetOwner)",
            _ => null,
        };
        return SystemCalls.FailureOf(error, operation, name.Text, detail, advice);
    }

    private static bool IsDirectoryMissing() => OperatingSystem.IsLinux() && !Directory.Exists("/dev/shm");

    private static string? Owner(in ObjectName name)
    {
        try
        {
            return Platform.Current.Names.Find(name) is { } status && status.Identity != default
                ? $"the object belongs to user {status.UserId}, group {status.GroupId}, and its permissions are {Octal(status.Permissions)}"
                : null;
        }
        catch (SharedMemoryException)
        {
            // The owner cannot be found out: the errno says what is known.
            return null;
        }
    }

    private static string Octal(UnixFileMode permissions) => Convert.ToString((int)permissions, 8).PadLeft(4, '0');
}
