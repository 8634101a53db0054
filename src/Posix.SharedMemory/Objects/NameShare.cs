namespace Posix.SharedMemory;

/// <summary>A new object's claim on its name, by its lifetime: the kernel's proof that its creator lives, and what removes the name.</summary>
internal static class NameShare
{
    /// <returns>What removes the name when it is disposed; <see langword="null"/> for <see cref="Lifetime.Keep"/>.</returns>
    internal static IDisposable? Take(ObjectDescriptor descriptor, in ObjectName name, Lifetime lifetime)
    {
        if (lifetime == Lifetime.Keep)
        {
            return null;
        }

        var platform = descriptor.Platform;
        var target = descriptor.Target;
        var owned = new OwnedName(platform, name, platform.Backing.GetStatus(target).Identity);
        var error = lifetime == Lifetime.UnlinkOnDispose ? platform.Membership.Own(target) : platform.Membership.Take(target, exclusive: false);
        if (error.IsSuccess)
        {
            // The mark comes after the lock: a marked object without a lock was left behind. Without a mark it is never taken for that.
            platform.Membership.Mark(target, isOwned: true);
        }

        return lifetime == Lifetime.UnlinkOnDispose ? new NameOwner(owned)
            : error.IsSuccess ? new NameMembership(descriptor, owned)
            : throw NameMembership.Refused(error, name.Text);
    }

    internal static void GiveBack(ObjectDescriptor descriptor, Lifetime lifetime)
    {
        if (lifetime == Lifetime.UnlinkOnDispose)
        {
            descriptor.Platform.Membership.Disown(descriptor.Target);
        }
        else if (lifetime == Lifetime.UnlinkOnLastDispose)
        {
            descriptor.Platform.Membership.Drop(descriptor.Target);
        }
    }

    /// <summary>Makes a claim follow its object to another name.</summary>
    internal static IDisposable? Move(IDisposable? owner, in ObjectName to) => owner switch
    {
        NameOwner one => one.Renamed(to),
        NameMembership member => member.Renamed(to),
        _ => null,
    };
}
