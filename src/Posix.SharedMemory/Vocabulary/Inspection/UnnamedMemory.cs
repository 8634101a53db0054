namespace Posix.SharedMemory.Inspection;

/// <summary>Memory without a name in the directory, found through the processes that hold it: created by <c>memfd_create</c>, or an object whose name was removed or not given yet.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man2/memfd_create.2.html">memfd_create(2)</see></remarks>
public sealed record UnnamedMemory
{
    /// <summary>Gets the name that its creator chose for display in /proc; several may have the same.</summary>
    public required string DebugName { get; init; }

    /// <summary>
    /// Gets whether it is an object of the directory that has no name now. <see cref="DebugName"/> is then the name under which it was created or opened; or, if it was created without one and
    /// then published, as this library does, <c>#</c> and a number.
    /// </summary>
    public required bool IsUnlinked { get; init; }

    /// <summary>Gets its identity, which distinguishes it from all other memory.</summary>
    public required ObjectIdentity Identity { get; init; }

    /// <summary>Gets its status; <see langword="null"/> if it is only mapped and this user may not query it.</summary>
    public required SharedMemoryStatus? Status { get; init; }

    /// <summary>Gets the processes that hold it. Memory that is held only by processes that may not be inspected is not found at all.</summary>
    public required SharedMemoryHolders Holders { get; init; }
}
