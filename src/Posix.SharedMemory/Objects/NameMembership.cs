namespace Posix.SharedMemory;

/// <summary>
/// This process's share in an object whose last user removes the name. The kernel holds it as a lock on the object's
/// descriptor, so it ends with the process, however that ends; docs/spec/objects/membership.md is the protocol.
/// </summary>
internal sealed class NameMembership : IDisposable
{
    /// <summary>How long an opener waits for a last user that is removing the name; it takes microseconds, unless it is stopped there.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Platform _platform;
    private readonly SharedMemoryObject _memory;
    private readonly OwnedName _name;

    /// <summary>Represents a share that has been taken on the object's descriptor.</summary>
    internal NameMembership(Platform platform, SharedMemoryObject memory, in OwnedName name)
    {
        _platform = platform;
        _memory = memory;
        _name = name;
    }

    /// <summary>Takes a share in the membership of an object just opened, if there is one.</summary>
    /// <param name="platform">The system.</param>
    /// <param name="memory">The object.</param>
    /// <param name="joins">Whether to take a share even where nobody holds one.</param>
    /// <param name="patient">Whether to have the object opened again while its last user is removing the name.</param>
    /// <param name="membership">The share; <see langword="null"/> where the object has no membership.</param>
    /// <returns><see langword="false"/>: the name is going or gone; open again.</returns>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: a share was demanded, and somebody keeps the membership to himself.</exception>
    internal static bool Follow(Platform platform, SharedMemoryObject memory, bool joins, bool patient, out IDisposable? membership)
    {
        membership = null;
        var target = memory.Target;
        var state = platform.Membership.Query(target);
        if (state == MembershipState.None && !joins)
        {
            return true;
        }

        var error = state == MembershipState.Ending ? Errno.EAGAIN : platform.Membership.Take(target, exclusive: false);
        if (error == Errno.EAGAIN && patient)
        {
            return false;
        }

        if (!error.IsSuccess)
        {
            // The last user has stopped in the middle. Who only wanted to open gets what shm_open would give.
            return joins ? throw Refused(error, memory.Name) : true;
        }

        // SYNC membership.last: pairs with RemoveIfLast. The share is taken before the look, so the name found cannot be going.
        var status = platform.Backing.GetStatus(target);
        if (status.NameCount == 0)
        {
            return false;
        }

        membership = new NameMembership(platform, memory, new(platform, target.Name, status.Identity));
        return true;
    }

    /// <summary>What to tell who wants a share and cannot have one.</summary>
    internal static Exception Refused(Errno error, string? name) => error == Errno.EINVAL
        ? new PlatformNotSupportedException(
            "This kernel has no open file description locks (F_OFD_SETLK), which UnlinkOnLastDispose needs. Use UnlinkOnDispose.")
        : new SharedMemoryException(error, "fcntl(F_OFD_SETLK)", name);

    public void Dispose()
    {
        if (!_name.IsOurs)
        {
            return;
        }

        try
        {
            var target = _memory.Target;
            if (_memory.Access == FileAccess.ReadWrite)
            {
                RemoveIfLast(target);
            }
            else
            {
                RemoveThroughWritable(target);
            }
        }
        catch (SharedMemoryException)
        {
            // Who cannot find out whether he is the last leaves the name to others; disposing does not throw.
        }
        catch (ObjectDisposedException)
        {
            // The descriptor was given up or closed, and the share with it.
        }
    }

    /// <summary>A lock for oneself needs a descriptor open for writing. Who may not write the object leaves the name to others.</summary>
    private void RemoveThroughWritable(in OpenObject target)
    {
        if (!_platform.Names.Open(_name.Name, FileMode.Open, FileAccess.ReadWrite, UnixFileMode.None, out var handle).IsSuccess)
        {
            return;
        }

        using (handle)
        {
            var writable = new OpenObject(handle!, _name.Name);
            if (_platform.Backing.GetStatus(writable).Identity == _name.Identity)
            {
                _platform.Membership.Drop(target);
                RemoveIfLast(writable);
            }
        }
    }

    private void RemoveIfLast(in OpenObject target)
    {
        // SYNC membership.last: pairs with Follow. Who has the membership alone removes the name before letting go, so whoever takes a
        // share later finds the name gone. Two who leave at once hinder each other at first: each lets go, and whoever
        // does so last has the membership alone at the second try.
        var error = _platform.Membership.Take(target, exclusive: true);
        if (error == Errno.EAGAIN)
        {
            _platform.Membership.Drop(target);
            error = _platform.Membership.Take(target, exclusive: true);
        }

        if (error.IsSuccess)
        {
            _ = _name.Remove();
        }
    }
}
