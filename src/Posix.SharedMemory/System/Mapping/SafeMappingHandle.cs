using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Owns one <c>mmap</c> range and unmaps it when it is disposed and the last lease and reference have ended.</summary>
internal sealed class SafeMappingHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>The end and the length of the large range that was unmapped last.</summary>
    private static nint s_freedEnd, s_freedLength;

    private readonly nuint _length;
    private LeaseCounts _leases;

    /// <summary>Takes over <paramref name="length"/> mapped bytes, in whole pages.</summary>
    internal SafeMappingHandle(nint address, nuint length)
        : base(ownsHandle: true)
    {
        _length = length;
        SetHandle(address);
    }

    /// <summary>Gets or sets what notes that the range is unmapped.</summary>
    internal MappedExtent? Extent { get; set; }

    /// <summary>
    /// Returns, once, the end of the large range that was unmapped last, if another of this length fits there: beside what is still mapped the kernel need not
    /// make new page tables. 0 where there is none.
    /// </summary>
    internal static nint TakeFreed(long length) => Volatile.Read(ref s_freedLength) >= length ? Interlocked.Exchange(ref s_freedEnd, 0) : 0;

    /// <summary>Keeps the range mapped until <see cref="EndLease"/>.</summary>
    /// <returns>What to give to <see cref="EndLease"/>.</returns>
    /// <exception cref="ObjectDisposedException">The range has been disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref int BeginLease() => ref _leases.Enter(this);

    /// <summary>Ends a lease. It is ended once, by the thread that began it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EndLease(ref int count)
    {
        // SAFETY: the reference is compared, not read.
        if (Unsafe.IsNullRef(ref count))
        {
            DangerousRelease();
        }
        else
        {
            _leases.Leave(this, ref count);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _leases.Close(this);
        }
        else if (_leases.IsForgotten())
        {
            DangerousRelease();
        }

        base.Dispose(disposing);
    }

    protected override bool ReleaseHandle()
    {
        var unmapped = Libc.munmap(handle, _length) == 0;
        if (_length >= MemoryPage.Huge)
        {
            // Two threads may mix theirs: it is only a hint.
            Volatile.Write(ref s_freedLength, (nint)_length);
            Volatile.Write(ref s_freedEnd, handle + (nint)_length);
        }

        // Not before: until then the object may not be cut below it. Without a lock: this may be the finalizer's thread.
        Extent?.IsUnmapped = true;
        return unmapped;
    }
}
