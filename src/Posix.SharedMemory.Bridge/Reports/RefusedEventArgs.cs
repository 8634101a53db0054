namespace Posix.SharedMemory.Bridge;

/// <summary>Something that a bridge does not carry.</summary>
/// <param name="channel">The channel's name.</param>
/// <param name="reason">Why, as a sentence.</param>
public sealed class RefusedEventArgs(string channel, string reason) : EventArgs
{
    /// <summary>Gets the channel's name, as it was announced: escape it before showing it.</summary>
    public string Channel { get; } = channel;

    /// <summary>Gets why, as a sentence.</summary>
    public string Reason { get; } = reason;
}
