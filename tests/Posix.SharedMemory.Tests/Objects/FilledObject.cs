namespace Posix.SharedMemory.Tests.Objects;

/// <summary>An object to copy from: a pattern in an odd number of bytes.</summary>
internal static class FilledObject
{
    internal const int Length = 1_000_003;

    internal static SharedMemoryObject Create()
    {
        var memory = SharedMemoryObject.CreateUnpublished(Length);
        memory.Write(Pattern.Of(Length), 0);
        return memory;
    }
}
