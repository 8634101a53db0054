namespace Posix.SharedMemory.Tool;

/// <summary>All objects at one moment.</summary>
/// <param name="Time">When.</param>
/// <param name="Rows">The objects.</param>
/// <param name="Usage">The room of their file system; <see langword="null"/> where the system has no such file system.</param>
internal sealed record TopSnapshot(DateTimeOffset Time, IReadOnlyList<TopRow> Rows, SharedMemoryUsage? Usage)
{
    internal static TopSnapshot Take()
    {
        var index = HolderSearch.TryIndex();
        var rows = SharedMemoryDirectory.Enumerate()
            .Select(entry => new TopRow(EscapedText.OfName(entry.NameBytes.Span), entry, HolderCount.Of(entry, index?[entry.Identity])));
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
