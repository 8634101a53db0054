namespace Posix.SharedMemory.Threading;

/// <summary>How an entry is to end.</summary>
[Flags]
internal enum EntryMode
{
    /// <summary>After a death without a repair, the lock is left at once, and the caller gets an exception.</summary>
    RefuseUnrepaired = 0,

    /// <summary>The caller gets the lock also after a death, and learns of it.</summary>
    AcceptUnrepaired = 1,

    /// <summary>No thread is the one that entered.</summary>
    Asynchronous = 2,
}
