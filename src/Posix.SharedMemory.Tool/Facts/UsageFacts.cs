using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>The room for shared memory and what uses it, as JSON.</summary>
/// <param name="Total">How many bytes the file system of named objects may hold.</param>
/// <param name="Used">How many bytes it holds.</param>
/// <param name="Available">How many bytes this user may still use.</param>
/// <param name="Named">How many bytes named objects use.</param>
/// <param name="Unnamed">All other bytes: unlinked but still in use, semaphores, other files.</param>
/// <param name="Inodes">How many files it may hold, including objects; null if there is no such limit.</param>
/// <param name="InodesAvailable">How many more files it may hold.</param>
/// <param name="CgroupLimit">How many bytes of memory the control group may use; null if it is not limited, or no limit can be seen.</param>
/// <param name="CgroupUsed">How many bytes of memory it uses; null if it is not limited, or that cannot be read.</param>
/// <param name="Largest">The objects that use the most memory.</param>
internal sealed record UsageFacts(
    long Total, long Used, long Available, long Named, long Unnamed, long? Inodes, long? InodesAvailable, long? CgroupLimit, long? CgroupUsed, IReadOnlyList<LargestFacts> Largest);

/// <summary>One of the objects that use the most memory, as JSON.</summary>
internal sealed record LargestFacts(string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, long Allocated, uint Uid)
{
    internal static LargestFacts Of(SharedMemoryEntry entry) =>
        new(NameText.Raw(entry.NameBytes.Span), NameText.EscapedOrNull(entry.NameBytes.Span), entry.AllocatedBytes, entry.UserId);
}
