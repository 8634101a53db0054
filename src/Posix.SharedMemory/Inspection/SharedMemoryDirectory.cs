using System.Runtime.Versioning;

namespace Posix.SharedMemory.Inspection;

/// <summary>The named objects of this machine or container, the space available for them, and the processes that use them.</summary>
[UnsupportedOSPlatform("windows")]
public static class SharedMemoryDirectory
{
    /// <summary>Lists the named objects, unsorted. POSIX semaphores are left out, and so are objects that are removed meanwhile.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>: there is no directory of objects, or this user may not read it.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS does not list its objects.</exception>
    /// <example>
    /// <code><![CDATA[
    /// foreach (SharedMemoryEntry entry in SharedMemoryDirectory.Enumerate().Where(entry => entry.Permissions.HasFlag(UnixFileMode.OtherWrite)))
    /// {
    ///     entry.SetPermissions(entry.Permissions & ~UnixFileMode.OtherWrite);
    ///     Console.WriteLine($"{entry.Name}: {entry.AllocatedBytes} of {entry.Length} bytes, of {entry.UserId}, made {entry.CreationTime:u}: {entry.Status.NameCount} name");
    /// }
    /// ]]></code>
    /// </example>
    public static IEnumerable<SharedMemoryEntry> Enumerate() => Enumerate(Platform.Current);

    /// <summary>Finds the object that has a name now, without opening it.</summary>
    /// <param name="name">The name, with or without a leading slash.</param>
    /// <returns><see langword="null"/> if no shared memory object has the name.</returns>
    /// <exception cref="ArgumentException">The name is not valid: it is empty, <c>.</c> or <c>..</c>, or contains another slash or a NUL.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EACCES"/>: this user may not search the directory of objects. <see cref="Errno.ENAMETOOLONG"/>: the name is longer than 255 bytes in UTF-8.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    /// <example>
    /// <code>
    /// Console.WriteLine(SharedMemoryDirectory.Find("frames") is { } entry ? $"{entry.Length} bytes, of user {entry.UserId}" : "no such object");
    /// </code>
    /// </example>
    public static SharedMemoryEntry? Find(string name) => Find(ObjectName.Parse(ObjectName.Parse(name, "statx").ToArray()));

    /// <summary>Finds the object that has a name now, without opening it.</summary>
    /// <param name="name">The name's bytes, without a slash: also those that no string can hold.</param>
    /// <returns><see langword="null"/> if no shared memory object has the name.</returns>
    /// <exception cref="ArgumentException">The name is not valid: it is empty or longer than 255 bytes, <c>.</c> or <c>..</c>, or contains a slash or a NUL.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EACCES"/>: this user may not search the directory of objects.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    public static SharedMemoryEntry? Find(ReadOnlySpan<byte> name) => Find(ObjectName.Parse(name));

    /// <summary>Returns the size of the file system that holds the named objects, and how much of it is left.</summary>
    /// <exception cref="PlatformNotSupportedException">macOS and FreeBSD take the memory from the whole system.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statfs.2.html">statfs(2)</see></remarks>
    /// <example>
    /// <code>
    /// SharedMemoryUsage usage = SharedMemoryDirectory.GetUsage();
    /// Console.WriteLine($"{usage.UsedBytes} of {usage.TotalBytes} bytes in use, {usage.AvailableBytes} left");
    /// </code>
    /// </example>
    public static SharedMemoryUsage GetUsage() => Platform.Current.Inspection.GetUsage();

    /// <summary>Returns how much memory this process's control group may use, shared memory included; <see langword="null"/> where no limit is known.</summary>
    /// <returns>The smallest limit from the group up to the root, and how much the group with that limit uses now.</returns>
    /// <remarks>
    /// A request for reserved memory that cannot fit below it fails with <see cref="Errno.ENOMEM"/>; a process that writes too much sparse memory is killed.
    /// Only Linux has control groups: on macOS and FreeBSD the result is <see langword="null"/>. <see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// if (SharedMemoryDirectory.GetMemoryLimit() is { } limit)
    /// {
    ///     Console.WriteLine($"this container may take {limit.LimitBytes} bytes and takes {limit.UsedBytes}: {limit.AvailableBytes} are left");
    /// }
    /// </code>
    /// </example>
    public static MemoryLimit? GetMemoryLimit() => Platform.Current.Inspection.GetMemoryLimit();

    /// <summary>Starts to report what happens to the names of objects: which appear, disappear and move.</summary>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>: there is no directory of objects, or this user may not read it.
    /// <see cref="Errno.EMFILE"/>: <c>fs.inotify.max_user_instances</c> or RLIMIT_NOFILE is reached. <see cref="Errno.ENOSPC"/>: <c>fs.inotify.max_user_watches</c> is.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">Only Linux supports this.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man7/inotify.7.html">inotify(7)</see></remarks>
    /// <example>
    /// <code>
    /// using SharedMemoryWatcher watcher = SharedMemoryDirectory.Watch();
    /// while (watcher.Wait(Timeout.InfiniteTimeSpan, cancellationToken) is { } change)
    /// {
    ///     Console.WriteLine(change.Kind == SharedMemoryChangeKind.Missed ? "too many at once: list them again" : $"{change.Kind}: {change.NameBytes.Length} bytes of name");
    /// }
    /// </code>
    /// </example>
    public static SharedMemoryWatcher Watch() => new(Platform.Current.Inspection.WatchDirectory());

    /// <summary>Finds the processes that map an object or have it open.</summary>
    /// <param name="name">The name, with or without a leading slash.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: there is no such object.</exception>
    /// <exception cref="PlatformNotSupportedException">Only Linux reports them.</exception>
    /// <remarks>
    /// Processes of other users cannot be examined without privilege: they are listed as unknown, never counted as not holding the object. Where no holder is found, the kernel is asked
    /// whether there is one (<see cref="SharedMemoryHolders.IsComplete"/>).
    /// <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see>
    /// </remarks>
    public static SharedMemoryHolders GetHolders(string name) =>
        (Find(ObjectName.Parse(name, "shm_open")) ?? throw new SharedMemoryException(Errno.ENOENT, "shm_open", name)).GetHolders();

    /// <inheritdoc cref="GetHolders(string)"/>
    /// <param name="name">The name's bytes, without a slash: also those that no string can hold.</param>
    public static SharedMemoryHolders GetHolders(ReadOnlySpan<byte> name)
    {
        var parsed = ObjectName.Parse(name);
        return (Find(parsed) ?? throw new SharedMemoryException(Errno.ENOENT, "shm_open", parsed.Text)).GetHolders();
    }

    /// <summary>Finds the processes that map any named object or have it open, in one walk through the processes however many objects there are.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux supports this.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: there is no directory of objects.</exception>
    /// <remarks>As <see cref="GetHolders(string)"/>. <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
    /// <example>
    /// <code>
    /// SharedMemoryHolderIndex holders = SharedMemoryDirectory.IndexHolders();
    /// foreach (var entry in SharedMemoryDirectory.Enumerate())
    /// {
    ///     ObjectIdentity identity = entry.Identity;
    ///     Console.WriteLine($"{entry.Name}, {identity.Inode} in file system {identity.Device}: {holders[identity].Count} holders");
    /// }
    ///
    /// Console.WriteLine(holders.IsComplete ? "all processes seen" : $"not seen: {string.Join(", ", holders.UnreadableProcessIds)}");
    /// </code>
    /// </example>
    public static SharedMemoryHolderIndex IndexHolders() => Platform.Current.Inspection.IndexHolders(only: null);

    /// <summary>Finds memory without a name in the directory, through the processes that hold it: created by <c>memfd_create</c>, or an object that was unlinked.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux supports this.</exception>
    /// <remarks>
    /// Memory that is held only by processes that this user may not examine is not found: the list says which processes those are, and whether it is complete.
    /// <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see>
    /// </remarks>
    public static UnnamedMemoryList EnumerateUnnamed() => Platform.Current.Inspection.ListUnnamed();

    /// <summary>Opens the memory that a descriptor of another process refers to.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="descriptor">The descriptor's number there.</param>
    /// <param name="access"><see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    /// <exception cref="ArgumentException"><see cref="FileAccess.Write"/>; or the descriptor does not refer to memory but, for example, to a file on disk.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: there is no such process or descriptor, or /proc hides the process from this user (<c>hidepid</c>). <see cref="Errno.EACCES"/>: this user may not examine the process.
    /// <see cref="Errno.EINVAL"/>: a pipe, a socket, a directory. <see cref="Errno.EPERM"/>: sealed against writing.
    /// <see cref="Errno.EAGAIN"/>, after a second of trying, as <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">Only Linux supports this, and there /proc has to be mounted.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html">proc_pid_fd(5)</see></remarks>
    /// <example>
    /// <code>
    /// foreach (UnnamedMemory found in SharedMemoryDirectory.EnumerateUnnamed())
    /// {
    ///     foreach (SharedMemoryHolder holder in found.Holders)
    ///     {
    ///         foreach (HeldMapping mapped in holder.Mappings)
    ///         {
    ///             Console.WriteLine($"{found.DebugName}: {mapped.Length} bytes from {mapped.Offset} on at {mapped.Address:x} of {holder}");
    ///         }
    ///
    ///         foreach (HeldDescriptor held in holder.Descriptors)
    ///         {
    ///             using var opened = SharedMemoryDirectory.OpenDescriptor(holder.ProcessId, held.Number);
    ///             Console.WriteLine($"{found.DebugName}: {opened.Length} bytes as descriptor {held.Number}");
    ///         }
    ///     }
    /// }
    /// </code>
    /// </example>
    public static SharedMemoryObject OpenDescriptor(int processId, int descriptor, FileAccess access = FileAccess.Read)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(processId);
        ArgumentOutOfRangeException.ThrowIfNegative(descriptor);
        Arguments.CheckAccess(access);
        if (Platform.Current.Inspection.OpenDescriptor(processId, descriptor, access, out var handle) is { IsSuccess: false } error)
        {
            throw SystemCalls.FailureOf(error, "open", detail: $"descriptor {descriptor} of process {processId}");
        }

        try
        {
            var memory = SharedMemoryObject.FromHandle(handle!);
            handle = null;
            return memory;
        }
        finally
        {
            Platform.Current.Membership.CloseUnseen(handle);
        }
    }

    private static SharedMemoryEntry? Find(in ObjectName name) => Platform.Current.Names.Find(name) is { } status ? new(name, status) : null;

    private static IEnumerable<SharedMemoryEntry> Enumerate(Platform platform)
    {
        foreach (var name in platform.Names.List())
        {
            if (platform.Names.Find(name) is { } status)
            {
                yield return new(name, status);
            }
        }
    }
}
