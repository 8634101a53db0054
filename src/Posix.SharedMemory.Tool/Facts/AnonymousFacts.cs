namespace Posix.SharedMemory.Tool;

/// <summary>Memory without a name, as JSON; lengths are null where this user may not look that far.</summary>
internal sealed record AnonymousFacts(string Name, long? Length, long? Allocated, ulong Inode, IReadOnlyList<HolderFacts> HeldBy)
{
    internal static AnonymousFacts Of(AnonymousMemory memory) => new(
        memory.DebugName, memory.Status?.Length, memory.Status?.AllocatedBytes, memory.Identity.Number, [.. memory.Holders.Select(HolderFacts.Of)]);
}
