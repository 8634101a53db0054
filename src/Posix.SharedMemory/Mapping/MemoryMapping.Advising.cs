namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Writes changed bytes to the file behind the mapping and waits for it. Other processes see stores at once, without this.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EIO"/>: the device failed. <see cref="Errno.ENOMEM"/>: a part has been cut off.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/msync.2.html">msync(2)</see>, <c>MS_SYNC</c>. Memory objects have no device: nothing happens.</remarks>
    public void Flush(long offset, long length)
    {
        using var lease = Acquire();
        var (address, bytes) = PagesOf(offset, length);
        SharedMemoryException.ThrowIfFailed(_platform.Mapping.Flush(address, bytes), "msync", _owner.Name);
    }

    /// <summary>Tells the system how some bytes will be used.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="PlatformNotSupportedException">This system, or this kernel, does not know the advice.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>, <see cref="Errno.EBADF"/>: it cannot be followed here.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see></remarks>
    /// <example>
    /// <code>
    /// map.Advise(MemoryAdvice.Sequential, 0, map.Length);
    /// map.Advise(MemoryAdvice.DontDump, 0, map.Length);   // Secrets do not belong in a core dump.
    /// </code>
    /// </example>
    public void Advise(MemoryAdvice advice, long offset, long length)
    {
        if (!Enum.IsDefined(advice))
        {
            throw new ArgumentOutOfRangeException(nameof(advice), advice, "Not one of the values there are.");
        }

        using var lease = Acquire();
        var (address, bytes) = PagesOf(offset, length);
        if (advice == MemoryAdvice.DontNeed && _request.Private)
        {
            // The pages' own contents go: only those that lie wholly inside.
            (address, bytes) = WholePagesIn(offset, length);
        }

        var error = bytes == 0 ? default : _platform.Mapping.Advise(address, bytes, advice);
        if (error == Errno.EOPNOTSUPP || error == Errno.EINVAL)
        {
            throw new PlatformNotSupportedException(
                $"This system does not know the advice {advice}, or cannot follow it for these pages, such as locked ones. It is only advice: go on without.");
        }

        SharedMemoryException.ThrowIfFailed(error, "madvise", _owner.Name);
    }

    /// <summary>Brings all pages in, with their memory, without changing a byte: touching them afterwards costs nothing and cannot fail for want of memory.</summary>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>: the memory is not there, where touching would end the process. <see cref="Errno.EFAULT"/>: a part has been cut off.
    /// Once the object is disposed, the two cannot be told apart: <see cref="Errno.EFAULT"/>. <see cref="Errno.ENOMEM"/>.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see>, <c>MADV_POPULATE_WRITE</c> (Linux 5.14); elsewhere page by page.</remarks>
    /// <example>
    /// <code>
    /// map.Prefault();   // Every page is there before the time matters …
    /// map.LockInMemory();         // … and stays there,
    /// map.UnlockFromMemory();     // until now.
    /// </code>
    /// </example>
    public void Prefault()
    {
        using var lease = Acquire();
        var (address, bytes) = PagesOf(0, Length);
        var error = bytes == 0 ? default : _platform.Mapping.Populate(address, bytes, writable: Access != FileAccess.Read);
        if (error == Errno.EOPNOTSUPP || error == Errno.EINVAL)
        {
            error = LookAtEachPage() ? default : Errno.EFAULT;
        }

        if (error == Errno.EFAULT && !_owner.IsDisposed && _platform.Backing.GetLength(_owner.Target) >= Offset + Length)
        {
            // All of it is there to be had, so it is the memory that is missing.
            throw new SharedMemoryException(Errno.ENOSPC, "madvise(MADV_POPULATE_WRITE)", _owner.Name, $"{Length} bytes requested");
        }

        SharedMemoryException.ThrowIfFailed(error, "madvise(MADV_POPULATE_WRITE)", _owner.Name);
    }

    /// <summary>Puts the pages together to huge ones now: every process that touches them afterwards does so many times faster.</summary>
    /// <returns>False where the kernel cannot: before Linux 6.1, where no page exists yet, in mappings of less than a huge page (2 MiB), for want of free huge pages.</returns>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <remarks>
    /// Works whatever <c>/sys/kernel/mm/transparent_hugepage/shmem_enabled</c> says.
    /// <see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see>, <c>MADV_COLLAPSE</c>
    /// </remarks>
    public unsafe bool CollapseToHugePages()
    {
        using var lease = Acquire();
        // SAFETY: the lease keeps the range mapped; the kernel moves pages, and nothing is touched here.
        return _platform.Mapping.Collapse((nint)FirstByte, checked((nuint)lease.Length)).IsSuccess;
    }

    /// <summary>Keeps the mapped pages in memory until <see cref="UnlockFromMemory"/> or the end of the mapping: they are never swapped out.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>, <see cref="Errno.EPERM"/>: more than <c>RLIMIT_MEMLOCK</c>, or the memory is not there.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mlock.2.html">mlock(2)</see></remarks>
    public void LockInMemory()
    {
        using var lease = Acquire();
        var (address, bytes) = PagesOf(0, Length);
        SharedMemoryException.ThrowIfFailed(_platform.Mapping.Pin(address, bytes, pinned: true), "mlock", _owner.Name);
    }

    /// <summary>Lets the mapped pages be swapped out again.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: the process has too many mappings to split one.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mlock.2.html">munlock(2)</see></remarks>
    public void UnlockFromMemory()
    {
        using var lease = Acquire();
        var (address, bytes) = PagesOf(0, Length);
        SharedMemoryException.ThrowIfFailed(_platform.Mapping.Pin(address, bytes, pinned: false), "munlock", _owner.Name);
    }

    /// <summary>Changes what this process may do with the mapped bytes. Storing through a span taken before, once they are read-only, ends the process.</summary>
    /// <exception cref="ArgumentException"><see cref="FileAccess.Write"/> alone.</exception>
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
        if (access is not (FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentException("Mapped memory is for Read or ReadWrite.", nameof(access));
        }

        // One at a time with Refresh, which protects what it adds.
        lock (_owner.Gate)
        {
            using var lease = Acquire();
            var (address, bytes) = PagesOf(0, Length);
            if (_platform.Mapping.Protect(address, bytes, access) is { IsSuccess: false } error)
            {
                throw _owner.IsDisposed
                    ? new SharedMemoryException(error, "mprotect", _owner.Name)
                    : _platform.Seals.Refused(error, "mprotect", _owner.Target, SystemSeals.AgainstWriting);
            }

            Access = access;
            _isProtected = true;
            SetWritable();
        }
    }

    /// <summary>The whole pages around some bytes.</summary>
    private unsafe (nint Address, nuint Bytes) PagesOf(long offset, long length)
    {
        // SAFETY: an address is computed, nothing is touched.
        var first = (nint)MappedBytes.Locate(FirstByte, Length, offset, length);
        var start = first & ~(nint)(_request.PageSize - 1);
        // The kernel takes ordinary pages whole by itself, and refuses to take huge ones in part.
        var bytes = (nuint)(first - start) + checked((nuint)length);
        return (start, _request.PageSize == MemoryPage.Size ? bytes : (bytes + (nuint)_request.PageSize - 1) & ~(nuint)(_request.PageSize - 1));
    }

    /// <summary>The pages that lie wholly inside some bytes; there may be none.</summary>
    private unsafe (nint Address, nuint Bytes) WholePagesIn(long offset, long length)
    {
        // SAFETY: an address is computed, nothing is touched.
        var first = (long)MappedBytes.Locate(FirstByte, Length, offset, length);
        var from = MemoryPage.RoundUp(first);
        var to = first + length - MemoryPage.Inside(first + length);
        return ((nint)from, (nuint)Math.Max(0, to - from));
    }

    private bool LookAtEachPage()
    {
        Span<byte> one = stackalloc byte[1];
        for (var offset = 0L; offset < Length; offset += MemoryPage.Size)
        {
            if (!TryRead(offset, one))
            {
                return false;
            }
        }

        // A mapping that starts inside a page may end in one page more.
        return Length == 0 || TryRead(Length - 1, one);
    }
}
