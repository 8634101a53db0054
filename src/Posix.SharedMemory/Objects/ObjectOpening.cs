namespace Posix.SharedMemory;

/// <summary>Opens objects by name, and makes this process a member of those that have members.</summary>
internal static class ObjectOpening
{
    /// <summary>Opens, or creates without a length.</summary>
    /// <param name="joins">Whether to become a member even of an object that has none.</param>
    /// <param name="refusesAbandoned">Whether an object that its creator left behind when it was killed is <see cref="Errno.EEXIST"/>.</param>
    internal static Errno TryOpen(
        in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, bool joins, bool refusesAbandoned, out SharedMemoryObject? memory)
    {
        memory = null;
        var platform = Platform.Current;
        var patience = new Patience();
        while (true)
        {
            var error = platform.Names.Open(name, mode, access, permissions, out var handle);
            if (handle is null)
            {
                return error;
            }

            var descriptor = new ObjectDescriptor(platform, new(handle, name), access);
            if (mode == FileMode.CreateNew)
            {
                memory = new(descriptor);
                return default;
            }

            try
            {
                if (refusesAbandoned && platform.Membership.IsAbandoned(descriptor.Target))
                {
                    return Errno.EEXIST;
                }

                if (NameMembership.Follow(descriptor, joins, patience.IsLeft, out var membership))
                {
                    memory = new(descriptor, membership);
                    return default;
                }
            }
            finally
            {
                if (memory is null)
                {
                    descriptor.CloseUnseen();
                }
            }

            patience.Pause();
        }
    }

    /// <summary>Opens what a directory entry stands for, whatever bytes its name has.</summary>
    internal static SharedMemoryObject Open(in ObjectName name, ObjectIdentity identity, FileAccess access)
    {
        CheckAccess(access);
        var error = TryOpen(name, FileMode.Open, access, default, joins: false, refusesAbandoned: false, out var memory);
        if (memory is null)
        {
            throw NamingFailure.Of(error, "shm_open", name);
        }

        var isSeen = false;
        try
        {
            isSeen = memory.GetStatus().Identity == identity;
            return isSeen ? memory : throw new SharedMemoryException(Errno.ENOENT, "shm_open", name.Text, "the name refers to another object now");
        }
        finally
        {
            if (!isSeen)
            {
                memory.DisposeUnseen();
            }
        }
    }

    internal static void CheckAccess(FileAccess access)
    {
        if (access is not (FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentException("Memory is opened for Read or ReadWrite; it cannot be mapped for writing alone.", nameof(access));
        }
    }

    internal static void CheckMode(FileMode mode, FileAccess access)
    {
        if (mode == FileMode.Append)
        {
            throw new ArgumentException("Shared memory cannot be opened for appending.", nameof(mode));
        }

        if (mode is FileMode.Create or FileMode.Truncate && access == FileAccess.Read)
        {
            throw new ArgumentException("Truncating needs ReadWrite access.", nameof(mode));
        }
    }
}
