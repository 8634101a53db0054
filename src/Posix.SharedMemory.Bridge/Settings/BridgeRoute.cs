namespace Posix.SharedMemory.Bridge;

/// <summary>How the channels of a pattern travel, where that is not <see cref="BridgeOptions.Delivery"/>.</summary>
/// <param name="Pattern">Names of channels; <c>*</c> is any number of any characters.</param>
/// <param name="Delivery">How they travel.</param>
public sealed record BridgeRoute(string Pattern, BridgeDelivery Delivery)
{
    /// <summary>Gets how many messages a second are sent at most with <see cref="BridgeDelivery.Latest"/>; 0, the default: as many as arrive.</summary>
    public double MaxRate { get; init; }
}
