namespace Posix.SharedMemory.Inspection;

/// <summary>The named objects of this machine or container, the room there is for them, and who uses them.</summary>
public static class SharedMemoryDirectory
{
    /// <summary>Lists the named objects, unsorted. POSIX semaphores are left out, and so is what vanishes meanwhile.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>: there is no directory of objects, or none for this user.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS does not tell its objects.</exception>
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

    /// <summary>Finds what a name means now, without opening it.</summary>
    /// <param name="name">The name's bytes, without a slash: also those that no string can hold.</param>
    /// <returns><see langword="null"/> where no shared memory object has the name.</returns>
    /// <exception cref="ArgumentException">Nobody can have such a name: no byte or more than 255, a dot or two, a slash or a NUL inside.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EACCES"/>: the directory of objects may not be searched.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    public static SharedMemoryEntry? Find(ReadOnlySpan<byte> name)
    {
        var parsed = ObjectName.Parse(name);
        return Platform.Current.Names.Find(parsed) is { } status ? new(parsed, status) : null;
    }

    /// <summary>Tells how large the file system behind the names is, and how much of it is left.</summary>
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

    /// <summary>Begins to tell what happens to the names of objects: which come, go and move.</summary>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>: there is no directory of objects, or none for this user.
    /// <see cref="Errno.EMFILE"/>: <c>fs.inotify.max_user_instances</c> or RLIMIT_NOFILE is reached. <see cref="Errno.ENOSPC"/>: <c>fs.inotify.max_user_watches</c> is.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">Only Linux tells.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man7/inotify.7.html">inotify(7)</see></remarks>
    /// <example>
    /// <code>
    /// using SharedMemoryWatcher watcher = SharedMemoryDirectory.Watch();
    /// while (watcher.Wait(Timeout.InfiniteTimeSpan, cancellationToken) is { } change)
    /// {
    ///     Console.WriteLine(change.Kind == SharedMemoryChangeKind.Missed ? "too many at once: list them anew" : $"{change.Kind}: {change.NameBytes.Length} bytes of name");
    /// }
    /// </code>
    /// </example>
    public static SharedMemoryWatcher Watch() => new(Platform.Current.Inspection.WatchDirectory());

    /// <summary>Finds the processes that map an object or have it open.</summary>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: there is no such object.</exception>
    /// <exception cref="PlatformNotSupportedException">Only Linux tells.</exception>
    /// <remarks>
    /// Processes of other users cannot be looked into without privilege: they are named as unknown, never counted as not holding.
    /// <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see>
    /// </remarks>
    public static SharedMemoryHolders GetHolders(string name)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        var platform = Platform.Current;
        return platform.Names.Find(parsed) is { } status
            ? platform.Inspection.IndexHolders(status.Identity)[status.Identity]
            : throw new SharedMemoryException(Errno.ENOENT, "shm_open", name);
    }

    /// <summary>Finds the processes that map any named object or have it open, in one walk through the processes however many objects there are.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux tells.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: there is no directory of objects.</exception>
    /// <remarks>As <see cref="GetHolders"/>. <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
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

    /// <summary>Finds memory that has no name here by the processes that hold it: made by <c>memfd_create</c>, or an object that was unlinked.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux tells.</exception>
    /// <remarks>What is held only by processes that this user may not look into is not found. <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
    public static IEnumerable<UnnamedMemory> EnumerateUnnamed() => Platform.Current.Inspection.ListUnnamed();

    /// <summary>Opens the memory that a descriptor of another process stands for, as by a descriptor of one's own.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="descriptor">The descriptor's number there.</param>
    /// <param name="access"><see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</param>
    /// <exception cref="ArgumentException"><see cref="FileAccess.Write"/>; or what the descriptor stands for is no memory: a file on disk.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: there is no such process or descriptor. <see cref="Errno.EACCES"/>: this user may not look into the process.
    /// <see cref="Errno.EINVAL"/>: a pipe, a socket, a directory. <see cref="Errno.EPERM"/>: sealed against writing.
    /// <see cref="Errno.EAGAIN"/>, after a second of trying, as <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">Only Linux lets one process do so.</exception>
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
        ObjectOpening.CheckAccess(access);
        if (Platform.Current.Inspection.OpenDescriptor(processId, descriptor, access, out var handle) is { IsSuccess: false } error)
        {
            throw new SharedMemoryException(error, "open", detail: $"descriptor {descriptor} of process {processId}");
        }

        try
        {
            var memory = SharedMemoryObject.FromHandle(handle!);
            handle = null;
            return memory;
        }
        finally
        {
            handle?.Dispose();
        }
    }

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
