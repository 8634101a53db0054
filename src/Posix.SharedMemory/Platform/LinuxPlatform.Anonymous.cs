using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

// memfd_create: memory on a file system of the kernel's own, which nobody mounts and which has no limit but the machine's memory.
internal partial class LinuxPlatform
{
    /// <summary>What the kernel gives a memfd that is not executable.</summary>
    private const UnixFileMode NotExecutable = (UnixFileMode)0x1B6;

    private protected override MemorySeals EnforcedSeals =>
        MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write | MemorySeals.FutureWrite | MemorySeals.Exec;

    private protected override int GetSealsCommand => F_GET_SEALS;

    private protected override int AddSealsCommand => F_ADD_SEALS;

    internal override SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize)
    {
        var flags = MFD_CLOEXEC | (request.AllowSealing ? MFD_ALLOW_SEALING : 0) | HugePageFlags(request.HugePages);
        var error = CreateMemfd(request, flags | (request.Executable ? MFD_EXEC : MFD_NOEXEC_SEAL), out var handle);
        // Before Linux 6.3 the two flags are unknown. Any other error would only come again.
        var isOld = error == Errno.EINVAL;
        if (isOld)
        {
            error = CreateMemfd(request, flags, out handle);
        }

        if (handle is null)
        {
            throw CannotCreate(error, request);
        }

        var isComplete = false;
        try
        {
            Complete(new(handle, default), request, isOld, out pageSize);
            isComplete = true;
            return handle;
        }
        finally
        {
            if (!isComplete)
            {
                handle.Dispose();
            }
        }
    }

    private unsafe Errno CreateMemfd(AnonymousRequest request, uint flags, out SafeFileHandle? handle)
    {
        Span<byte> name = stackalloc byte[AnonymousRequest.MaxDebugNameBytes + 1];
        request.WriteDebugName(name);
        nint result;
        // SAFETY: the name is pinned for the length of the call and ends with a NUL.
        fixed (byte* pointer = name)
        {
            result = Fails(nameof(Libc.memfd_create)) ? -1 : Libc.memfd_create(SYS_memfd_create, pointer, (nint)flags);
        }

        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
    }

    private void Complete(in OpenObject target, AnonymousRequest request, bool isOld, out long pageSize)
    {
        pageSize = MemoryPage.Size;
        if (request.HugePages != HugePageSize.None)
        {
            _ = Examine(target, out pageSize);
        }

        if (request.Executable)
        {
            return;
        }

        if (isOld)
        {
            SetPermissions(target, NotExecutable);
        }
        else if (!request.AllowSealing && AddSeals(target, MemorySeals.Seal) is { IsSuccess: false } error)
        {
            // The flag against execution implies that seals can be added.
            throw new SharedMemoryException(error, "fcntl(F_ADD_SEALS)");
        }
    }

    private static uint HugePageFlags(HugePageSize size) => size switch
    {
        HugePageSize.None => 0,
        HugePageSize.Default => MFD_HUGETLB,
        _ => MFD_HUGETLB | ((uint)size << MFD_HUGE_SHIFT),
    };

    private static Exception CannotCreate(Errno error, AnonymousRequest request) =>
        error == Errno.ENOSYS
            ? new PlatformNotSupportedException(
                "This kernel, or a filter over it (seccomp), has no memfd_create. SharedMemoryObject.CreateUnpublished makes memory without a name too.")
            : new SharedMemoryException(
                error, nameof(Libc.memfd_create), objectName: null,
                error == Errno.ENODEV && request.HugePages == HugePageSize.None ? null
                : error == Errno.ENODEV ? $"this machine has no huge pages of that size ({request.HugePages}); /sys/kernel/mm/hugepages lists those it has"
                : error == Errno.EACCES && request.Executable ? "vm.memfd_noexec is 2 here: no anonymous memory may be executable"
                : error == Errno.EPERM ? "a filter (seccomp) or a security module forbids it"
                : null);

    private protected override string? WhyNotMapped(Errno error, in OpenObject target) =>
        error == Errno.ENOMEM && HugePagesOf(target) is { } pageSize ? TooFewHugePages(pageSize) : null;

    /// <summary>The size of the huge pages that an object is made of; <see langword="null"/> for ordinary ones.</summary>
    private long? HugePagesOf(in OpenObject target) =>
        TryStatFileSystem(target, out var fileSystem) && fileSystem.f_type == HUGETLBFS_MAGIC ? fileSystem.f_bsize : null;

    private static string TooFewHugePages(long pageSize) => string.Create(
        CultureInfo.InvariantCulture,
        $"the machine's pool has too few free huge pages: see /sys/kernel/mm/hugepages/hugepages-{pageSize / 1024}kB/free_hugepages, and nr_hugepages to add some");
}
