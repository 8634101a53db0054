namespace Posix.SharedMemory.Tool;

/// <summary>An event, as one line of JSON. Fields that do not apply are left out.</summary>
internal sealed record WatchFacts
{
    public required DateTimeOffset Time { get; init; }

    /// <summary>Gets the kind of event: started, added, removed, renamed, replaced, length, mode, owner, held, released, bytes, unreadable.</summary>
    public required string Event { get; init; }

    /// <summary>Gets the object's name; none when the watching of all objects starts.</summary>
    public string? Name { get; init; }

    /// <summary>Gets the name as the command prints and takes it, if that differs.</summary>
    public string? Escaped { get; init; }

    /// <summary>Gets how many objects exist when the watching of all objects starts.</summary>
    public int? Objects { get; init; }

    public string? OldName { get; init; }

    public string? OldEscaped { get; init; }

    public long? Length { get; init; }

    public long? OldLength { get; init; }

    public string? Mode { get; init; }

    public string? Owner { get; init; }

    public int? Holders { get; init; }

    /// <summary>Gets whether there are no other holders; none if holders were not counted.</summary>
    public bool? HoldersExact { get; init; }

    public int? Pid { get; init; }

    public string? Command { get; init; }

    public string? Access { get; init; }

    public IReadOnlyList<ByteRangeFacts>? Ranges { get; init; }

    /// <summary>Gets how many bytes have changed, even if not all their ranges are listed.</summary>
    public long? ChangedBytes { get; init; }

    public string? Reason { get; init; }
}
