using System.Text;
using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>Memory without a name, as JSON; lengths are null if this user may not see them.</summary>
/// <param name="Name">The name it was created with.</param>
/// <param name="Escaped">The name as the command prints it, if that differs.</param>
/// <param name="Unlinked">Whether it is an object of /dev/shm whose name was removed or not yet given.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Allocated">How much memory it uses, in bytes.</param>
/// <param name="Inode">Its number in its file system.</param>
/// <param name="HeldBy">The processes that hold it.</param>
internal sealed record AnonymousFacts(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, bool Unlinked, long? Length, long? Allocated, ulong Inode, IReadOnlyList<HolderFacts> HeldBy)
{
    internal static AnonymousFacts Of(UnnamedMemory memory) => new(
        memory.DebugName, NameText.EscapedOrNull(Encoding.UTF8.GetBytes(memory.DebugName)), memory.IsUnlinked, memory.Status?.Length, memory.Status?.AllocatedBytes, memory.Identity.Inode, [.. memory.Holders.Select(HolderFacts.Of)]);
}
