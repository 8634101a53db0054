using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

/// <summary>Opens objects by name, and makes this process a member of those that have members.</summary>
internal static class ObjectOpening
{
    /// <summary>Opens, or creates without a length.</summary>
    /// <param name="joining">When to become a member of it.</param>
    /// <param name="refusesAbandoned">Whether an object that its creator left behind when it was killed is <see cref="Errno.EEXIST"/>.</param>
    internal static Errno TryOpen(
        in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, Joining joining, bool refusesAbandoned, out SharedMemoryObject? memory)
    {
        memory = null;
        var platform = Platform.Current;
        var patience = default(Patience);
        Errno error;
        do
        {
            error = platform.Names.Open(name, mode, access, permissions, out var handle);
            if (handle is null)
            {
                break;
            }

            var descriptor = new ObjectDescriptor(platform, new(handle, name), access);
            IDisposable? membership = null;
            // What was just created has no members.
            if (mode == FileMode.CreateNew || NameMembership.Follow(descriptor, joining, refusesAbandoned, ref patience, out error, out membership))
            {
                memory = new(descriptor, membership);
            }
        }
        while (memory is null && error.IsSuccess);
        return error;
    }

    /// <summary>Opens what has the name.</summary>
    /// <returns>Whether there was something.</returns>
    internal static bool TryOpen(string name, FileAccess access, [NotNullWhen(true)] out SharedMemoryObject? memory)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        Arguments.CheckAccess(access);
        var error = TryOpen(parsed, FileMode.Open, access, default, Joining.WithMembers, refusesAbandoned: false, out memory);
        return memory is not null || (error == Errno.ENOENT ? false : throw NamingFailure.Of(error, "shm_open", parsed));
    }

    /// <summary>Opens what has the name, and goes on with what was left behind, or refuses it, as options say.</summary>
    /// <returns>Whether there was something that may be opened.</returns>
    internal static bool TryOpen(string name, SharedMemoryOptions options, [NotNullWhen(true)] out SharedMemoryObject? memory)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ArgumentNullException.ThrowIfNull(options);
        if (SharedMemoryOptions.Check(options).OnConflict == NameConflict.Replace)
        {
            throw new ArgumentException("TryOpen opens an object that exists; to replace it always, use Create.", nameof(options));
        }

        var joining = options.Lifetime == Lifetime.UnlinkOnLastDispose ? Joining.WhenAbandoned : Joining.WithMembers;
        var refusesAbandoned = options.OnConflict == NameConflict.ReplaceAbandoned;
        var error = TryOpen(parsed, FileMode.Open, FileAccess.ReadWrite, default, joining, refusesAbandoned, out memory);
        return memory is not null || (error == Errno.ENOENT || (refusesAbandoned && error == Errno.EEXIST) ? false : throw NamingFailure.Of(error, "shm_open", parsed));
    }

    /// <summary>Opens what a directory entry stands for, whatever bytes its name has.</summary>
    internal static SharedMemoryObject Open(in ObjectName name, ObjectIdentity identity, FileAccess access)
    {
        Arguments.CheckAccess(access);
        var error = TryOpen(name, FileMode.Open, access, default, Joining.WithMembers, refusesAbandoned: false, out var memory);
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
                memory.DisposeKeepingLocks();
            }
        }
    }
}
