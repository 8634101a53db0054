using System.Numerics;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>What an announcement must hold before memory is taken for it: any program may have written it, the first one of a channel and every later one.</summary>
internal static class AnnouncementCheck
{
    private const long LeastCapacity = 4096, MostCapacity = 1 << 30;
    private const int MostEnds = 64, MostHistory = 1 << 20, LeastBuffers = 2, MostBuffers = 64, LeastSlotAlignment = 64, MostSlotAlignment = 2 << 20, MostDepth = 1024;

    /// <summary>Why a channel is not imported as it is announced; <see langword="null"/>: it can be.</summary>
    /// <param name="announced">The announcement.</param>
    /// <param name="keeps">Whether the engine keeps messages.</param>
    internal static string? Refusal(Announcement announced, bool keeps) =>
        !Announcement.IsCarried(announced.Kind) ? $"Channels of kind {announced.Kind} are not carried."
        : announced.Delivery == BridgeDelivery.Durable && !keeps ? "The channel is announced as durable, and the engine of this bridge does not keep messages."
        : !HasElements(announced) ? "The channel is announced with elements that no channel has."
        : !(announced.IsValue ? IsValue(announced) : (ChannelKind)announced.Kind == ChannelKind.Frames ? IsFrames(announced) : IsRing(announced)) ? "The channel is announced with a capacity, an alignment, a history or a number of ends that no channel has."
        : null;

    private static bool HasElements(Announcement announced) =>
        announced is { ElementSize: 0, ElementAlignment: 0 }
        || ((ChannelKind)announced.Kind == ChannelKind.Message && announced.ElementSize > 0 && announced.ElementSize < announced.Capacity / 2 && BitOperations.IsPow2(announced.ElementAlignment));

    private static bool IsRing(Announcement announced) =>
        announced.Capacity is >= LeastCapacity and <= MostCapacity && BitOperations.IsPow2(announced.Capacity) && announced.Alignment is 8 or 16 or 32 or 64
        && announced.Slots is null && announced.History is >= 0 and <= MostHistory && announced.Ends is >= 0 and <= MostEnds && ((ChannelKind)announced.Kind == ChannelKind.Message || announced.Ends > 0);

    private static bool IsFrames(Announcement announced) =>
        announced is { Alignment: >= LeastSlotAlignment and <= MostSlotAlignment, History: >= 1 and <= MostDepth, Ends: >= 1 and <= MostEnds, Slots: { } text } && BitOperations.IsPow2(announced.Alignment)
        && SlotText.TryRead(text, announced.Alignment, out var classes) && announced.Capacity == classes.Sum(slots => (long)slots.SlotLength * slots.SlotCount);

    private static bool IsValue(Announcement announced) =>
        announced is { Slots: null, Capacity: >= 1 and <= MostCapacity, History: >= LeastBuffers and <= MostBuffers, Delivery: BridgeDelivery.Latest } && BitOperations.IsPow2(announced.History);
}
