namespace Posix.SharedMemory;

/// <summary>The bytes, far past any object's end, whose kernel-held locks have a meaning; docs/spec/objects/membership.md lists them.</summary>
internal enum RecordLock : long
{
    /// <summary>Held shared by each member of an object with <see cref="Lifetime.UnlinkOnLastDispose"/>.</summary>
    Membership = 1L << 62,

    /// <summary>Held exclusively while an object grows.</summary>
    Growth = Membership + 1,

    /// <summary>Held exclusively while an unpublished object takes over a name by way of a temporary one.</summary>
    Publishing = Membership + 2,

    /// <summary>Held shared by the creator of an object with <see cref="Lifetime.UnlinkOnDispose"/>; exclusively by a process that replaces an abandoned object.</summary>
    Owner = Membership + 3,
}
