using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>A name that is held for an object by a link, as JSON.</summary>
/// <param name="Name">The name.</param>
/// <param name="Escaped">The name as the command takes it, if that differs.</param>
/// <param name="HeldFor">The name that the object has until then.</param>
/// <param name="Abandoned">Whether it is proven that the process which held it is gone, and nothing can come here any more.</param>
/// <param name="Removed">Whether the command has just removed the link.</param>
internal sealed record HeldNameFacts(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, string HeldFor, bool Abandoned, bool Removed)
{
    internal static HeldNameFacts Of(HeldName held, bool isRemoved) => new(
        held.Name, EscapedText.Of(held.Name) is var escaped && escaped != held.Name ? escaped : null, held.Source, isRemoved || held.IsAbandoned(), isRemoved);
}
