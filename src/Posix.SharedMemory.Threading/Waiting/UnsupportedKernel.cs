namespace Posix.SharedMemory.Threading;

/// <summary>A system on which processes cannot wait for each other by these means.</summary>
internal sealed class UnsupportedKernel : SeatlessKernel
{
    // SAFETY: no address is used.
    internal override string WhyNoSeats =>
        OperatingSystem.IsWindows() ? "Posix.SharedMemory.Threading is for Unix: on Windows, use the named types of System.Threading."
        : OperatingSystem.IsMacOS() ? "Posix.SharedMemory.Threading needs macOS 14.4: earlier versions have no public call by which processes wait for a word. To exclude other processes, lock a file (FileStream.Lock)."
        : "Posix.SharedMemory.Threading needs 64-bit little-endian Linux, macOS 14.4 or FreeBSD. To exclude other processes here, lock a file (FileStream.Lock).";

    protected override string WaitCall => "";

    internal override unsafe int Wake(uint* word, int count, bool isPrivate = false) => throw new PlatformNotSupportedException(WhyNoSeats);

    protected override unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds) => throw new PlatformNotSupportedException(WhyNoSeats);
}
