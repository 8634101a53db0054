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

    /// <summary>Gets or sets the entry in the object's list of what is mapped, which goes when the range is unmapped.</summary>
    internal MappedExtent? Extent { get; set; }

    protected override bool ReleaseHandle()
    {
        var isUnmapped = Libc.munmap(handle, _length) == 0;
        Extent?.Remove();
        return isUnmapped;
    }
}
