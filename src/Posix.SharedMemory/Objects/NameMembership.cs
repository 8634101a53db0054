namespace Posix.SharedMemory;

/// <summary>
/// This process's share in an object whose last member removes the name. The kernel holds it as a lock on the object's
/// descriptor, so it ends with the process, however that ends; docs/spec/objects/membership.md is the protocol.
/// </summary>
/// <param name="descriptor">The object, on whose descriptor the share was taken.</param>
/// <param name="name">Its name.</param>
internal sealed class NameMembership(ObjectDescriptor descriptor, OwnedName name) : IDisposable
{
    /// <summary>Takes a share in the membership of an object just opened, if it has members.</summary>
    /// <param name="descriptor">The object. It is closed where this does not return true.</param>
    /// <param name="joining">When to take a share.</param>
    /// <param name="refusesAbandoned">Whether an object that its creator left behind when it was killed is <see cref="Errno.EEXIST"/>.</param>
    /// <param name="patience">How long to have the object opened again while its last member is removing the name.</param>
    /// <param name="error">Why it may not be used, if it may not.</param>
    /// <param name="membership">The share; <see langword="null"/> if the object has no members.</param>
    /// <returns><see langword="false"/> without an error: the name is going or gone; open again.</returns>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: a share was demanded, and a process keeps the membership to itself.</exception>
    internal static bool Follow(
        ObjectDescriptor descriptor, Joining joining, bool refusesAbandoned, ref Patience patience, out Errno error, out IDisposable? membership)
    {
        error = default;
        membership = null;
        var isFollowed = false;
        try
        {
            if (refusesAbandoned && descriptor.Platform.Membership.IsAbandoned(descriptor.Target))
            {
                error = Errno.EEXIST;
                return false;
            }

            isFollowed = TryFollow(descriptor, joining, ref patience, out membership);
            return isFollowed;
        }
        finally
        {
            if (!isFollowed)
            {
                descriptor.CloseUnseen();
            }
        }
    }

    private static bool TryFollow(ObjectDescriptor descriptor, Joining joining, ref Patience patience, out IDisposable? membership)
    {
        membership = null;
        var platform = descriptor.Platform;
        var target = descriptor.Target;
        var joins = joining == Joining.Always || (joining == Joining.WhenAbandoned && platform.Membership.IsOrphaned(target));
        var state = platform.Membership.Query(target, isMember: false);
        if (state is MembershipState.None or MembershipState.Unknown or MembershipState.Hidden && !joins)
        {
            // A share taken on a guess would make members of all that open the object later, and the last of them would remove a name that is to stay.
            return true;
        }

        var error = state == MembershipState.Ending ? Errno.EAGAIN : platform.Membership.Take(target, exclusive: false);
        if (error == Errno.EAGAIN && patience.IsLeft)
        {
            patience.Pause();
            return false;
        }

        if (!error.IsSuccess)
        {
            // The last member has stopped in the middle. A caller that only wanted to open gets what shm_open would return.
            return joins ? throw Refused(error, target.Name.Text) : true;
        }

        // SYNC membership.last: pairs with RemoveIfLast. The share is taken before the check, so the name found cannot be going.
        var status = platform.Backing.GetStatus(target);
        if (status.NameCount == 0)
        {
            platform.Membership.Drop(target);
            patience.Pause();
            return false;
        }

        if (joins)
        {
            // From now on the name is one that somebody removes.
            platform.Membership.Mark(target, isOwned: true);
        }

        membership = new NameMembership(descriptor, new(platform, target.Name, status.Identity));
        return true;
    }

    /// <summary>The failure of a caller that demands a share and cannot have one.</summary>
    internal static Exception Refused(Errno error, string? name) => error is Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP
        ? new PlatformNotSupportedException(
            "This kernel or file system, or a filter in front of it, has no open file description locks (fcntl with F_OFD_SETLK), which UnlinkOnLastDispose needs. Use UnlinkOnDispose.")
        : SystemCalls.FailureOf(
            error, "fcntl(F_OFD_SETLK)", name,
            error == Errno.EAGAIN ? "the object's last member is removing its name and has stopped there, or another program has locked the whole object" : null);

    internal NameMembership Renamed(in ObjectName to) => new(descriptor, name.Renamed(to));

    public void Dispose()
    {
        if (!name.IsOurs)
        {
            return;
        }

        try
        {
            var target = descriptor.Target;
            if (descriptor.Access == FileAccess.ReadWrite)
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
            // A member that cannot find out whether it is the last one leaves the name to others; disposing does not throw.
        }
        catch (ObjectDisposedException)
        {
            // The descriptor was given up or closed, and the share with it.
        }
    }

    /// <summary>An exclusive lock needs a descriptor that is open for writing. A process that may not write the object leaves the name to others.</summary>
    private void RemoveThroughWritable(in OpenObject target)
    {
        var platform = descriptor.Platform;
        // A newer object that has the name is not opened: this process may have locked it.
        if (platform.Names.Find(name.Name)?.Identity != name.Identity || !platform.Names.OpenUnseen(name.Name, FileAccess.ReadWrite, out var handle).IsSuccess)
        {
            return;
        }

        try
        {
            var writable = new OpenObject(handle!, name.Name);
            if (platform.Backing.GetStatus(writable).Identity == name.Identity)
            {
                platform.Membership.Drop(target);
                RemoveIfLast(writable);
                platform.Membership.Drop(writable);
            }
        }
        finally
        {
            platform.Membership.CloseUnseen(handle);
        }
    }

    private void RemoveIfLast(in OpenObject target)
    {
        var membership = descriptor.Platform.Membership;
        // SYNC membership.last: pairs with Follow. A process that has the membership alone removes the name before it releases it, so a process that takes a
        // share later finds the name gone. Two that leave at once block each other at first: each releases its share, and the one that
        // does so last has the membership alone at the second attempt.
        var error = membership.Take(target, exclusive: true);
        if (error == Errno.EAGAIN)
        {
            membership.Drop(target);
            error = membership.Take(target, exclusive: true);
        }

        if (error.IsSuccess)
        {
            _ = name.Remove();
        }
    }
}
