namespace Posix.SharedMemory.Threading;

/// <summary>How the counters of readers lie in a <see cref="SharedReaderWriterLock"/>; the same for all that open it.</summary>
/// <example>
/// <code>
/// // 576 bytes instead of 4,096.
/// var guard = SharedReaderWriterLock.At(roster, offset: 4096, ReaderLayout.Compact);
/// </code>
/// </example>
public enum ReaderLayout
{
    /// <summary>A cache line for each process: readers of different processes do not slow each other.</summary>
    Spread,

    /// <summary>8 bytes for each process: small, for locks that are not read often.</summary>
    Compact,
}
