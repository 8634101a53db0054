namespace Posix.SharedMemory;

/// <summary>What happens when the name that a new object is to get is taken.</summary>
public enum NameConflict
{
    /// <summary>The call fails with <see cref="Errno.EEXIST"/>.</summary>
    Fail,

    /// <summary>
    /// An object that its creator left behind when it was killed is replaced, in one step; any other is <see cref="Errno.EEXIST"/>. An object counts as left behind if it
    /// was created with a <see cref="Lifetime"/> other than <see cref="Lifetime.Keep"/>, and neither its creator nor any member is alive. Linux only.
    /// </summary>
    ReplaceAbandoned,

    /// <summary>Any object is replaced, in one step. Processes that have the old one open keep it, and are not notified.</summary>
    Replace,
}
