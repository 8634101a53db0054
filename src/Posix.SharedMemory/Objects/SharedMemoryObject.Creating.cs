namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Creates an object that nobody can open before it has its length, its memory and its exact permissions.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="length">In bytes; 0 is allowed.</param>
    /// <param name="options">Permissions, backing, lifetime; by default for the owner only, reserved, until it is unlinked.</param>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: the memory is not there; the
    /// message tells the bytes asked and available. <see cref="Errno.EFBIG"/>: more than <c>RLIMIT_FSIZE</c>. <see cref="Errno.EACCES"/>,
    /// <see cref="Errno.ENAMETOOLONG"/>, <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>. Nothing is left behind.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">
    /// The file system at /dev/shm has no files without a name, or cannot reserve memory; <see cref="Lifetime.UnlinkOnLastDispose"/> on macOS and FreeBSD.
    /// </exception>
    /// <remarks>
    /// On macOS the name is visible from the first step, with length 0: that system has nothing else.
    /// <see href="https://man7.org/linux/man-pages/man2/open.2.html">open(2), O_TMPFILE</see>
    /// </remarks>
    public static SharedMemoryObject Create(string name, long length, SharedMemoryOptions? options = null)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        options = SharedMemoryOptions.Check(options);
        return TryCreate(parsed, length, options, out var memory) is { IsSuccess: false } error
            ? throw new SharedMemoryException(error, "shm_open", name)
            : memory!;
    }

    /// <summary>Opens the object called <paramref name="name"/> for reading and writing, or creates it as <see cref="Create"/> does.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="length">Of a new object, in bytes. An existing one keeps its length: look at <see cref="Length"/>.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">For a new object. <see cref="Lifetime.UnlinkOnLastDispose"/> makes this process a user of an existing one too.</param>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EAGAIN"/>: its last user has stopped while removing the name, and <see cref="Lifetime.UnlinkOnLastDispose"/> is asked for.
    /// Otherwise as <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/> and <see cref="Create"/>, without <see cref="Errno.ENOENT"/> and <see cref="Errno.EEXIST"/>. Works on another
    /// user's object where <c>fs.protected_regular</c> is on.
    /// </exception>
    /// <example>
    /// <code><![CDATA[
    /// using var counters = SharedMemoryObject.OpenOrCreate("counters", 4096, out var created);
    /// using var mapping = counters.Map();
    /// Interlocked.Increment(ref mapping.GetReference<long>(0));   // Zero at first, whoever created it.
    /// ]]></code>
    /// </example>
    public static SharedMemoryObject OpenOrCreate(string name, long length, out bool created, SharedMemoryOptions? options = null)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        options = SharedMemoryOptions.Check(options);
        var joins = options.Lifetime == Lifetime.UnlinkOnLastDispose;
        while (true)
        {
            // Opening comes first: O_CREAT on another user's object may be forbidden even to root (fs.protected_regular).
            var error = TryOpen(parsed, FileMode.Open, FileAccess.ReadWrite, default, joins, out var memory);
            created = error == Errno.ENOENT;
            if (created)
            {
                error = TryCreate(parsed, length, options, out memory);
            }

            if (memory is not null)
            {
                return memory;
            }

            // Somebody created it between the two: open that one.
            if (!created || error != Errno.EEXIST)
            {
                throw CannotOpen(error, parsed);
            }
        }
    }

    /// <summary>Creates an object without a name, to be filled and then given one by <see cref="Publish"/>.</summary>
    /// <param name="length">In bytes; 0 is allowed.</param>
    /// <param name="options">Permissions, backing, lifetime; by default for the owner only, reserved, until it is unlinked.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/>, without those of the name.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS has no such objects.</exception>
    /// <remarks>
    /// It goes away with its last descriptor and mapping if it is never published, also after a crash. (FreeBSD: under a
    /// temporary name, which a crash leaves.) <see href="https://man7.org/linux/man-pages/man2/open.2.html">open(2), O_TMPFILE</see>
    /// </remarks>
    public static SharedMemoryObject CreateUnpublished(long length, SharedMemoryOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var error = TryCreateUnpublished(default, Platform.Current, length, SharedMemoryOptions.Check(options), out var memory);
        return memory ?? throw new SharedMemoryException(error, "shm_open");
    }

    /// <summary>Gives an unpublished object its name, in one step: whoever opens it finds it complete.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="mode">
    /// <see cref="RenameMode.NoReplace"/> fails where the name is taken; <see cref="RenameMode.Replace"/> takes it over, and who has
    /// the former object open keeps that. <see cref="RenameMode.Exchange"/> is refused: there is no name to give in exchange.
    /// </param>
    /// <exception cref="ArgumentException">The name cannot be one, or <see cref="RenameMode.Exchange"/>.</exception>
    /// <exception cref="InvalidOperationException">The object has a name, or never can have one.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.EACCES"/>: by another user's object, in a directory where that
    /// cannot be replaced. <see cref="Errno.ENAMETOOLONG"/>; <see cref="Errno.ENOSPC"/>. The object stays unpublished and usable.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/link.2.html">linkat(2)</see>; FreeBSD: <c>shm_rename(2)</c></remarks>
    public void Publish(string name, RenameMode mode = RenameMode.NoReplace)
    {
        var parsed = ObjectName.Parse(name, _platform.Names.PublishCall);
        SharedMemoryOptions.Check(mode);
        if (mode == RenameMode.Exchange)
        {
            throw new ArgumentException("An unpublished object has no name to give in exchange; use Replace.", nameof(mode));
        }

        // One thread at a time: the object gets one name.
        lock (_handle)
        {
            PublishOnce(parsed, mode);
        }
    }

    private void PublishOnce(in ObjectName name, RenameMode mode)
    {
        if (!_name.IsNone || !IsUnpublished)
        {
            throw new InvalidOperationException(_name.IsNone
                ? "Only what CreateUnpublished made can be published."
                : $"The object is published already, as {Name}; use Rename.");
        }

        if (TryPublish(name, mode) is { IsSuccess: false } error)
        {
            throw new SharedMemoryException(error, _platform.Names.PublishCall, name.Text);
        }
    }

    /// <summary>From here on, reserving costs far more than looking whether the name is taken.</summary>
    private const long WorthALook = 1 << 20;

    private bool IsUnpublished { get; init; }

    private static Errno TryCreate(in ObjectName name, long length, SharedMemoryOptions options, out SharedMemoryObject? memory)
    {
        var platform = Platform.Current;
        if (!platform.Names.HasUnpublishedObjects)
        {
            return TryCreateInPlace(platform, name, length, options, out memory);
        }

        memory = null;
        // Publishing decides. But where the name is taken already, a large length need not be looked for first.
        if (length >= WorthALook && platform.Names.Find(name) is not null)
        {
            return Errno.EEXIST;
        }

        Errno error;
        SharedMemoryObject? unpublished;
        try
        {
            error = TryCreateUnpublished(name, platform, length, options, out unpublished);
        }
        catch (SharedMemoryException e) when ((e.Errno == Errno.ENOSPC || e.Errno == Errno.ENOMEM) && platform.Names.Find(name) is not null)
        {
            // It is the creator who was faster that has the memory.
            return Errno.EEXIST;
        }

        if (unpublished is null)
        {
            return error;
        }

        try
        {
            error = unpublished.TryPublish(name, RenameMode.NoReplace);
            memory = error.IsSuccess ? unpublished : null;
            return error;
        }
        finally
        {
            if (memory is null)
            {
                unpublished.Dispose();
            }
        }
    }

    /// <summary>Creates under the name itself, where a system has no objects without one.</summary>
    private static Errno TryCreateInPlace(
        Platform platform, in ObjectName name, long length, SharedMemoryOptions options, out SharedMemoryObject? memory)
    {
        memory = null;
        if (options.Lifetime == Lifetime.UnlinkOnLastDispose)
        {
            throw new PlatformNotSupportedException(
                "This system has no locks on shared memory, which UnlinkOnLastDispose needs. Use UnlinkOnDispose in the process that creates the object.");
        }

        var error = platform.Names.Open(name, FileMode.CreateNew, FileAccess.ReadWrite, options.Permissions, out var handle);
        if (handle is null)
        {
            return error;
        }

        var created = new SharedMemoryObject(platform, new(handle, name), FileAccess.ReadWrite, options.Lifetime);
        try
        {
            platform.Backing.SetInitialLength(created.Target, length, options.Backing);
            created._nameOwner = created.OwnerOf(name, created.Target);
            memory = created;
            return default;
        }
        finally
        {
            if (memory is null)
            {
                _ = platform.Names.Unlink(name);
                created.Dispose();
            }
        }
    }

    /// <param name="calledName">What failures call the object; it has no name yet.</param>
    private static Errno TryCreateUnpublished(
        in ObjectName calledName, Platform platform, long length, SharedMemoryOptions options, out SharedMemoryObject? memory)
    {
        memory = null;
        var error = platform.Names.CreateUnpublished(out var handle, out var temporary);
        if (handle is null)
        {
            return error;
        }

        var created = new SharedMemoryObject(platform, new(handle, default), FileAccess.ReadWrite, options.Lifetime)
        {
            IsUnpublished = true,
            _temporaryName = temporary,
        };
        try
        {
            var target = new OpenObject(handle, calledName);
            platform.Backing.SetInitialLength(target, length, options.Backing);
            // Last, since writing and growing take set-user and set-group away from who is not root; and exact, past the umask.
            platform.Backing.SetPermissions(target, options.Permissions);
            memory = created;
            return default;
        }
        finally
        {
            if (memory is null)
            {
                created.Dispose();
            }
        }
    }

    private Errno TryPublish(in ObjectName name, RenameMode mode)
    {
        var target = Target;
        // Whatever may fail comes before the name is there for all to see.
        var owner = OwnerOf(name, target);
        if (_lifetime == Lifetime.UnlinkOnLastDispose && _platform.Membership.Take(target, exclusive: false) is { IsSuccess: false } refusal)
        {
            throw NameMembership.Refused(refusal, name.Text);
        }

        try
        {
            var error = _platform.Names.Publish(target, _temporaryName, name, mode);
            if (error.IsSuccess)
            {
                _name = name;
                _temporaryName = default;
                _nameOwner = owner;
            }

            return error;
        }
        finally
        {
            if (_name.IsNone && _lifetime == Lifetime.UnlinkOnLastDispose)
            {
                _platform.Membership.Drop(target);
            }
        }
    }

    /// <summary>Who will remove the name, by the object's lifetime; nobody by default.</summary>
    private IDisposable? OwnerOf(in ObjectName name, in OpenObject target) => _lifetime switch
    {
        Lifetime.UnlinkOnDispose => new NameOwner(new OwnedName(_platform, name, _platform.Backing.GetStatus(target).Identity)),
        Lifetime.UnlinkOnLastDispose => new NameMembership(_platform, this, new(_platform, name, _platform.Backing.GetStatus(target).Identity)),
        _ => null,
    };
}
