using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// memfd_create where seals or huge pages are asked for; otherwise SHM_ANON, as which every FreeBSD has had it.
internal sealed partial class FreeBsdPlatform
{
    private protected override MemorySeals EnforcedSeals => MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write;

    private protected override int GetSealsCommand => F_GET_SEALS;

    private protected override int AddSealsCommand => F_ADD_SEALS;

    internal override SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize)
    {
        pageSize = request.HugePages switch
        {
            HugePageSize.None => MemoryPage.Size,
            HugePageSize.Default => throw new PlatformNotSupportedException("FreeBSD has no default size of huge pages: ask for one."),
            var size => 1L << (int)size,
        };
        return request.AllowSealing || request.HugePages != HugePageSize.None ? CreateMemfd(request) : CreateNameless();
    }

    private unsafe SafeFileHandle CreateMemfd(AnonymousRequest request)
    {
        // The memory is never executable by its permissions: there is no flag to ask for it, and none against it.
        var flags = MFD_CLOEXEC | (request.AllowSealing ? MFD_ALLOW_SEALING : 0)
            | (request.HugePages == HugePageSize.None ? 0 : MFD_HUGETLB | ((uint)request.HugePages << MFD_HUGE_SHIFT));
        Span<byte> name = stackalloc byte[AnonymousRequest.MaxDebugNameBytes + 1];
        request.WriteDebugName(name);
        nint result;
        // SAFETY: the name is pinned for the length of the call and ends with a NUL.
        fixed (byte* pointer = name)
        {
            result = Fails("memfd_create") ? -1 : Libc.memfd_create_freebsd(pointer, flags);
        }

        return Created(result, "memfd_create", request.HugePages == HugePageSize.None ? null : $"the machine may have no huge pages of that size ({request.HugePages})");
    }

    private unsafe SafeFileHandle CreateNameless()
    {
        const uint OwnerOnlyBits = 0x180;
        // SAFETY: SHM_ANON is a number in a pointer's place; nothing is read there.
        nint result = Fails(nameof(Libc.shm_open)) ? -1 : Libc.shm_open((byte*)SHM_ANON, O_RDWR, OwnerOnlyBits);
        return Created(result, "shm_open(SHM_ANON)", detail: null);
    }

    private static SafeFileHandle Created(nint result, string operation, string? detail) =>
        result == -1 ? throw new SharedMemoryException(ErrorOf(result), operation, objectName: null, detail) : new(result, ownsHandle: true);
}
