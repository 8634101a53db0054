using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>Who holds an object, as JSON.</summary>
/// <param name="Name">The object.</param>
/// <param name="Escaped">Its name as the command takes it, where that differs.</param>
/// <param name="Held">Whether anybody does; null where that cannot be known.</param>
/// <param name="Holders">Those that were found.</param>
/// <param name="UnreadableProcesses">Those of which it is unknown.</param>
internal sealed record HoldersFacts(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, bool? Held, IReadOnlyList<HolderFacts> Holders, IReadOnlyList<int> UnreadableProcesses);
