using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>One object, as JSON.</summary>
internal record ObjectFacts
{
    /// <summary>Gets the name; bytes that are not UTF-8 show as U+FFFD.</summary>
    [JsonPropertyOrder(-1)]
    public required string Name { get; init; }

    /// <summary>Gets the name as the command takes it, if that differs.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Escaped { get; init; }

    [JsonPropertyOrder(-1)]
    public required long Length { get; init; }

    [JsonPropertyOrder(-1)]
    public required long Allocated { get; init; }

    [JsonPropertyOrder(-1)]
    public required string Mode { get; init; }

    [JsonPropertyOrder(-1)]
    public required uint Uid { get; init; }

    [JsonPropertyOrder(-1)]
    public required uint Gid { get; init; }

    [JsonPropertyOrder(-1)]
    public required string Owner { get; init; }

    [JsonPropertyOrder(-1)]
    public required string Group { get; init; }

    /// <summary>Gets how many processes are known to hold it; null if none is known but there may be some.</summary>
    [JsonPropertyOrder(-1)]
    public required int? Holders { get; init; }

    /// <summary>Gets whether there are no others among the processes that can be seen from here.</summary>
    [JsonPropertyOrder(-1)]
    public required bool HoldersExact { get; init; }

    [JsonPropertyOrder(-1)]
    public required DateTimeOffset Modified { get; init; }

    /// <summary>Gets which lock, semaphore or channel it is; null if it is none, or that is unknown.</summary>
    [JsonPropertyOrder(-1)]
    public required string? Kind { get; init; }

    /// <summary>Gets whether its bytes could be read, which say what kind it is.</summary>
    [JsonPropertyOrder(-1)]
    public required bool KindKnown { get; init; }

    /// <summary>Gets which part of a channel's ring is waiting to be read, from 0 to 1. This and what follows is there only for channels that can be read.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Fill { get; init; }

    /// <summary>Gets how many messages were written to a channel.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Messages { get; init; }

    /// <summary>Gets how many bytes were written to a channel.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Bytes { get; init; }

    /// <summary>Gets the endpoints of a channel that were ever opened.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<EndpointFacts>? Endpoints { get; init; }

    internal static ObjectFacts Of(SharedMemoryEntry entry, HolderCount holders, ObjectLook look)
    {
        var channel = look.Channel?.Status;
        return new()
        {
            Name = NameText.Raw(entry.NameBytes.Span),
            Escaped = NameText.EscapedOrNull(entry.NameBytes.Span),
            Length = entry.Length,
            Allocated = entry.AllocatedBytes,
            Mode = ModeText.Octal(entry.Permissions),
            Uid = entry.UserId,
            Gid = entry.GroupId,
            Owner = Accounts.Users.NameOf(entry.UserId),
            Group = Accounts.Groups.NameOf(entry.GroupId),
            Holders = holders is { Known: 0, IsExact: false } ? null : holders.Known,
            HoldersExact = holders.IsExact,
            Modified = entry.LastWriteTime,
            Kind = look.Kind,
            KindKnown = look.IsKnown,
            Fill = look.Channel?.Fill,
            Messages = channel?.Messages,
            Bytes = channel?.Bytes,
            Endpoints = channel is null ? null : EndpointFacts.AllOf(channel),
        };
    }
}
