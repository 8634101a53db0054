using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Inspection;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>What macOS and FreeBSD have in common: names in a list of the kernel's own, not in a file system, opened by <c>shm_open</c>.</summary>
/// <remarks>
/// A leading slash is always sent: FreeBSD demands it, and to macOS <c>frames</c> and <c>/frames</c> would be two objects.
/// FreeBSD's C library and macOS's kernel make the descriptor close-on-exec.
/// </remarks>
internal abstract partial class BsdPlatform : PosixPlatform
{
    /// <summary>Room for the slash, the longest name and the NUL.</summary>
    private protected const int PathBytes = 1 + ObjectName.MaxBytes + 1;

    internal override unsafe Errno Open(
        in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        // No O_NOFOLLOW and no O_NONBLOCK: nothing but memory can have such a name, and FreeBSD answers EINVAL to both.
        // No O_CLOEXEC: both systems set it themselves, and macOS answers EINVAL since 26.4 (LadybirdBrowser/ladybird#8614).
        var flags = (access == FileAccess.Read ? O_RDONLY : O_RDWR) | CreationFlags(mode);
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        nint result;
        do
        {
            // SAFETY: the path is pinned for the length of the call and ends with a NUL.
            fixed (byte* pathPointer = path)
            {
                result = Fails(nameof(Libc.shm_open)) ? -1 : ShmOpen(pathPointer, flags, (uint)permissions);
            }
        }
        while (IsInterrupted(result));
        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
    }

    internal override unsafe Errno Unlink(in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        // SAFETY: the path is pinned for the length of the call and ends with a NUL.
        fixed (byte* pathPointer = path)
        {
            return ErrorOf(Fails(nameof(Libc.shm_unlink)) ? -1 : Libc.shm_unlink(pathPointer));
        }
    }

    /// <remarks>There is no chmod by name either.</remarks>
    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions)
    {
        var error = Open(name, FileMode.Open, FileAccess.Read, UnixFileMode.None, out var handle);
        if (handle is null)
        {
            return error;
        }

        using (handle)
        {
            var target = new OpenObject(handle, name);
            if (GetStatus(target).Identity != identity)
            {
                return Errno.ENOENT;
            }

            SetPermissions(target, permissions);
            return default;
        }
    }

    /// <remarks>There is no stat by name: the object is opened for reading, which another user's permissions may forbid (<see cref="Errno.EACCES"/>).</remarks>
    internal override SharedMemoryStatus? Find(in ObjectName name)
    {
        var error = Open(name, FileMode.Open, FileAccess.Read, UnixFileMode.None, out var handle);
        using (handle)
        {
            return handle is not null ? GetStatus(new(handle, name))
                : error == Errno.ENOENT ? null
                : throw new SharedMemoryException(error, nameof(Libc.shm_open), name.Text);
        }
    }

    internal override SharedMemoryUsage GetUsage() => throw new PlatformNotSupportedException(
        "Shared memory comes from the whole system's memory here: no file system holds it that could be measured.");

    internal override IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target) => throw new PlatformNotSupportedException(
        "This system does not tell which parts of shared memory have memory behind them. Keep account of the parts you have written.");

    internal override IReadOnlyList<PageRun> GetPageStates(in OpenObject target) => throw new PlatformNotSupportedException(
        "This system does not tell which pages of shared memory are in memory.");

    internal override IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target) => null;

    internal override DirectoryWatch WatchDirectory() => throw new PlatformNotSupportedException(
        "This system does not tell what happens to the names of shared memory objects. Where it lists them, compare two lists.");

    internal override Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received)
    {
        // FreeBSD's copy_file_range takes files on disk only, and macOS has none.
        received = 0;
        return Errno.EINVAL;
    }

    internal override bool? IsHeldByOthers(in OpenObject target) => null;

    internal override IEnumerable<UnnamedMemory> ListUnnamed() => throw NoLookInside();

    internal override Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle) => throw NoLookInside();

    private static PlatformNotSupportedException NoLookInside() =>
        new("This system does not let one process look at another's descriptors by path. Have the other send its descriptor over a Unix socket.");

    internal override MembershipState QueryMembership(in OpenObject target) => MembershipState.None;

    internal override Errno TakeMembership(in OpenObject target, bool exclusive) => throw new PlatformNotSupportedException(
        "Lifetime.UnlinkOnLastDispose needs locks on the object, and shared memory has none on this system. "
        + "Use Lifetime.UnlinkOnDispose in the process that creates the object, or call Unlink.");

    internal override void DropMembership(in OpenObject target)
    {
        // There is never one to drop.
    }

    private protected override int AnonymousFlag => MAP_ANON;

    private protected abstract unsafe int ShmOpen(byte* path, int flags, uint mode);

    /// <summary>What a descriptor was opened for; <see langword="null"/> for writing alone, through which nothing can be mapped.</summary>
    private protected FileAccess? AccessOf(in OpenObject target)
    {
        nint flags = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(target.Handle, F_GETFL, 0);
        Check(flags, "fcntl(F_GETFL)", target.Name);
        return (flags & O_ACCMODE) switch
        {
            O_RDONLY => FileAccess.Read,
            O_RDWR => FileAccess.ReadWrite,
            _ => null,
        };
    }

    private protected static void WritePath(in ObjectName name, Span<byte> path)
    {
        path[0] = (byte)'/';
        name.WriteTo(path[1..]);
    }

    private static int CreationFlags(FileMode mode) => mode switch
    {
        FileMode.OpenOrCreate => O_CREAT,
        FileMode.CreateNew => O_CREAT | O_EXCL,
        FileMode.Create => O_CREAT | O_TRUNC,
        FileMode.Truncate => O_TRUNC,
        _ => 0,
    };
}
