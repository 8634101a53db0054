namespace Posix.SharedMemory.Tool;

/// <summary>A channel, as JSON; what it does not have, or what cannot be read, is null.</summary>
/// <param name="Kind">Which kind of channel it is; null only in a list of channels, for an object that cannot be read and may be one.</param>
/// <param name="State">open, completed, aborted or continued.</param>
/// <param name="Fill">Which part of the ring is waiting to be read, from 0 to 1.</param>
/// <param name="Endpoints">Those that were ever opened.</param>
/// <param name="BlockedBy">The writer of a fan-in that has claimed room, and whose message the reader waits for; or the reader of a broadcast that its writer has waited for since it last read.</param>
/// <param name="Problem">Why the channel cannot be read.</param>
internal record ChannelFacts(
    string? Kind, string? State, double? Fill, long? Capacity, long? Used, long? Messages, long? Bytes, long? WriterWaits, long? ReaderWaits, int? MaxMessage, int? ElementSize, ulong? SchemaId,
    string? ContentType, IReadOnlyList<EndpointFacts>? Endpoints, EndpointFacts? BlockedBy, string? Problem)
{
    /// <summary>An object that cannot be read, and may be a channel.</summary>
    internal static ChannelFacts Unknown(string obstacle) => new(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, obstacle);

    internal static ChannelFacts Of(ChannelLook look) => look.Status is not { } status
        ? new(look.Kind, null, null, null, null, null, null, null, null, null, null, null, null, null, null, look.Problem)
        : new(
            look.Kind, ChannelLook.StateWord(status.State), look.Fill, status.Capacity, status.Used, status.Messages, status.Bytes, status.WriterWaits, status.ReaderWaits, status.MaxMessageLength,
            status.ElementSize == 0 ? null : status.ElementSize, status.SchemaId, status.ContentType, EndpointFacts.AllOf(status),
            status.BlockedBy is { } blocker ? EndpointFacts.Of(blocker) : null, null);
}
