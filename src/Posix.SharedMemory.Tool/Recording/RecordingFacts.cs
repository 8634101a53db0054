namespace Posix.SharedMemory.Tool;

/// <summary>What was recorded, or replayed, as one line of JSON.</summary>
/// <param name="Name">The channel.</param>
/// <param name="Kind">Its kind, as <c>shm topic ls</c> calls it.</param>
/// <param name="Messages">How many messages, or frames.</param>
/// <param name="Bytes">How many bytes they have.</param>
/// <param name="Missed">How many the recording lacks.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Whole">Of a replay: whether the recording ends as it was meant to; otherwise it was cut.</param>
internal sealed record RecordingFacts(string Name, string Kind, long Messages, long Bytes, long Missed, double Seconds, bool? Whole);
