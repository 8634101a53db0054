namespace Posix.SharedMemory;

/// <summary>The pages that memory is mapped and allocated in: their size, and rounding to it.</summary>
internal static class MemoryPage
{
    /// <summary>The size in bytes. <see cref="Environment.SystemPageSize"/> asks the system each time.</summary>
    internal static readonly int Size = Environment.SystemPageSize;

    /// <summary>How far inside its page a byte lies.</summary>
    internal static int Inside(long offset) => (int)(offset & (Size - 1));

    /// <summary>The end of the page that holds the last of so many bytes; at most the last page there can be.</summary>
    internal static long RoundUp(long length) => length > long.MaxValue - (Size - 1) ? long.MaxValue & ~(Size - 1L) : (length + Size - 1) & ~(Size - 1L);
}
