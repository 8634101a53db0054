namespace Posix.SharedMemory.Threading;

/// <summary>How a named lock is created. An existing one keeps what it was created with.</summary>
public sealed record NamedOptions
{
    /// <summary>Gets which users may open it; by default, only the creator's.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets how long the name stays; by default, as long as any process has it open, as on Windows. With <see cref="Lifetime.Keep"/> name and state stay.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.UnlinkOnLastDispose;

    /// <summary>Gets whether the permits of a process that dies come back; for semaphores whose initial count is their maximum.</summary>
    public bool ReturnPermitsOfTheDead { get; init; }

    /// <summary>Gets how many processes can have it open at once, 1 to 1,023. The object's length follows.</summary>
    public int Seats { get; init; } = Roster.DefaultSeats;
}
