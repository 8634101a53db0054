namespace Posix.SharedMemory.Testing;

/// <summary>An operation whose every system call is made to fail.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Arrange">What must be there before.</param>
/// <param name="Act">The operation.</param>
internal sealed record FaultPath(string Name, Action<FaultScene> Arrange, Action<FaultScene> Act)
{
    /// <summary>Gets whether the operation closes the object: afterwards nothing may be open, whatever failed.</summary>
    internal bool Closes { get; init; }

    /// <summary>Gets whether the number of calls depends on what other processes do; then a call may be missing.</summary>
    internal bool DependsOnNeighbours { get; init; }

    /// <summary>Gets how many of the calls are walked; the later ones are repetitions.</summary>
    internal int Calls { get; init; } = int.MaxValue;
}
