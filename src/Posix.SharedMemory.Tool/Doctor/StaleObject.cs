namespace Posix.SharedMemory.Tool;

/// <summary>An object that no process uses any more.</summary>
/// <param name="Name">As it is printed.</param>
/// <param name="AllocatedBytes">The memory it uses.</param>
internal sealed record StaleObject(string Name, long AllocatedBytes)
{
    private static readonly TimeSpan s_old = TimeSpan.FromDays(1);

    /// <summary>Finds the objects that certainly no process uses and that were not written to for a day.</summary>
    internal static IReadOnlyList<StaleObject> Find()
    {
        var now = TimeProvider.System.GetUtcNow();
        var old = SharedMemoryDirectory.Enumerate().Where(entry => now - entry.LastWriteTime > s_old).ToList();
        var index = old.Count == 0 ? null : HolderSearch.TryIndex();
        return [.. old.Where(entry => HolderCount.Of(entry, index?[entry.Identity]).IsZero)
            .Select(entry => new StaleObject(EscapedText.OfName(entry.NameBytes.Span), entry.AllocatedBytes))];
    }
}
