namespace Posix.SharedMemory.Channels;

/// <summary>What the memory of a frame channel's slots consists of.</summary>
internal enum SlotPages
{
    /// <summary>The pages that the system gives.</summary>
    AsTheyCome,

    /// <summary>Huge pages, into which they are merged when the object is created, as far as the system can.</summary>
    Merged,
}
