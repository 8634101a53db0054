using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Gets the length in bytes, asked of the kernel each time: another process may change it.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed. The kernel has no other reason to refuse.</exception>
    public long Length => _platform.Backing.GetLength(Target);

    /// <summary>Gets or sets the permissions, with set-user, set-group and sticky. The umask does not apply.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPERM"/>: only the owner may set them.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/fchmod.2.html">fchmod(2)</see></remarks>
    public UnixFileMode Permissions
    {
        get => GetStatus().Permissions;
        set => _platform.Backing.SetPermissions(Target, SharedMemoryOptions.Check(value));
    }

    /// <summary>Asks the system what it knows of the object now.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed. The kernel has no other reason to refuse.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    public SharedMemoryStatus GetStatus() => _platform.Backing.GetStatus(Target);

    /// <summary>Makes the object longer or shorter. What is new reads as zero.</summary>
    /// <param name="length">In bytes.</param>
    /// <param name="backing">
    /// <see cref="Backing.Reserved"/> takes the memory of what is new at once; <see cref="Backing.Sparse"/> is <c>ftruncate</c>.
    /// </param>
    /// <exception cref="InvalidOperationException">The object was opened for reading; or it would end before a mapping that was made of it does.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: the memory is not there; the length is what it was, and the message tells the
    /// bytes asked and available. <see cref="Errno.EFBIG"/>: more than <c>RLIMIT_FSIZE</c>. <see cref="Errno.EPERM"/>: sealed.
    /// <see cref="Errno.EAGAIN"/>: growing from a length that is not in whole pages takes turns, and for five seconds another process had the turn, or another program a lock on the object.
    /// <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: there is no descriptor left for that lock.
    /// <see cref="Errno.EINVAL"/>: macOS sets a length once only.
    /// </exception>
    /// <remarks>
    /// Mappings that other processes, or other <see cref="SharedMemoryObject"/>s, have beyond a shorter end fault when touched.
    /// <see href="https://man7.org/linux/man-pages/man2/ftruncate.2.html">ftruncate(2)</see>,
    /// <see href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</see>
    /// </remarks>
    public void SetLength(long length, Backing backing = Backing.Reserved)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        SharedMemoryOptions.Check(backing);
        var target = Target;
        RequireWritable();
        CheckPages(length, "ftruncate");
        if (!_platform.Backing.Grow(target, length, backing))
        {
            Shrink(length);
        }
    }

    /// <summary>Reserves the memory of a part, so that storing there cannot fail.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes; the part must lie inside the object.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: the memory is not there. <see cref="Errno.EPERM"/>: sealed.</exception>
    /// <exception cref="PlatformNotSupportedException">The file system behind the object cannot reserve memory.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</see></remarks>
    /// <example>
    /// <code><![CDATA[
    /// using var log = SharedMemoryObject.Create("log", 1L << 30, new() { Backing = Backing.Sparse });
    /// log.Reserve(0, 1 << 20);    // Where there is no memory it fails here, not at a touch.
    /// log.Discard(0, 1 << 20);    // Given back: it reads as zeros.
    /// foreach (ByteRange range in log.GetAllocatedRanges())
    /// {
    ///     Console.WriteLine($"{range.Offset} to {range.End}");
    /// }
    /// ]]></code>
    /// </example>
    public void Reserve(long offset, long length) => _platform.Backing.Reserve(Target, CheckWritableRange(offset, length));

    /// <summary>Gives the memory of a part back to the system. It then reads as zero; the length stays.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes; the part must lie inside the object. Only whole pages are given back, the rest is cleared.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPERM"/>: sealed against writing.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS cannot do this, and neither can some file systems that may be mounted at /dev/shm, such as ramfs.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</see>, <c>FALLOC_FL_PUNCH_HOLE</c></remarks>
    public void Discard(long offset, long length)
    {
        var range = CheckWritableRange(offset, length);
        if (range.Length > 0)
        {
            _platform.Backing.Discard(Target, range);
        }
    }

    /// <summary>Finds the parts that have memory behind them, in order: whole pages, and the last one up to the object's end.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EMFILE"/>, <see cref="Errno.EACCES"/>: before Linux 6.5 the object is opened anew to look.</exception>
    /// <exception cref="PlatformNotSupportedException">macOS and FreeBSD do not say.</exception>
    /// <remarks>
    /// Before Linux 6.5, in an object that is not fully allocated, memory that was reserved and never written is not found.
    /// <see href="https://man7.org/linux/man-pages/man2/lseek.2.html">lseek(2)</see>, <c>cachestat(2)</c>
    /// </remarks>
    public IReadOnlyList<ByteRange> GetAllocatedRanges() => _platform.Inspection.GetAllocatedRanges(Target);

    /// <summary>Tells where the memory of each page is, from the start to the end of the object. No page is brought in, read or touched by it.</summary>
    /// <exception cref="PlatformNotSupportedException">macOS and FreeBSD do not tell.</exception>
    /// <remarks>
    /// Before Linux 6.5, and where this user neither owns the object nor may write to it, the kernel tells only what has been written:
    /// <see cref="PageState.Present"/>, whether in memory or swapped out; memory that was reserved and never written then counts as absent.
    /// <see href="https://man7.org/linux/man-pages/man2/lseek.2.html">cachestat(2), lseek(2)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// var swapped = memory.GetPageStates().Where(run => run.State == PageState.Swapped).Sum(run => run.Range.Length);
    /// </code>
    /// </example>
    public IReadOnlyList<PageRun> GetPageStates() => _platform.Inspection.GetPageStates(Target);

    /// <summary>Finds the parts of the object that processes map in huge pages, in order. No page is brought in or touched by it.</summary>
    /// <returns>
    /// <see langword="null"/> where that is not to be known: before Linux 6.7, on other systems, without /proc, and where no process that this user may look into
    /// maps the object.
    /// </returns>
    /// <remarks>
    /// A huge page is seen through the page table of a process that maps it as one. What no such process has touched is not told.
    /// <see href="https://man7.org/linux/man-pages/man2/PAGEMAP_SCAN.2const.html">ioctl(PAGEMAP_SCAN)</see>
    /// </remarks>
    public IReadOnlyList<ByteRange>? FindHugePages() => _platform.Inspection.FindHugePages(Target);

    private ByteRange CheckWritableRange(long offset, long length)
    {
        var target = Target;
        RequireWritable();
        return ByteRange.Within(_platform.Backing.GetLength(target), offset, length);
    }
}
