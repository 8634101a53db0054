namespace Posix.SharedMemory.Tool;

/// <summary>The room for shared memory and what takes it, as JSON.</summary>
/// <param name="Total">How much the file system behind the names may hold.</param>
/// <param name="Used">How much it holds.</param>
/// <param name="Available">How much this user may still take of it.</param>
/// <param name="Named">How much the objects with names take.</param>
/// <param name="Unnamed">The rest: unlinked and still held, semaphores, other files.</param>
/// <param name="CgroupLimit">The memory that the control group may take; null where it is not limited.</param>
/// <param name="CgroupUsed">The memory that it takes.</param>
/// <param name="Largest">The objects that take the most.</param>
internal sealed record UsageFacts(
    long Total, long Used, long Available, long Named, long Unnamed, long? CgroupLimit, long? CgroupUsed, IReadOnlyList<LargestFacts> Largest);

/// <summary>One of the objects that take the most, as JSON.</summary>
internal sealed record LargestFacts(string Name, long Allocated, uint Uid);
