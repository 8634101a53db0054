namespace Posix.SharedMemory.Tool;

/// <summary>What passed through a channel in one interval, as one line of JSON. What was not seen is left out.</summary>
/// <param name="Seconds">How long it was measured.</param>
/// <param name="Messages">How many messages the writer counted.</param>
/// <param name="Seen">How many of them were looked at: sizes and gaps are of these.</param>
/// <param name="Sizes">The sizes of messages, in bytes.</param>
/// <param name="Gaps">The times between messages in seconds, to a millisecond or so; only where all messages were seen.</param>
/// <param name="Fill">Which part of the ring is waiting to be read, from 0 to 1.</param>
/// <param name="WriterWaits">How often the writer waited for room.</param>
/// <param name="ReaderWaits">How often the reader waited for a message.</param>
internal sealed record RateFacts(
    DateTimeOffset Time, double Seconds, long Messages, double MessagesPerSecond, double BytesPerSecond, long Seen, SizeFacts? Sizes, GapFacts? Gaps, double? Fill, long WriterWaits, long ReaderWaits,
    string State);

/// <summary>The sizes of messages that were seen, in bytes.</summary>
internal sealed record SizeFacts(int P50, int P90, int P99, int Most);

/// <summary>The times between messages, in seconds.</summary>
internal sealed record GapFacts(double Least, double Mean, double Most, double Deviation);
