using Microsoft.Win32.SafeHandles;

using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>Inspection: what other processes do with shared memory, and where its pages are.</summary>
/// <remarks>
/// A seventh role beside the six that using shared memory needs. It is a role, and not a part of the folder Inspection, because objects answer
/// such questions about themselves and arrows point downward: <c>Inspection</c> uses objects, and objects use this.
/// </remarks>
internal class SystemInspection
{
    /// <summary>Returns how full the file system of named objects is.</summary>
    internal virtual SharedMemoryUsage GetUsage() => throw Platform.NotSupported();

    /// <summary>Returns how much memory the container may take, where it is limited and the system has such limits.</summary>
    internal virtual MemoryLimit? GetMemoryLimit() => throw Platform.NotSupported();

    /// <summary>Finds the processes that hold named objects, in one walk; or those that hold one object, named or not.</summary>
    internal virtual SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only) => throw Platform.NotSupported();

    /// <summary>Finds memory that has no name in the directory, by the processes that hold it.</summary>
    internal virtual UnnamedMemoryList ListUnnamed() => throw Platform.NotSupported();

    /// <summary>Opens again what a descriptor of another process refers to. <see cref="Errno.EINVAL"/>: it is not a regular file.</summary>
    internal virtual Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle) => throw Platform.NotSupported();

    /// <summary>Starts to report what happens to names.</summary>
    internal virtual DirectoryWatch WatchDirectory() => throw Platform.NotSupported();

    /// <summary>Finds the parts of an object that have memory.</summary>
    internal virtual IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Finds where the memory of each page is, without bringing any in.</summary>
    internal virtual IReadOnlyList<PageRun> GetPageStates(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Finds the parts that processes map in huge pages; <see langword="null"/> where the system does not say.</summary>
    internal virtual IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target) => throw Platform.NotSupported();
}
