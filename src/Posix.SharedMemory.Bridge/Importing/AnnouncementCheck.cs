namespace Posix.SharedMemory.Bridge;

/// <summary>What an announcement must hold before memory is taken for it: any program may have written it, the first one of a channel and every later one.</summary>
internal static class AnnouncementCheck
{
    private const long LeastCapacity = 4096, MostCapacity = 1 << 30;

    /// <summary>Why a channel is not imported as it is announced; <see langword="null"/>: it can be.</summary>
    /// <param name="announced">The announcement.</param>
    /// <param name="keeps">Whether the engine keeps messages.</param>
    internal static string? Refusal(Announcement announced, bool keeps) =>
        announced.Kind != FrameLimits.MessageKind ? $"Channels of kind {announced.Kind} are not carried."
        : announced.Delivery == BridgeDelivery.Durable && !keeps ? "The channel is announced as durable, and the engine of this bridge does not keep messages."
        : announced.Capacity is < LeastCapacity or > MostCapacity || !long.IsPow2(announced.Capacity) || announced.Alignment is not (8 or 16 or 32 or 64) ? "The channel is announced with a capacity or an alignment that no channel has."
        : null;
}
