using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Inspection: what other processes do with shared memory, and where its pages are.</summary>
/// <remarks>
/// A seventh role beside the six that using shared memory needs. It is a role, and not a part of the folder Inspection, because objects answer
/// such questions about themselves and arrows point downward: <c>Inspection</c> uses objects, and objects use this.
/// </remarks>
internal class SystemInspection
{
    /// <summary>Returns how full the file system of named objects is.</summary>
    internal virtual SharedMemoryUsage GetUsage() => throw Platform.Lacks(
        "Shared memory comes from the whole system's memory here: no file system holds it that could be measured.");

    /// <summary>Returns how much memory the container may take, where it is limited and the system has such limits.</summary>
    internal virtual MemoryLimit? GetMemoryLimit() => null;

    /// <summary>Finds the processes that hold named objects, in one walk; or those that hold one object, named or not.</summary>
    internal virtual SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only) => throw Platform.Lacks(
        "The processes that hold a shared memory object cannot be found on this system. lsof(8), or procstat(1) on FreeBSD, shows the descriptors of your own.");

    /// <summary>Finds memory that has no name in the directory, by the processes that hold it.</summary>
    internal virtual IEnumerable<AnonymousMemory> ListAnonymous() => throw NoLookInside();

    /// <summary>Opens anew what a descriptor of another process stands for. <see cref="Errno.EINVAL"/>: it is not a regular file.</summary>
    internal virtual Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle) => throw NoLookInside();

    /// <summary>Starts to report what happens to names.</summary>
    internal virtual DirectoryWatch WatchDirectory() => throw Platform.Lacks(
        "This system does not report what happens to the names of shared memory objects. Where it lists them, compare two lists.");

    /// <summary>Finds the parts of an object that have memory.</summary>
    internal virtual IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target) => throw Platform.Lacks(
        "This system does not report which parts of shared memory have memory behind them. Keep account of the parts you have written.");

    /// <summary>Finds where the memory of each page is, without bringing any in.</summary>
    internal virtual IReadOnlyList<PageRun> GetPageStates(in OpenObject target) => throw Platform.Lacks(
        "This system does not report which pages of shared memory are in memory.");

    /// <summary>Finds the parts that processes map in huge pages; <see langword="null"/> where the system does not say.</summary>
    internal virtual IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target) => OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD()
        ? null
        : throw Platform.Lacks("This system does not report huge pages.");

    private static PlatformNotSupportedException NoLookInside() => Platform.Lacks(
        "This system does not let one process look at another's descriptors by path. Have the other send its descriptor over a Unix socket.");
}
