namespace Posix.SharedMemory.Tool;

/// <summary>All objects at one moment.</summary>
/// <param name="Time">When.</param>
/// <param name="Rows">The objects.</param>
/// <param name="Usage">The room of their file system; <see langword="null"/> where the system has no such file system.</param>
internal sealed record TopSnapshot(DateTimeOffset Time, IReadOnlyList<TopRow> Rows, SharedMemoryUsage? Usage)
{
    /// <summary>When, by the clock that rates are measured with.</summary>
    private readonly long _taken = TimeProvider.System.GetTimestamp();

    /// <summary>Looks at all objects.</summary>
    /// <param name="before">The last look: rates are those since then.</param>
    internal static TopSnapshot Take(TopSnapshot? before = null)
    {
        var index = HolderSearch.TryIndex();
        var last = before?.Rows.Where(row => row.Channel?.Status is not null).DistinctBy(row => row.Entry.Identity).ToDictionary(row => row.Entry.Identity, row => row.Channel!.Status!);
        var seconds = before is null ? 0 : TimeProvider.System.GetElapsedTime(before._taken).TotalSeconds;
        var rows = SharedMemoryDirectory.Enumerate().Select(entry =>
        {
            var look = ObjectLook.Of(entry).Channel;
            var earlier = last?.GetValueOrDefault(entry.Identity);
            double? rate = look?.Status is { } status && earlier is not null ? Math.Max(0, status.Messages - earlier.Messages) / seconds : null;
            var isBlocked = rate == 0 && look?.Status?.BlockedBy is { } blocker && blocker.Index == earlier?.BlockedBy?.Index;
            var found = index?[entry.Identity];
            return new TopRow(EscapedText.OfName(entry.NameBytes.Span), entry, HolderCount.Of(entry, found), found, look, rate, isBlocked);
        });
        return new(TimeProvider.System.GetUtcNow(), [.. rows], UsageOrNull());
    }

    private static SharedMemoryUsage? UsageOrNull()
    {
        try
        {
            return SharedMemoryDirectory.GetUsage();
        }
        catch (PlatformNotSupportedException)
        {
            return null;
        }
    }
}
