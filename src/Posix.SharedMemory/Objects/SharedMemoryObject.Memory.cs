using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Gets the length in bytes, as the kernel reports it each time: another process may change it.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed.</exception>
    public long Length => Platform.Backing.GetLength(Target);

    /// <summary>Gets or sets the permissions, with set-user, set-group and sticky. The umask does not apply.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPERM"/>: only the owner may set them; or set-group is requested by a process that is not in the object's group, and the kernel has set the others only.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/fchmod.2.html">fchmod(2)</see></remarks>
    public UnixFileMode Permissions
    {
        get => GetStatus().Permissions;
        set => Platform.Backing.SetPermissions(Target, Arguments.CheckPermissions(value));
    }

    /// <summary>Gives the object to another user or group: <c>fchown</c>. The kernel clears set-user and set-group, unless the caller is root: set <see cref="Permissions"/> afterwards.</summary>
    /// <param name="userId">The user's number; <see langword="null"/> leaves it as it is.</param>
    /// <param name="groupId">The group's number; <see langword="null"/> leaves it as it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is 4294967295, which is not a valid user or group.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPERM"/>: only root may give an object to another user; its owner may give it to a group that the process is in. <see cref="Errno.EINVAL"/>: macOS; or a
    /// number that this user namespace does not have.
    /// </exception>
    /// <remarks>To set the group of a new object before any process sees it, use <see cref="SharedMemoryOptions.GroupId"/>. <see href="https://man7.org/linux/man-pages/man2/chown.2.html">fchown(2)</see></remarks>
    /// <example>
    /// <code>
    /// memory.SetOwner(userId: 1000, groupId: null);   // Root hands the object to user 1000.
    /// </code>
    /// </example>
    public void SetOwner(uint? userId, uint? groupId) =>
        Platform.Backing.SetOwner(Target, Arguments.CheckId(userId, nameof(userId)), Arguments.CheckId(groupId, nameof(groupId)));

    /// <summary>Returns the object's present status, as the system reports it.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    public SharedMemoryStatus GetStatus() => Platform.Backing.GetStatus(Target);

    /// <summary>Allocates the memory of a range, so that storing there cannot fail.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes; the range must lie inside the object.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOSPC"/>, <see cref="Errno.EDQUOT"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory. <see cref="Errno.EPERM"/>: sealed.</exception>
    /// <exception cref="PlatformNotSupportedException">The file system behind the object cannot reserve memory.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</see></remarks>
    /// <example>
    /// <code><![CDATA[
    /// using var log = SharedMemoryObject.Create("log", 1L << 30, new() { Backing = Backing.Sparse });
    /// log.Reserve(0, 1 << 20);    // If there is no memory it fails here, not at the first touch.
    /// log.Discard(0, 1 << 20);    // Returned to the system: it reads as zeros.
    /// foreach (ByteRange range in log.GetAllocatedRanges())
    /// {
    ///     Console.WriteLine($"{range.Offset} to {range.End}");
    /// }
    /// ]]></code>
    /// </example>
    public void Reserve(long offset, long length) => Platform.Backing.Reserve(Target, _descriptor.CheckWritableRange(offset, length));

    /// <summary>Returns the memory of a range to the system. The range then reads as zero; the length stays the same.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes; the range must lie inside the object. Only whole pages are returned; the rest is cleared.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPERM"/>: sealed against writing.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS cannot do this, and neither can some file systems that may be mounted at /dev/shm, such as ramfs.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</see>, <c>FALLOC_FL_PUNCH_HOLE</c></remarks>
    public void Discard(long offset, long length)
    {
        var range = _descriptor.CheckWritableRange(offset, length);
        if (range.Length > 0)
        {
            Platform.Backing.Discard(Target, range);
        }
    }

    /// <summary>Finds the ranges that have memory, in order: whole pages, and the last one up to the object's end.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EMFILE"/>, <see cref="Errno.EACCES"/>: before Linux 6.5 the call opens the object again, and no descriptor is left, or this user may not open it.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS and FreeBSD do not report this; nor does Linux without /proc, where the kernel does not count the pages of the object.</exception>
    /// <remarks>
    /// Before Linux 6.5, in an object that is not fully allocated, memory that was reserved and never written is not found.
    /// <see href="https://man7.org/linux/man-pages/man2/lseek.2.html">lseek(2)</see>, <c>cachestat(2)</c>
    /// </remarks>
    public IReadOnlyList<ByteRange> GetAllocatedRanges() => Platform.Inspection.GetAllocatedRanges(Target);

    /// <summary>Returns where the memory of each page is, from the start to the end of the object. No page is brought in, read or touched.</summary>
    /// <exception cref="PlatformNotSupportedException">macOS and FreeBSD do not report this; nor does Linux without /proc, where the kernel does not count the pages of the object.</exception>
    /// <remarks>
    /// Before Linux 6.5, and if this user neither owns the object nor may write to it, the kernel reports only what was written:
    /// <see cref="PageState.Present"/>, whether in memory or swapped out; memory that was reserved and never written then counts as absent.
    /// <see href="https://man7.org/linux/man-pages/man2/lseek.2.html">cachestat(2), lseek(2)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// var swapped = memory.GetPageStates().Where(run => run.State == PageState.Swapped).Sum(run => run.Range.Length);
    /// </code>
    /// </example>
    public IReadOnlyList<PageRun> GetPageStates() => Platform.Inspection.GetPageStates(Target);

    /// <summary>Finds the processes that map this object or have it open, whatever its name is now; this process is one of them.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux reports this.</exception>
    /// <remarks>As <see cref="SharedMemoryDirectory.GetHolders(string)"/>. <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
    /// <example>
    /// <code>
    /// foreach (SharedMemoryHolder holder in memory.GetHolders())
    /// {
    ///     Console.WriteLine($"{holder.ProcessId} {holder.Command}: {holder.Mappings.Count} mappings, {holder.Descriptors.Count} descriptors");
    /// }
    /// </code>
    /// </example>
    public SharedMemoryHolders GetHolders()
    {
        var identity = Platform.Backing.GetStatus(Target).Identity;
        return Platform.Inspection.IndexHolders(identity)[identity];
    }

    /// <summary>Finds the ranges of the object that processes map in huge pages, in order. No page is brought in or touched.</summary>
    /// <returns>
    /// <see langword="null"/> if it is not known: before Linux 6.7, on other systems, without /proc, if no process that this user may inspect
    /// maps the object, and if one of those that map it does not show its page table.
    /// </returns>
    /// <remarks>
    /// At least these ranges: a process that this user may not inspect may map more in huge pages. <see cref="GetHolders"/> says whether there may be one (<see cref="Inspection.SharedMemoryHolders.IsComplete"/>).
    /// A huge page is seen through the page table of a process that maps it as one. Pages that no such process has touched are not reported.
    /// <see href="https://man7.org/linux/man-pages/man2/PAGEMAP_SCAN.2const.html">ioctl(PAGEMAP_SCAN)</see>
    /// </remarks>
    public IReadOnlyList<ByteRange>? FindHugePages() => Platform.Inspection.FindHugePages(Target);
}
