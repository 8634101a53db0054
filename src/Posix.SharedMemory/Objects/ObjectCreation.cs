namespace Posix.SharedMemory;

/// <summary>Creates a named object that no process can open before it has its length, its memory, its owner and its permissions.</summary>
internal readonly struct ObjectCreation(Platform platform, ObjectName name, long length, SharedMemoryOptions options)
{
    /// <summary>From here on, reserving costs far more than checking whether the name is taken.</summary>
    private const long WorthACheck = 1 << 20;

    internal Errno TryRun(out SharedMemoryObject? memory)
    {
        if (!platform.Names.HasUnpublishedObjects)
        {
            return TryRunInPlace(out memory);
        }

        memory = null;
        // Publishing decides. But if the name is taken already, the memory for a large object need not be found first.
        if (options.OnConflict == NameConflict.Fail && length >= WorthACheck && platform.Names.Find(name) is not null)
        {
            return Errno.EEXIST;
        }

        try
        {
            return TryRunUnpublished(out memory);
        }
        catch (SharedMemoryException e) when (e.Errno is Errno.ENOSPC or Errno.ENOMEM && options.OnConflict != NameConflict.Replace && platform.Names.Find(name) is not null)
        {
            // The memory may be with the object that has the name: a faster creator's, or one that was left behind, which then goes first.
            if (options.OnConflict == NameConflict.Fail || !NameTakeover.TryRemove(platform, name))
            {
                return Errno.EEXIST;
            }
        }

        return TryRunUnpublished(out memory);
    }

    /// <summary>Opens the object that has the name, or creates one.</summary>
    internal SharedMemoryObject OpenOrRun(out bool created)
    {
        var joining = options.Lifetime == Lifetime.UnlinkOnLastDispose ? Joining.Always : Joining.WithMembers;
        for (var refusesAbandoned = options.OnConflict == NameConflict.ReplaceAbandoned; ; refusesAbandoned = false)
        {
            // Opening comes first: O_CREAT on another user's object may be forbidden even to root (fs.protected_regular).
            var error = ObjectOpening.TryOpen(name, FileMode.Open, FileAccess.ReadWrite, default, joining, refusesAbandoned, out var memory);
            created = error == Errno.ENOENT || (refusesAbandoned && error == Errno.EEXIST);
            if (created)
            {
                error = TryRun(out memory);
            }

            if (memory is not null)
            {
                return memory;
            }

            // Another process created it, or replaced it, between the two: open that one.
            if (!created || error != Errno.EEXIST)
            {
                throw NamingFailure.Of(error, "shm_open", name);
            }
        }
    }

    /// <summary>Creates an object that never has a name.</summary>
    internal static ObjectDescriptor CreateAnonymous(Platform platform, long length, AnonymousMemoryOptions options)
    {
        var target = new OpenObject(platform.Seals.CreateAnonymous(options.ToRequest(), out var pageSize), default, MemoryCheck: options.MemoryCheck);
        var isComplete = false;
        try
        {
            var created = new ObjectDescriptor(platform, target, FileAccess.ReadWrite) { PageSize = pageSize, MayBeSealed = options.AllowSealing };
            created.CheckPages(length, "ftruncate");
            platform.Backing.SetInitialLength(target, length, options.Backing);
            isComplete = true;
            return created;
        }
        finally
        {
            if (!isComplete)
            {
                target.Handle.Dispose();
            }
        }
    }

    /// <summary>Creates an object without a name.</summary>
    /// <param name="platform">The system.</param>
    /// <param name="calledName">The name that it is to get, for messages.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="options">The caller's.</param>
    /// <param name="publication">Its way to a name.</param>
    /// <param name="descriptor">The object.</param>
    internal static Errno TryCreateUnpublished(
        Platform platform, in ObjectName calledName, long length, SharedMemoryOptions options, out NamePublication? publication, out ObjectDescriptor? descriptor)
    {
        publication = null;
        descriptor = null;
        var error = platform.Names.CreateUnpublished(out var handle, out var temporary);
        if (handle is null)
        {
            return error;
        }

        var isComplete = false;
        var created = new ObjectDescriptor(platform, new(handle, default, MemoryCheck: options.MemoryCheck), FileAccess.ReadWrite);
        var way = new NamePublication(created, temporary, options.Lifetime, options.OnConflict);
        try
        {
            Complete(platform, new(handle, calledName, MemoryCheck: options.MemoryCheck), length, options, options.Permissions);
            isComplete = true;
            (publication, descriptor) = (way, created);
            return default;
        }
        finally
        {
            if (!isComplete)
            {
                way.Abandon();
                handle.Dispose();
            }
        }
    }

    private Errno TryRunUnpublished(out SharedMemoryObject? memory)
    {
        memory = null;
        var error = TryCreateUnpublished(platform, name, length, options, out var publication, out var descriptor);
        if (publication is null || descriptor is null)
        {
            return error;
        }

        try
        {
            error = publication.TryPublish(name, options.OnConflict, out var owner);
            memory = error.IsSuccess ? new(descriptor, owner) : null;
            return error;
        }
        finally
        {
            if (memory is null)
            {
                publication.Abandon();
                descriptor.Handle.Dispose();
            }
        }
    }

    /// <summary>Creates under the name itself, where a system has no objects without one.</summary>
    private Errno TryRunInPlace(out SharedMemoryObject? memory)
    {
        memory = null;
        if (options.Lifetime == Lifetime.UnlinkOnLastDispose || options.OnConflict == NameConflict.ReplaceAbandoned)
        {
            throw new PlatformNotSupportedException(
                "This system has no locks on shared memory, which UnlinkOnLastDispose and ReplaceAbandoned need. Use UnlinkOnDispose in the process that creates the object, "
                + "and TryUnlink before it creates the object again.");
        }

        var error = platform.Names.Open(name, FileMode.CreateNew, FileAccess.ReadWrite, options.Permissions, out var handle);
        while (error == Errno.EEXIST && options.OnConflict == NameConflict.Replace)
        {
            // This system cannot rename shared memory: the name is missing for an instant.
            error = platform.Names.Unlink(name);
            if (error.IsSuccess || error == Errno.ENOENT)
            {
                error = platform.Names.Open(name, FileMode.CreateNew, FileAccess.ReadWrite, options.Permissions, out handle);
            }
        }

        if (handle is null)
        {
            return error;
        }

        var descriptor = new ObjectDescriptor(platform, new(handle, name, MemoryCheck: options.MemoryCheck), FileAccess.ReadWrite);
        try
        {
            Complete(platform, descriptor.Target, length, options, permissions: null);
            memory = new(descriptor, NameShare.Take(descriptor, name, options.Lifetime));
            return default;
        }
        finally
        {
            if (memory is null)
            {
                _ = platform.Names.Unlink(name);
                handle.Dispose();
            }
        }
    }

    private static void Complete(Platform platform, in OpenObject target, long length, SharedMemoryOptions options, UnixFileMode? permissions)
    {
        platform.Backing.SetInitialLength(target, length, options.Backing);
        if (options.GroupId is { } group)
        {
            platform.Backing.SetOwner(target, userId: null, group);
        }

        // Last, since writing, growing and giving away take set-user and set-group away unless root does it; and exact, whatever the umask.
        if (permissions is { } exact)
        {
            platform.Backing.SetInitialPermissions(target, exact);
        }
    }
}
