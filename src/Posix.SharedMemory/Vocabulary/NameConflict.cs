namespace Posix.SharedMemory;

/// <summary>What happens when the name that a new object is to get is taken.</summary>
public enum NameConflict
{
    /// <summary>The call fails with <see cref="Errno.EEXIST"/>.</summary>
    Fail,

    /// <summary>
    /// An object that its creator left behind when it was killed is replaced, in one step; any other is <see cref="Errno.EEXIST"/>. Left behind is an object
    /// that was created with another <see cref="Lifetime"/> than <see cref="Lifetime.Keep"/>, and whose creator and members no longer live. Linux.
    /// </summary>
    ReplaceAbandoned,

    /// <summary>Any object is replaced, in one step. Processes that have the old one open keep it, and are not notified.</summary>
    Replace,
}
