namespace Posix.SharedMemory.Campaign;

/// <summary>A fault made by hand, which a campaign's check has to find.</summary>
/// <param name="What">In words.</param>
/// <param name="Plant">Makes it, and has it looked at.</param>
internal sealed record PlantedFault(string What, Action<Session> Plant)
{
    /// <summary>Gets why it cannot be planted here; <see langword="null"/> where it can.</summary>
    internal string? Obstacle { get; init; }
}
