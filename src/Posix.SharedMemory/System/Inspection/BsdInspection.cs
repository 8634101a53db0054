using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>macOS and FreeBSD: neither lets one process see what another does with shared memory.</summary>
internal sealed class BsdInspection : SystemInspection
{
    internal override SharedMemoryUsage GetUsage() => throw new PlatformNotSupportedException(
        "Shared memory is taken from the whole system's memory here, and not from a file system that could be measured.");

    internal override MemoryLimit? GetMemoryLimit() => null;

    internal override SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only) => throw new PlatformNotSupportedException(
        "The processes that hold a shared memory object cannot be found on this system. "
        + "On macOS lsof(8) shows the descriptors of your own processes; on FreeBSD procstat(1) shows them all: procstat files -a, procstat vm -a.");

    internal override UnnamedMemoryList ListUnnamed() => throw NoLookInside();

    internal override Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle) => throw NoLookInside();

    internal override DirectoryWatch WatchDirectory() => throw new PlatformNotSupportedException(
        "This system does not report what happens to the names of shared memory objects. Where it lists them, compare two lists.");

    internal override IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target) => throw new PlatformNotSupportedException(
        "This system does not report which parts of shared memory have memory behind them. Keep account of the parts you have written.");

    internal override IReadOnlyList<PageRun> GetPageStates(in OpenObject target) => throw new PlatformNotSupportedException(
        "This system does not report which pages of shared memory are in memory.");

    internal override IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target) => null;

    private static PlatformNotSupportedException NoLookInside() => new(
        "This system does not let one process look at another's descriptors by path. Have the other send its descriptor over a Unix socket.");
}
