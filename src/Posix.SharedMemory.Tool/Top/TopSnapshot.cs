namespace Posix.SharedMemory.Tool;

/// <summary>All objects at one moment.</summary>
/// <param name="Time">When.</param>
/// <param name="Rows">The objects.</param>
/// <param name="Usage">The room they are in; <see langword="null"/> where the system has none apart.</param>
internal sealed record TopSnapshot(DateTimeOffset Time, IReadOnlyList<TopRow> Rows, SharedMemoryUsage? Usage)
{
    internal static TopSnapshot Take()
    {
        var index = HolderSearch.TryIndex();
        var rows = SharedMemoryDirectory.Enumerate().Select(entry =>
        {
            // The kernel is not asked about each: who looks every second is not to disturb those who open.
            var holders = index?[entry.Identity];
            return new TopRow(EscapedText.Of(entry.NameBytes.Span), entry, new(holders?.Count, holders?.IsComplete ?? false));
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
