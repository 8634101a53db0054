using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>The processes that hold an object, as JSON.</summary>
/// <param name="Name">The object.</param>
/// <param name="Escaped">Its name as the command takes it, if that differs.</param>
/// <param name="Held">Whether a process holds it; null if that is unknown.</param>
/// <param name="Holders">The processes that were found.</param>
/// <param name="HoldersExact">Whether there are no others.</param>
/// <param name="UnreadableProcesses">The processes that could not be examined.</param>
internal sealed record HoldersFacts(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, bool? Held, IReadOnlyList<HolderFacts> Holders, bool HoldersExact,
    IReadOnlyList<int> UnreadableProcesses);
