using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Posix.SharedMemory.Tool;

/// <summary>Serializers of what the views print as JSON, generated when the program is built.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(PageFacts))]
[JsonSerializable(typeof(WatchFacts))]
[JsonSerializable(typeof(RateFacts))]
[JsonSerializable(typeof(RecordingFacts))]
[JsonSerializable(typeof(IReadOnlyList<FindingFacts>))]
internal sealed partial class ViewFacts : JsonSerializerContext
{
    /// <summary>Indented, for a single result.</summary>
    internal static ViewFacts Legible { get; } = new(Format(isIndented: true));

    /// <summary>One line each, for a sequence of results.</summary>
    internal static ViewFacts Lines { get; } = new(Format(isIndented: false));

    internal static void Write<T>(Terminal terminal, T facts, JsonTypeInfo<T> type)
    {
        var output = terminal.OutBytes;
        JsonSerializer.Serialize(output, facts, type);
        output.WriteByte((byte)'\n');
    }

    // Names stay legible: only what JSON requires is escaped, not what only a web page would need.
    private static JsonSerializerOptions Format(bool isIndented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = isIndented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = isIndented ? JsonIgnoreCondition.Never : JsonIgnoreCondition.WhenWritingNull,
    };
}
