namespace Posix.SharedMemory;

/// <summary>Says which seal has refused a call: the kernel only says EPERM or EACCES.</summary>
internal static class SealRefusal
{
    internal const MemorySeals AgainstWriting = MemorySeals.Write | MemorySeals.FutureWrite;

    /// <summary>The failure of a call that one of these seals may have refused.</summary>
    internal static SharedMemoryException Describe(Platform platform, Errno error, string operation, in OpenObject target, MemorySeals suspects) =>
        new(error, operation, target.Name.Text, Find(platform, error, target, suspects) is not MemorySeals.None and var found
            ? $"the object is sealed against {Wording(found)}{(operation == nameof(Interop.Libc.mmap) ? "; it can be mapped with MappingOptions.Access Read" : "")}"
            : null);

    /// <summary>Which of these seals may be behind an error; none where it is another error, or they are not set.</summary>
    internal static MemorySeals Find(Platform platform, Errno error, in OpenObject target, MemorySeals suspects) =>
        (error == Errno.EPERM || error == Errno.EACCES) && platform.GetSeals(target, out var seals).IsSuccess ? seals & suspects : MemorySeals.None;

    private static string Wording(MemorySeals seals) => string.Join(" and ", Words(seals));

    private static IEnumerable<string> Words(MemorySeals seals)
    {
        if (seals.HasFlag(MemorySeals.Shrink))
        {
            yield return "shrinking (F_SEAL_SHRINK)";
        }

        if (seals.HasFlag(MemorySeals.Grow))
        {
            yield return "growing (F_SEAL_GROW)";
        }

        if (seals.HasFlag(MemorySeals.Write))
        {
            yield return "writing (F_SEAL_WRITE)";
        }

        if (seals.HasFlag(MemorySeals.FutureWrite))
        {
            yield return "new writers (F_SEAL_FUTURE_WRITE)";
        }

        if (seals.HasFlag(MemorySeals.Exec))
        {
            yield return "a change of the permissions to execute (F_SEAL_EXEC)";
        }
    }
}
