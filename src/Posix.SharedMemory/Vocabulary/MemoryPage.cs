namespace Posix.SharedMemory;

/// <summary>The pages that memory is mapped and allocated in: their size, and rounding to it.</summary>
internal static class MemoryPage
{
    /// <summary>The size in bytes. <see cref="Environment.SystemPageSize"/> asks the system each time.</summary>
    internal static readonly int Size = Environment.SystemPageSize;

    /// <summary>The size of a huge page, and so the boundary on which large mappings begin: the pages of x64, and of arm64 with pages of 4 KiB.</summary>
    internal const int Huge = 2 << 20;

    /// <summary>How far inside its page a byte lies.</summary>
    internal static int Inside(long offset) => (int)(offset & (Size - 1));

    /// <summary>The end of the page that holds the last of so many bytes; at most the last page there can be.</summary>
    internal static long RoundUp(long length) => RoundUp(length, Size);

    /// <summary>The same in pages of another size.</summary>
    internal static long RoundUp(long length, long size) => (Math.Min(length, long.MaxValue - (size - 1)) + size - 1) & ~(size - 1);
}
