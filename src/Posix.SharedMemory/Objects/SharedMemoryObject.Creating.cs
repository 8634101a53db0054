namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Creates an object that no process can open before it has its length, its memory and its exact permissions.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="length">In bytes; 0 is allowed.</param>
    /// <param name="options">
    /// Permissions, group, backing, lifetime, and what to do if the name is taken. By default only the owner may open the object, its memory is reserved, its name stays until it is unlinked, and a taken name is an error.
    /// </param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EEXIST"/>: the name is taken, and <see cref="SharedMemoryOptions.OnConflict"/> does not let the object that has it be replaced. <see cref="Errno.ENOSPC"/>, <see cref="Errno.EDQUOT"/>,
    /// <see cref="Errno.ENOMEM"/>: there is not enough memory; the message states the bytes requested and available. <see cref="Errno.EFBIG"/>: more than <c>RLIMIT_FSIZE</c>. <see cref="Errno.EACCES"/>: this
    /// user may not create names, or the object to replace is another user's. <see cref="Errno.EPERM"/>: this process may not give the object to that group, or may not set the set-group bit.
    /// <see cref="Errno.ENAMETOOLONG"/>, <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>. Nothing is left behind.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">
    /// The file system at /dev/shm has no files without a name, or cannot reserve memory; <see cref="Lifetime.UnlinkOnLastDispose"/> and <see cref="NameConflict.ReplaceAbandoned"/> on macOS and FreeBSD.
    /// </exception>
    /// <remarks>
    /// On macOS the name is visible from the first step, with length 0: that system offers no other way. If there is no memory for an abandoned object and its replacement at the
    /// same time, the abandoned one is removed first, and the name is missing for an instant.
    /// <see href="https://man7.org/linux/man-pages/man2/open.2.html">open(2), O_TMPFILE</see>
    /// </remarks>
    public static SharedMemoryObject Create(string name, long length, SharedMemoryOptions? options = null)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var creation = new ObjectCreation(Platform.Current, parsed, length, SharedMemoryOptions.Check(options));
        return creation.TryRun(out var memory) is { IsSuccess: false } error ? throw NamingFailure.Of(error, "shm_open", parsed) : memory!;
    }

    /// <summary>Opens the object called <paramref name="name"/> for reading and writing, or creates it as <see cref="Create"/> does.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="length">Of a new object, in bytes. An existing one keeps its length: check <see cref="Length"/>.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">
    /// For a new object. <see cref="Lifetime.UnlinkOnLastDispose"/> makes this process a member of an existing one too. With <see cref="NameConflict.ReplaceAbandoned"/> an object that was left
    /// behind is not opened but replaced, so that what it contains is not taken for the current state.
    /// </param>
    /// <exception cref="ArgumentException">The name is not valid; or <see cref="NameConflict.Replace"/>, with which nothing would ever be opened.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EAGAIN"/>: its last member has stopped while it removes the name, and <see cref="Lifetime.UnlinkOnLastDispose"/> is requested.
    /// Otherwise as <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/> and <see cref="Create"/>, without <see cref="Errno.ENOENT"/> and <see cref="Errno.EEXIST"/>. It also opens another
    /// user's object if <c>fs.protected_regular</c> is set.
    /// </exception>
    /// <example>
    /// <code><![CDATA[
    /// using var counters = SharedMemoryObject.OpenOrCreate("counters", 4096, out var created);
    /// using var mapping = counters.Map();
    /// Interlocked.Increment(ref mapping.GetReference<long>(0));   // Zero at first, whichever process created it.
    /// ]]></code>
    /// </example>
    public static SharedMemoryObject OpenOrCreate(string name, long length, out bool created, SharedMemoryOptions? options = null)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        options = SharedMemoryOptions.Check(options);
        return options.OnConflict == NameConflict.Replace
            ? throw new ArgumentException("OpenOrCreate opens an object that exists; to replace it always, use Create.", nameof(options))
            : new ObjectCreation(Platform.Current, parsed, length, options).OpenOrRun(out created);
    }

    /// <summary>Creates an object without a name, to be filled and then given one with <see cref="Publish"/>.</summary>
    /// <param name="length">In bytes; 0 is allowed.</param>
    /// <param name="options">As for <see cref="Create"/>.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/>, without those of the name.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS has no such objects.</exception>
    /// <remarks>
    /// If it is never published, it disappears with its last descriptor and mapping, even after a crash. (FreeBSD: it has a
    /// temporary name, which a crash leaves behind.) <see href="https://man7.org/linux/man-pages/man2/open.2.html">open(2), O_TMPFILE</see>
    /// </remarks>
    public static SharedMemoryObject CreateUnpublished(long length, SharedMemoryOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var error = ObjectCreation.TryCreateUnpublished(Platform.Current, default, length, SharedMemoryOptions.Check(options), out var publication, out var descriptor);
        return descriptor is null
            ? throw NamingFailure.Of(error, "shm_open", default)
            : new(descriptor) { _publication = publication };
    }

    /// <summary>Gives an unpublished object its name, in one step: a process that opens the name finds it complete.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="mode">
    /// <see cref="RenameMode.NoReplace"/>: if the name is taken, <see cref="SharedMemoryOptions.OnConflict"/> of the new object decides, which by default fails.
    /// <see cref="RenameMode.Replace"/> takes the name over, and processes that have the old object open keep it. <see cref="RenameMode.Exchange"/> is refused: there is no name to give in exchange.
    /// </param>
    /// <exception cref="ArgumentException">The name is not valid, or <see cref="RenameMode.Exchange"/>.</exception>
    /// <exception cref="InvalidOperationException">The object has a name, or never can have one.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.EACCES"/>: another user's object has the name, in a directory in which it
    /// cannot be replaced. <see cref="Errno.ENAMETOOLONG"/>; <see cref="Errno.ENOSPC"/>: the file system has no room for a name. The object stays unpublished and usable.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/link.2.html">linkat(2)</see>; FreeBSD: <c>shm_rename(2)</c></remarks>
    public void Publish(string name, RenameMode mode = RenameMode.NoReplace)
    {
        var parsed = ObjectName.Parse(name, nameof(Publish));
        Arguments.Check(mode);
        if (mode == RenameMode.Exchange)
        {
            throw new ArgumentException("An unpublished object has no name to give in exchange; use Replace.", nameof(mode));
        }

        // One thread at a time: the object gets one name.
        lock (_descriptor.Handle)
        {
            _ = Target;
            _nameOwner = (_publication ?? throw new InvalidOperationException("Only an object that CreateUnpublished returned can be published.")).Publish(parsed, mode);
        }
    }

    /// <summary>Creates an object that never has a name: it disappears with its last descriptor and mapping, and other processes get it by its descriptor.</summary>
    /// <param name="length">In bytes; with huge pages, a multiple of their size.</param>
    /// <param name="options">Name for debugging, sealing, huge pages, backing; by default sealable, not executable, reserved.</param>
    /// <exception cref="ArgumentException">The name for debugging has more than 249 bytes, a NUL, or an unpaired surrogate.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOMEM"/>: more than the machine, or this process's control group, has available. <see cref="Errno.ENOSPC"/>: too few huge
    /// pages. <see cref="Errno.ENODEV"/>: the machine has no huge pages of that size. <see cref="Errno.EINVAL"/>: the length is not a multiple of their size.
    /// <see cref="Errno.EACCES"/>: <c>vm.memfd_noexec</c> forbids executable memory. <see cref="Errno.EFBIG"/>: more than
    /// <c>RLIMIT_FSIZE</c>. <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: no descriptor left. Nothing is left behind.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">A filter forbids <c>memfd_create</c>; huge or executable pages on macOS.</exception>
    /// <remarks>
    /// It is not bounded by the size of /dev/shm. FreeBSD without sealing: <c>SHM_ANON</c>. macOS: an object that is unlinked at once.
    /// <see href="https://man7.org/linux/man-pages/man2/memfd_create.2.html">memfd_create(2)</see>
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// AnonymousMemoryOptions options = new() { DebugName = "tensor", AllowSealing = false, HugePages = HugePageSize.Size2MiB, Backing = Backing.Reserved };
    /// using var tensor = SharedMemoryObject.CreateAnonymous(64 << 20, options);
    /// using var library = SharedMemoryObject.CreateAnonymous(1 << 20, new() { Executable = true, MemoryCheck = MemoryCheck.None });
    /// ]]></code>
    /// </example>
    public static SharedMemoryObject CreateAnonymous(long length = 0, AnonymousMemoryOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(ObjectCreation.CreateAnonymous(Platform.Current, length, AnonymousMemoryOptions.Check(options)));
    }

    /// <summary>Returns a name that no object has and that is valid on every system: the prefix, a dash and 65 random bits, at most 30 bytes.</summary>
    /// <param name="prefix">May be empty. It is cut after 16 bytes, between characters.</param>
    /// <exception cref="ArgumentException">The prefix cannot be part of a name: a slash inside, a NUL, an unpaired surrogate.</exception>
    public static string CreateUniqueName(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return UniqueName.After(prefix, nameof(prefix));
    }
}
