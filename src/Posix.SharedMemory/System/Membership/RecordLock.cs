namespace Posix.SharedMemory;

/// <summary>The bytes, far behind any object's end, whose kernel-held locks have a meaning; docs/spec/leases.md lists them.</summary>
internal enum RecordLock : long
{
    /// <summary>Held shared by each user of an object with <see cref="Lifetime.UnlinkOnLastDispose"/>.</summary>
    Lease = 1L << 62,

    /// <summary>Held exclusively while an object grows.</summary>
    Growth = Lease + 1,

    /// <summary>Held exclusively while an unpublished object takes over a name by way of a temporary one.</summary>
    Publishing = Lease + 2,
}
