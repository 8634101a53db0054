using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Seals, and what they are for: objects that never have a name, and descriptors from elsewhere, of which one must know what they are.</summary>
internal class SystemSeals
{
    /// <summary>The seals that refuse writing.</summary>
    internal const MemorySeals AgainstWriting = MemorySeals.Write | MemorySeals.FutureWrite;

    /// <summary>Creates an object that never has a name: <c>memfd_create</c>.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="pageSize">The size of the pages it consists of.</param>
    internal virtual SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize) => throw Platform.NotSupported();

    /// <summary>Returns what a descriptor from elsewhere was opened for; <see langword="null"/> where memory cannot be mapped through it.</summary>
    /// <param name="target">The descriptor.</param>
    /// <param name="pageSize">The size of the pages that the memory consists of.</param>
    internal virtual FileAccess? Examine(in OpenObject target, out long pageSize) => throw Platform.NotSupported();

    /// <summary>Returns the size of the pages that a file consists of.</summary>
    internal virtual long GetPageSize(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Returns what an object is sealed against; nothing where the system has no seals. <see cref="Errno.EINVAL"/>: it is not memory.</summary>
    internal virtual Errno Get(in OpenObject target, out MemorySeals seals) => throw Platform.NotSupported();

    /// <summary>Seals an object against all of it or nothing. A seal that the system would not enforce is refused.</summary>
    internal virtual Errno Add(in OpenObject target, MemorySeals seals) => throw Platform.NotSupported();

    /// <summary>Returns the failure of a call that one of these seals may have refused; it names the seal, where the kernel only says EPERM.</summary>
    internal SharedMemoryException Refused(Errno error, string operation, in OpenObject target, MemorySeals suspects) =>
        SystemCalls.FailureOf(
            error, operation, target.Name.Text,
            SealRefusal.Describe(FindRefusal(error, target, suspects), operation) ?? (suspects == MemorySeals.None ? null : WhyUnknown(error, target)));

    /// <summary>Returns which of these seals may be behind an error; none where it is another error, or they are not set.</summary>
    internal MemorySeals FindRefusal(Errno error, in OpenObject target, MemorySeals suspects) =>
        (error == Errno.EPERM || error == Errno.EACCES) && Get(target, out var seals).IsSuccess ? seals & suspects : MemorySeals.None;

    /// <summary>Says why nothing is known of the seals that may have refused a call; <see langword="null"/> where it is known, or does not matter.</summary>
    private string? WhyUnknown(Errno error, in OpenObject target) =>
        (error == Errno.EPERM || error == Errno.EACCES) && Get(target, out _) is { IsSuccess: false } unknown && FilterProbe.Explain(unknown, "fcntl(F_GET_SEALS)") is { } refusal
            ? $"whether a seal refuses it is not known: {refusal}"
            : null;
}
