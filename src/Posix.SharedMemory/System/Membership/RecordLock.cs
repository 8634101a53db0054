namespace Posix.SharedMemory;

/// <summary>The bytes, far behind any object's end, whose kernel-held locks have a meaning; docs/spec/objects/membership.md lists them.</summary>
internal enum RecordLock : long
{
    /// <summary>Held shared by each user of an object with <see cref="Lifetime.UnlinkOnLastDispose"/>.</summary>
    Membership = 1L << 62,

    /// <summary>Held exclusively while an object grows.</summary>
    Growth = Membership + 1,

    /// <summary>Held exclusively while an unpublished object takes over a name by way of a temporary one.</summary>
    Publishing = Membership + 2,
}
