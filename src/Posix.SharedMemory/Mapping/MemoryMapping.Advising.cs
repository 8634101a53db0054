namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Writes all changed bytes to the file underneath and waits for that. Other processes see stores at once, without it.</summary>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Flush(long, long)"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/msync.2.html">msync(2)</see></remarks>
    public void Flush() => Pages().Flush();

    /// <summary>Writes changed bytes to the file underneath and waits for that. Other processes see stores at once, without it.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EIO"/>: the device failed. <see cref="Errno.ENOMEM"/>: another process has cut some of the bytes off.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/msync.2.html">msync(2)</see>, <c>MS_SYNC</c>. A memory object has no device, so the call has no effect on it.</remarks>
    public void Flush(long offset, long length) => Pages(offset, length).Flush();

    /// <summary>Advises the system how all bytes will be used.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The advice is not defined by the enumeration.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">This system, or this kernel, does not support the advice.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Advise(MemoryAdvice, long, long)"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see></remarks>
    public void Advise(MemoryAdvice advice) => Pages().Advise(advice);

    /// <summary>Advises the system how some bytes will be used.</summary>
    /// <param name="advice">How they will be used.</param>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping, or the advice is not defined by the enumeration.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">This system, or this kernel, does not support the advice.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>, <see cref="Errno.EBADF"/>: the advice cannot be followed for these bytes.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see></remarks>
    /// <example>
    /// <code>
    /// map.Advise(MemoryAdvice.Sequential);
    /// map.Advise(MemoryAdvice.DontDump, 0, 4096);   // Keys do not belong in a core dump.
    /// </code>
    /// </example>
    public void Advise(MemoryAdvice advice, long offset, long length) => Pages(offset, length).Advise(advice);

    /// <summary>Brings all pages into memory without changing a byte: touching them afterwards costs nothing and cannot fail for lack of memory.</summary>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Prefault(long, long)"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see></remarks>
    public void Prefault() => Pages().Prefault();

    /// <summary>Brings the pages of some bytes into memory without changing a byte: touching them afterwards costs nothing and cannot fail for lack of memory.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>: there is not enough memory; touching the bytes would end the process. <see cref="Errno.EFAULT"/>: some of the bytes have
    /// been cut off. Once the object is disposed the two cannot be distinguished, and both are <see cref="Errno.EFAULT"/>. <see cref="Errno.ENOMEM"/>: the machine, or the
    /// control group of this process, appears to have less than the bytes still need (<see cref="MemoryCheck.Estimate"/>); the kernel is out of memory.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see>, <c>MADV_POPULATE_READ</c> for shared memory, otherwise <c>MADV_POPULATE_WRITE</c> (Linux 5.14); elsewhere page by page. The estimate is made for shared mappings of an object
    /// that is not disposed; otherwise the kernel may end a process where a control group has too little memory.</remarks>
    /// <example>
    /// <code>
    /// map.Prefault();             // Every page is there before the time matters …
    /// map.LockInMemory();         // … and stays there,
    /// map.UnlockFromMemory();     // until now.
    /// </code>
    /// </example>
    public void Prefault(long offset, long length) => Pages(offset, length).Prefault();

    /// <summary>Merges the pages into huge ones now: every process that touches them afterwards does so many times faster.</summary>
    /// <returns>As <see cref="CollapseToHugePages(long, long)"/>.</returns>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see></remarks>
    public bool CollapseToHugePages() => Pages().CollapseToHugePages();

    /// <summary>Merges the pages of some bytes into huge ones now, as far as whole huge pages lie among them.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <returns>
    /// Whether all of them are huge now. False where the kernel cannot merge them: before Linux 6.1, where no page exists yet, for lack of free huge pages, or if
    /// the bytes contain no whole huge page (2 MiB). No byte changes.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <remarks>
    /// Works whatever <c>/sys/kernel/mm/transparent_hugepage/shmem_enabled</c> is set to.
    /// <see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see>, <c>MADV_COLLAPSE</c>
    /// </remarks>
    public bool CollapseToHugePages(long offset, long length) => Pages(offset, length).CollapseToHugePages();

    /// <summary>Keeps all mapped pages in memory until <see cref="UnlockFromMemory()"/> or the end of the mapping: they are never swapped out.</summary>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="LockInMemory(long, long)"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mlock.2.html">mlock(2)</see></remarks>
    public void LockInMemory() => Pages().Pin(pinned: true);

    /// <summary>Keeps the pages of some bytes in memory until <see cref="UnlockFromMemory(long, long)"/> or the end of the mapping: they are never swapped out.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>, <see cref="Errno.EPERM"/>: more than <c>RLIMIT_MEMLOCK</c>, or there is not enough memory, as for <see cref="Prefault(long, long)"/>.</exception>
    /// <remarks>
    /// Locks do not nest: one call that unlocks undoes any number of them, and a page that two ranges share is unlocked with either.
    /// <see href="https://man7.org/linux/man-pages/man2/mlock.2.html">mlock(2)</see>
    /// </remarks>
    public void LockInMemory(long offset, long length) => Pages(offset, length).Pin(pinned: true);

    /// <summary>Lets all mapped pages be swapped out again.</summary>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="UnlockFromMemory(long, long)"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mlock.2.html">munlock(2)</see></remarks>
    public void UnlockFromMemory() => Pages().Pin(pinned: false);

    /// <summary>Lets the pages of some bytes be swapped out again.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: the process has too many mappings to split one.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mlock.2.html">munlock(2)</see></remarks>
    public void UnlockFromMemory(long offset, long length) => Pages(offset, length).Pin(pinned: false);

    /// <summary>Changes what this process may do with the mapped bytes. Once they are read-only, storing through a span that was taken before ends the process.</summary>
    /// <exception cref="ArgumentException">The access is <see cref="FileAccess.Write"/> alone, or not defined by the enumeration.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EACCES"/>: the object was opened for reading, or is sealed against writing, and the mapping is shared.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mprotect.2.html">mprotect(2)</see></remarks>
    /// <example>
    /// <code>
    /// map.GetSpan(0, 64).Fill(1);
    /// map.Protect(FileAccess.Read);   // A stray write ends the process from here on.
    /// </code>
    /// </example>
    public void Protect(FileAccess access)
    {
        Arguments.CheckAccess(access);
        // One at a time with Refresh, which protects what it adds.
        lock (_descriptor.Handle)
        {
            if (Pages().Protect(access) is { IsSuccess: false } error)
            {
                throw _descriptor.Handle.IsClosed
                    ? SystemCalls.FailureOf(error, "mprotect", _descriptor.Name.Text)
                    : _descriptor.Platform.Seals.Refused(error, "mprotect", _descriptor.Target, SystemSeals.AgainstWriting);
            }

            Access = access;
            _isProtected = true;
            SetReach();
        }
    }

    private unsafe MappedPages Pages(long offset = 0, long? length = null)
    {
        ThrowIfDisposed();
        var mapped = Length;
        // SAFETY: an address is computed; the lease keeps the bytes mapped.
        var first = MappedBytes.Locate(_start, mapped, offset, length ?? mapped);
        return new(_descriptor, _request, Acquire(), first, length ?? mapped, Offset + offset);
    }
}
