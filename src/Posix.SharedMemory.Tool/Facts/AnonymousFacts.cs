using System.Text;
using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>
/// Memory without a name, as JSON; lengths are null if this user may not see them. Where not every process could be examined, the last one stands for all that those processes may hold: it has
/// no name, no length and no holders, but <c>unreadable_processes</c>.
/// </summary>
/// <param name="Name">The name it was created with.</param>
/// <param name="Escaped">The name as the command prints it, if that differs.</param>
/// <param name="Unlinked">Whether it is an object of /dev/shm whose name was removed or not yet given.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Allocated">How much memory it uses, in bytes.</param>
/// <param name="Inode">Its number in its file system.</param>
/// <param name="HeldBy">The processes that hold it.</param>
/// <param name="HoldersExact">Whether there are no others.</param>
/// <param name="UnreadableProcesses">Only in the one that stands for what was not found: the processes that could not be examined.</param>
internal sealed record AnonymousFacts(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, bool Unlinked, long? Length, long? Allocated, ulong Inode, IReadOnlyList<HolderFacts> HeldBy,
    bool HoldersExact, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<int>? UnreadableProcesses = null)
{
    internal static AnonymousFacts Of(UnnamedMemory memory) => new(
        memory.DebugName, NameText.EscapedOrNull(Encoding.UTF8.GetBytes(memory.DebugName)), memory.IsUnlinked, memory.Status?.Length, memory.Status?.AllocatedBytes, memory.Identity.Inode, [.. memory.Holders.Select(HolderFacts.Of)],
        memory.Holders.IsComplete);

    /// <summary>What the processes hold that could not be examined.</summary>
    internal static AnonymousFacts Unseen(UnnamedMemoryList found) => new("", null, false, null, null, 0, [], HoldersExact: false, found.UnreadableProcessIds);
}
