namespace Posix.SharedMemory;

/// <summary>Seals an object, and says why it cannot be sealed.</summary>
internal readonly struct ObjectSealing(ObjectDescriptor descriptor)
{
    private const MemorySeals Every =
        MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write | MemorySeals.FutureWrite | MemorySeals.Exec;

    internal static MemorySeals Check(MemorySeals seals, string parameter) =>
        (seals & ~Every) == 0 ? seals : throw new ArgumentOutOfRangeException(parameter, seals, "The value is not a combination of the defined seals.");

    internal MemorySeals Get()
    {
        var error = descriptor.Platform.Seals.Get(descriptor.Target, out var seals);
        return error.IsSuccess
            ? Kept(seals, descriptor.HasHugePages)
            : throw SystemCalls.FailureOf(
                error, "fcntl(F_GET_SEALS)", descriptor.Name.Text,
                error == Errno.EINVAL ? "the file system behind this object has no seals; CreateAnonymous makes memory that can be sealed" : null);
    }

    /// <summary>Leaves out the seal that the kernel stores on huge pages and does not enforce there: the execute permissions can still be changed.</summary>
    internal static MemorySeals Kept(MemorySeals seals, bool hasHugePages) => hasHugePages ? seals & ~MemorySeals.Exec : seals;

    internal void Add(MemorySeals seals)
    {
        Check(seals, nameof(seals));
        var target = descriptor.Target;
        descriptor.RequireWritable();
        if (seals != Kept(seals, descriptor.HasHugePages))
        {
            throw new PlatformNotSupportedException(
                "The kernel stores the seal Exec of an object of huge pages, but does not enforce it. Leave it out, or use ordinary pages.");
        }

        // Under the monitor: a mapping that is made meanwhile either finds the seals or is found here.
        lock (descriptor.Handle)
        {
            if (descriptor.Platform.Seals.Add(target, seals) is { IsSuccess: false } error)
            {
                throw SystemCalls.FailureOf(error, "fcntl(F_ADD_SEALS)", descriptor.Name.Text, WhyNot(error, seals));
            }

            new ObjectMappings(descriptor).Note(seals);
        }
    }

    private string? WhyNot(Errno error, MemorySeals seals)
    {
        if (error == Errno.EPERM)
        {
            return descriptor.Name.IsNone
                ? "the object is sealed against further seals (F_SEAL_SEAL)"
                : "the object is sealed against further seals (F_SEAL_SEAL), as every named object is; CreateAnonymous makes objects that can be sealed";
        }

        if (error == Errno.EBUSY)
        {
            return (!descriptor.Extents.IsAnyMapped
                ? "another process, or another object of this process, has the memory mapped through a descriptor that is open for writing"
                : "this process has mappings of the object, or leases of them: dispose them first, read-only ones too, and fill the object with Write")
                + "; MemorySeals.FutureWrite leaves existing mappings as they are and seals against new writers";
        }

        return error == Errno.EINVAL ? $"this kernel does not support all of {seals}" : null;
    }
}
