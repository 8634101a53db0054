using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>FreeBSD: <c>memfd_create</c> where seals or huge pages are asked for; otherwise SHM_ANON, which every FreeBSD has.</summary>
internal sealed class FreeBsdSeals(SystemCalls calls, FreeBsdFiles files) : BsdSeals(calls)
{
    private readonly SystemCalls _calls = calls;

    private protected override MemorySeals Enforced => MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write;

    private protected override int GetCommand => F_GET_SEALS;

    private protected override int AddCommand => F_ADD_SEALS;

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

    internal override FileAccess? Examine(in OpenObject target, out long pageSize)
    {
        Span<byte> record = stackalloc byte[FreeBsdKinfoFile.Size];
        var error = files.Describe(target, record);
        pageSize = files.Stat(target).st_blksize;
        SystemCalls.Check(error, "fcntl(F_KINFO)", target.Name);
        return MemoryMarshal.Read<int>(record[FreeBsdKinfoFile.kf_type..]) == KF_TYPE_SHM ? AccessOf(target) : null;
    }

    private SafeFileHandle CreateMemfd(AnonymousRequest request)
    {
        // The memory is never executable by its permissions: there is no flag to ask for it, and none against it.
        var flags = MFD_CLOEXEC | (request.AllowSealing ? MFD_ALLOW_SEALING : 0)
            | (request.HugePages == HugePageSize.None ? 0 : MFD_HUGETLB | ((uint)request.HugePages << MFD_HUGE_SHIFT));
        Span<byte> name = stackalloc byte[AnonymousRequest.MaxDebugNameBytes + 1];
        request.WriteDebugName(name);
        var result = _calls.OnBytes("memfd_create", name, flags, static (ref name, _, ref flags) => Libc.memfd_create_freebsd(ref name, flags));
        return Created(result, "memfd_create", request.HugePages == HugePageSize.None ? null : $"the machine may have no huge pages of that size ({request.HugePages})");
    }

    private SafeFileHandle CreateNameless()
    {
        const uint OwnerOnly = 0x180;
        var result = _calls.Fails(nameof(Libc.shm_open)) ? -1 : Libc.shm_open_anonymous(SHM_ANON, O_RDWR, OwnerOnly);
        return Created(result, "shm_open(SHM_ANON)", detail: null);
    }

    private static SafeFileHandle Created(nint result, string operation, string? detail) =>
        result == -1 ? throw new SharedMemoryException(SystemCalls.ErrorOf(result), operation, objectName: null, detail) : new(result, ownsHandle: true);
}
