namespace Posix.SharedMemory;

/// <summary>What becomes of an object that already has the name another one is to get.</summary>
public enum RenameMode
{
    /// <summary>It loses the name; who has it open keeps it.</summary>
    Replace,

    /// <summary>It stays, and the call fails with <see cref="Errno.EEXIST"/>.</summary>
    NoReplace,

    /// <summary>The two swap names in one step.</summary>
    Exchange,
}
