namespace Posix.SharedMemory.Threading;

/// <summary>A system on which processes cannot wait for each other by these means.</summary>
internal sealed class UnsupportedKernel : Kernel
{
    // SAFETY: no address is used.
    internal override bool CanWaitForMany => false;

    internal override bool RegisterForFences() => throw Refusal();

    internal override bool FenceAll() => throw Refusal();

    internal override bool Sleep(ref SleepList list, long deadline) => throw Refusal();

    internal override unsafe int Wake(uint* word, int count, bool isPrivate = false) => throw Refusal();

    internal override unsafe int ChangeAndWake(uint* word, WordChange change, int argument, int count) => throw Refusal();

    internal override unsafe byte* MapPages(int count) => throw Refusal();

    internal override unsafe void UnmapPages(byte* first, int count) => throw Refusal();

    internal override unsafe void AliasPage(byte* page, byte* alias) => throw Refusal();

    internal override unsafe bool SetRobustList(byte* head) => throw Refusal();

    internal override bool Exists(int number) => throw Refusal();

    internal override int GetThreadId() => throw Refusal();

    private static PlatformNotSupportedException Refusal() => new(OperatingSystem.IsWindows()
        ? "Posix.SharedMemory.Threading is for Unix: on Windows, use the named types of System.Threading."
        : "Posix.SharedMemory.Threading runs on 64-bit little-endian Linux only; on this system it has not been built yet.");
}
