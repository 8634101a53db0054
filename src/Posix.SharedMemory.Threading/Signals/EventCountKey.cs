namespace Posix.SharedMemory.Threading;

/// <summary>What an event count showed when a wait was prepared.</summary>
public readonly struct EventCountKey : IEquatable<EventCountKey>
{
    internal EventCountKey(uint value) => Value = value;

    internal uint Value { get; }

    /// <summary>Whether two keys were prepared without a notification between.</summary>
    public bool Equals(EventCountKey other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EventCountKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <summary>Whether two keys were prepared without a notification between.</summary>
    public static bool operator ==(EventCountKey left, EventCountKey right) => left.Equals(right);

    /// <summary>Whether a notification came between two keys.</summary>
    public static bool operator !=(EventCountKey left, EventCountKey right) => !left.Equals(right);
}
