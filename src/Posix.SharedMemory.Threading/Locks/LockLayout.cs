namespace Posix.SharedMemory.Threading;

/// <summary>The bits of a word that has an owner, and the tags of all formats. Drawn in docs/spec/threading/mutex.md.</summary>
internal static class LockLayout
{
    /// <summary>Somebody sleeps on the word, or has been woken and not yet entered.</summary>
    internal const uint Waiters = 1u << 31;

    /// <summary>An owner died, and what it left has not been repaired.</summary>
    internal const uint Inconsistent = 1u << 30;

    /// <summary>Somebody has slept for long: fresh arrivals queue.</summary>
    internal const uint Patient = 1u << 29;

    internal const uint OwnerMask = 0x1FFFFFFF;

    /// <summary>No participant: nobody can ever enter again.</summary>
    internal const uint Retired = 0x0FFFFFFF;

    /// <summary>No participant: what was to be done once is done.</summary>
    internal const uint Done = 0x0FFFFFFE;

    internal const int Tag = 4;
    internal const int MutexSize = 16;

    internal const uint MutexTag = 0x314D5850, OnceTag = 0x314F5850, EventTag = 0x31455850, EventCountTag = 0x314E5850, ConditionTag = 0x31435850,
        SemaphoreTag = 0x31535850, ReturningTag = 0x31505850, BarrierTag = 0x31425850, ReaderWriterTag = 0x31525850;
}
