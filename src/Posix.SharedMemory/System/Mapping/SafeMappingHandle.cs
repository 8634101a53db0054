using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Owns one <c>mmap</c> range and unmaps it when the last reference is released.</summary>
internal sealed class SafeMappingHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly nuint _length;

    /// <summary>Takes over <paramref name="length"/> mapped bytes, in whole pages.</summary>
    internal SafeMappingHandle(nint address, nuint length)
        : base(ownsHandle: true)
    {
        _length = length;
        SetHandle(address);
    }

    /// <summary>Gets or sets what notes that the range is unmapped.</summary>
    internal MappedExtent? Extent { get; set; }

    protected override bool ReleaseHandle()
    {
        var unmapped = Libc.munmap(handle, _length) == 0;
        // Not before: until then the object may not be cut below it. Without a lock: this may be the finalizer's thread.
        Extent?.End = MappedExtent.Unmapped;
        return unmapped;
    }
}
