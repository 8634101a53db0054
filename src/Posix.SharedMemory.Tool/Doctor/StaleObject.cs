namespace Posix.SharedMemory.Tool;

/// <summary>An object that no process uses any more.</summary>
/// <param name="Name">As it is printed.</param>
/// <param name="AllocatedBytes">The memory it uses.</param>
internal sealed record StaleObject(string Name, long AllocatedBytes)
{
    private static readonly TimeSpan s_old = TimeSpan.FromDays(1);

    /// <summary>Finds the objects that certainly no process uses and that were not written to for a day.</summary>
    /// <param name="unknown">Of how many others that were not written to it is unknown whether a process uses them.</param>
    internal static IReadOnlyList<StaleObject> Find(out int unknown)
    {
        var now = TimeProvider.System.GetUtcNow();
        var old = SharedMemoryDirectory.Enumerate().Where(entry => now - entry.LastWriteTime > s_old).ToList();
        var index = old.Count == 0 ? null : HolderSearch.TryIndex();
        var counted = old.ConvertAll(entry => (Entry: entry, IsHeld: HolderCount.Of(entry, index?[entry.Identity]).IsHeldOrUnknown));
        unknown = counted.Count(one => one.IsHeld is null);
        return [.. counted.Where(one => one.IsHeld is false).Select(one => new StaleObject(EscapedText.OfName(one.Entry.NameBytes.Span), one.Entry.AllocatedBytes))];
    }
}
