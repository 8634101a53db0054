using System.Globalization;

namespace Posix.SharedMemory.Channels;

/// <summary>Which message a reader of a broadcast begins with.</summary>
public readonly record struct BroadcastStart
{
    private BroadcastStart(int count) => Count = count;

    /// <summary>Gets the start with the first message that is written after the reader was opened. The default.</summary>
    public static BroadcastStart Now => default;

    /// <summary>Gets the start with the oldest message that the history has.</summary>
    public static BroadcastStart Oldest => new(int.MaxValue);

    /// <summary>Gets how many messages that were there before are wanted.</summary>
    internal int Count { get; }

    /// <summary>The start with the last messages that were written, as far as the history has them.</summary>
    /// <param name="count">How many, at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static BroadcastStart Last(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new(count);
    }

    /// <summary>Returns the start in words.</summary>
    public override string ToString() => Count switch
    {
        0 => nameof(Now),
        int.MaxValue => nameof(Oldest),
        _ => string.Create(CultureInfo.InvariantCulture, $"Last({Count})"),
    };
}
