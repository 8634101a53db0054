namespace Posix.SharedMemory.Inspection;

/// <summary>Memory without a name in the directory, found by the processes that hold it: made by <c>memfd_create</c>, or an object whose name was removed or not given yet.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man2/memfd_create.2.html">memfd_create(2)</see></remarks>
public sealed record UnnamedMemory
{
    /// <summary>Gets the name its maker gave it for people who look into /proc; several may have the same.</summary>
    public required string DebugName { get; init; }

    /// <summary>
    /// Gets whether it is an object of the directory without a name. <see cref="DebugName"/> is then the one it was made or opened under; or, where its holders made it without one and
    /// published it, as this library does, <c>#</c> and a number.
    /// </summary>
    public required bool IsUnlinked { get; init; }

    /// <summary>Gets what tells it from all other memory.</summary>
    public required ObjectIdentity Identity { get; init; }

    /// <summary>Gets what the system tells; <see langword="null"/> where it is only mapped and this user may not look further.</summary>
    public required SharedMemoryStatus? Status { get; init; }

    /// <summary>Gets the processes that hold it; whatever processes that may not be looked into hold is not found at all.</summary>
    public required SharedMemoryHolders Holders { get; init; }
}
