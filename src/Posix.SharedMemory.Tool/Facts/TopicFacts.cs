using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>A channel, or an object that cannot be read and may be one, and its name, as JSON.</summary>
internal sealed record TopicFacts : ChannelFacts
{
    internal TopicFacts(SharedMemoryEntry entry, ObjectLook look)
        : base(look.Channel is { } channel ? Of(channel) : Unknown(look.Obstacle!))
    {
        Name = NameText.Raw(entry.NameBytes.Span);
        Escaped = NameText.EscapedOrNull(entry.NameBytes.Span);
    }

    [JsonPropertyOrder(-1)]
    public string Name { get; }

    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Escaped { get; }
}
