namespace Posix.SharedMemory.Threading;

/// <summary>How the kernel changes a word before it wakes its sleepers.</summary>
internal enum WordChange
{
    /// <summary>The word becomes 1 shifted left by the argument.</summary>
    SetBit,

    /// <summary>The argument, at most 2,047, is added.</summary>
    Add,

    /// <summary>The bits of the argument are set.</summary>
    Or,
}
