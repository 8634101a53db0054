using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: <c>memfd_create</c>, memory on a file system of the kernel's own, which nobody mounts and which has no limit but the machine's memory.</summary>
internal class LinuxSeals(SystemCalls calls, LinuxFiles files) : PosixSeals(calls)
{
    /// <summary>What the kernel gives a memfd that is not executable.</summary>
    private const UnixFileMode NotExecutable = (UnixFileMode)0x1B6;

    private readonly SystemCalls _calls = calls;

    private protected override MemorySeals Enforced =>
        MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write | MemorySeals.FutureWrite | MemorySeals.Exec;

    private protected override int GetCommand => F_GET_SEALS;

    private protected override int AddCommand => F_ADD_SEALS;

    internal override FileAccess? Examine(in OpenObject target, out long pageSize)
    {
        pageSize = MemoryPage.Size;
        nint flags = _calls.Fails("fcntl(F_GETFL)") ? -1 : Libc.fcntl(target.Handle, F_GETFL, 0);
        Check(flags, "fcntl(F_GETFL)", target.Name);
        // Only files of memory have seals. Unlike a request about its file system, this one cannot hang in a stranger's file system.
        var error = (flags & O_PATH) == 0 ? Get(target, out _) : Errno.EINVAL;
        if (error == Errno.EINVAL && !FilterProbe.IsRefused("fcntl(F_GET_SEALS)", error))
        {
            return null;
        }

        Check(error, "fcntl(F_GET_SEALS)", target.Name);
        pageSize = GetPageSize(target);
        return (flags & O_ACCMODE) switch
        {
            O_RDONLY => FileAccess.Read,
            O_RDWR => FileAccess.ReadWrite,
            _ => null,
        };
    }

    internal override long GetPageSize(in OpenObject target)
    {
        LinuxStatfs fileSystem = default;
        Check(_calls.Fails("fstatfs") ? -1 : Libc.fstatfs_linux(target.Handle, out fileSystem), "fstatfs", target.Name);
        return fileSystem.f_type == HUGETLBFS_MAGIC ? fileSystem.f_bsize : MemoryPage.Size;
    }

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

    /// <summary>Returns the size of the huge pages that an object consists of; <see langword="null"/> for ordinary ones.</summary>
    internal long? HugePagesOf(in OpenObject target) =>
        files.TryStatFileSystem(target, out var fileSystem) && fileSystem.f_type == HUGETLBFS_MAGIC ? fileSystem.f_bsize : null;

    internal static string TooFewHugePages(long pageSize) => string.Create(
        CultureInfo.InvariantCulture,
        $"the machine's pool has too few free huge pages: see /sys/kernel/mm/hugepages/hugepages-{pageSize / 1024}kB/free_hugepages, and nr_hugepages to add some");

    private Errno CreateMemfd(AnonymousRequest request, uint flags, out SafeFileHandle? handle)
    {
        Span<byte> name = stackalloc byte[AnonymousRequest.MaxDebugNameBytes + 1];
        request.WriteDebugName(name);
        var result = _calls.OnBytes(nameof(Libc.memfd_create), name, (nint)flags, static (ref name, _, ref flags) =>
            Libc.memfd_create(SYS_memfd_create, ref name, flags));
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
            var result = _calls.Repeat(nameof(Libc.fchmod), target.Handle, static (ref handle) => Libc.fchmod(handle, (uint)NotExecutable));
            Check(result, nameof(Libc.fchmod));
        }
        else if (!request.AllowSealing)
        {
            // The flag against execution implies that seals can be added.
            Check(Add(target, MemorySeals.Seal), "fcntl(F_ADD_SEALS)");
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
                "This kernel, or a filter in front of it (seccomp), has no memfd_create. SharedMemoryObject.CreateUnpublished makes memory without a name too.")
            : FailureOf(
                error, nameof(Libc.memfd_create), name: null,
                error == Errno.ENODEV && request.HugePages == HugePageSize.None ? null
                : error == Errno.ENODEV ? $"this machine has no huge pages of that size ({request.HugePages}); /sys/kernel/mm/hugepages lists those it has"
                : error == Errno.EACCES && request.Executable ? "vm.memfd_noexec is 2 here: no anonymous memory may be executable"
                : error == Errno.EPERM ? "a filter (seccomp) or a security module forbids it"
                : null);
}
