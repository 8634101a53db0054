namespace Posix.SharedMemory.Bridge;

/// <summary>Messages of a channel that were lost.</summary>
/// <param name="channel">The channel's name.</param>
/// <param name="first">The sequence of the first.</param>
/// <param name="last">The sequence of the last.</param>
/// <param name="where">Where they were lost.</param>
public sealed class LostEventArgs(string channel, long first, long last, LossPlace where) : EventArgs
{
    /// <summary>Gets the channel's name, without <see cref="BridgeOptions.NamePrefix"/>.</summary>
    public string Channel { get; } = channel;

    /// <summary>Gets the sequence of the first message that was lost; the first message of a channel has 1.</summary>
    public long First { get; } = first;

    /// <summary>Gets the sequence of the last message that was lost.</summary>
    public long Last { get; } = last;

    /// <summary>Gets where they were lost.</summary>
    public LossPlace Where { get; } = where;
}
