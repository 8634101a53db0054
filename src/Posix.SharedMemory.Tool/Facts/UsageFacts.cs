using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>The room for shared memory and what takes it, as JSON.</summary>
/// <param name="Total">How much the file system behind the names may hold.</param>
/// <param name="Used">How much it holds.</param>
/// <param name="Available">How much this user may still take of it.</param>
/// <param name="Named">How much the objects with names take.</param>
/// <param name="Unnamed">All else: unlinked and still held, semaphores, other files.</param>
/// <param name="Inodes">How many files it may hold, objects among them, however small; null where there is no such limit.</param>
/// <param name="InodesAvailable">How many more.</param>
/// <param name="CgroupLimit">The memory that the control group may take; null where it is not limited.</param>
/// <param name="CgroupUsed">The memory that it takes.</param>
/// <param name="Largest">The objects that take the most.</param>
internal sealed record UsageFacts(
    long Total, long Used, long Available, long Named, long Unnamed, long? Inodes, long? InodesAvailable, long? CgroupLimit, long? CgroupUsed, IReadOnlyList<LargestFacts> Largest);

/// <summary>One of the objects that take the most, as JSON.</summary>
internal sealed record LargestFacts(string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, long Allocated, uint Uid)
{
    internal static LargestFacts Of(SharedMemoryEntry entry) =>
        new(NameText.Raw(entry.NameBytes.Span), NameText.EscapedOrNull(entry.NameBytes.Span), entry.AllocatedBytes, entry.UserId);
}
