using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Posix.SharedMemory.Tool;

/// <summary>Serializers of everything that <c>--json</c> prints, generated when the program is built: nothing is reflected on at run time.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(IReadOnlyList<ObjectFacts>))]
[JsonSerializable(typeof(StatusFacts))]
[JsonSerializable(typeof(HoldersFacts))]
[JsonSerializable(typeof(NamedLockFacts))]
[JsonSerializable(typeof(IReadOnlyList<TopicFacts>))]
[JsonSerializable(typeof(IReadOnlyList<object>))]
[JsonSerializable(typeof(OrphanFacts))]
[JsonSerializable(typeof(HeldNameFacts))]
[JsonSerializable(typeof(UsageFacts))]
[JsonSerializable(typeof(IReadOnlyList<AnonymousFacts>))]
internal sealed partial class JsonFacts : JsonSerializerContext
{
    // Names stay legible: only what JSON requires is escaped, not what only a web page would need.
    internal static JsonFacts Legible { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    internal static void Write<T>(Terminal terminal, T facts, Func<JsonFacts, JsonTypeInfo<T>> type)
    {
        var output = terminal.OutBytes;
        JsonSerializer.Serialize(output, facts, type(Legible));
        output.WriteByte((byte)'\n');
    }
}
