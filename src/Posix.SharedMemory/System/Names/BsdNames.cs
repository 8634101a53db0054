using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>What macOS and FreeBSD have in common: names in a list of the kernel's own, not in a file system, opened by <c>shm_open</c>.</summary>
/// <remarks>
/// A leading slash is always sent: FreeBSD demands it, and to macOS <c>frames</c> and <c>/frames</c> would be two objects.
/// FreeBSD's C library and macOS's kernel make the descriptor close-on-exec.
/// A file without a path cannot get one here, so a new file has a temporary path that only its maker knows. A crash leaves that.
/// </remarks>
internal abstract class BsdNames(SystemCalls calls) : SystemNames
{
    /// <summary>Room for the slash, the longest name and the NUL.</summary>
    private protected const int PathBytes = 1 + ObjectName.MaxBytes + 1;

    /// <summary>Gets what makes <c>open</c> close the descriptor on exec.</summary>
    private protected abstract int CloseOnExecFlag { get; }

    internal override Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        // No O_NOFOLLOW and no O_NONBLOCK: nothing but memory can have such a name, and FreeBSD answers EINVAL to both.
        // No O_CLOEXEC: both systems set it themselves, and macOS answers EINVAL since 26.4 (LadybirdBrowser/ladybird#8614).
        var flags = (access == FileAccess.Read ? O_RDONLY : O_RDWR) | CreationFlags(mode);
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        var result = calls.OnBytes(nameof(Libc.shm_open), path, (Names: this, flags, permissions), static (ref path, _, ref a) =>
            a.Names.ShmOpen(ref path, a.flags, (uint)a.permissions));
        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
    }

    internal override void ClearOpenFlags(in OpenObject target)
    {
        // shm_open gave it the right ones.
    }

    internal override Errno Unlink(in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        return ErrorOf(calls.OnBytes(nameof(Libc.shm_unlink), path, 0, static (ref path, _, ref _) => Libc.shm_unlink(ref path)));
    }

    /// <remarks>There is no chmod by name here.</remarks>
    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions)
    {
        var error = Open(name, FileMode.Open, FileAccess.Read, UnixFileMode.None, out var handle);
        if (handle is null)
        {
            return error;
        }

        using (handle)
        {
            return StatusOf(new(handle, name)).Identity != identity
                ? Errno.ENOENT
                : ErrorOf(calls.Repeat(nameof(Libc.fchmod), (handle, permissions), static (ref a) => Libc.fchmod(a.handle, (uint)a.permissions)));
        }
    }

    /// <remarks>There is no stat by name: the object is opened for reading, which another user's permissions may forbid (<see cref="Errno.EACCES"/>).</remarks>
    internal override SharedMemoryStatus? Find(in ObjectName name)
    {
        var error = Open(name, FileMode.Open, FileAccess.Read, UnixFileMode.None, out var handle);
        using (handle)
        {
            return handle is not null ? StatusOf(new(handle, name))
                : error == Errno.ENOENT ? null
                : throw new SharedMemoryException(error, nameof(Libc.shm_open), name.Text);
        }
    }

    internal override NameWatch? Watch(in ObjectName name) => null;

    internal override Errno OpenFile(in FilePath path, out SafeFileHandle? handle)
    {
        var error = OpenPath(path, O_RDWR | O_NONBLOCK | CloseOnExecFlag, out handle);
        if (handle is not null && !IsRegularFile(handle))
        {
            handle.Dispose();
            handle = null;
            error = Errno.EINVAL;
        }

        return error;
    }

    internal override Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary)
    {
        while (true)
        {
            var sibling = path.Sibling(PublishingName.Make());
            var error = OpenPath(sibling, O_RDWR | O_CREAT | O_EXCL | CloseOnExecFlag, out handle);
            temporary = handle is null ? null : sibling;
            if (error != Errno.EEXIST)
            {
                return error;
            }
        }
    }

    internal override Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path, RenameMode mode)
    {
        if (mode == RenameMode.Replace)
        {
            return calls.OnPaths(nameof(Libc.rename), temporary!.Value.Bytes, path.Bytes, 0, static (ref from, ref to, ref _) => Libc.rename(ref from, ref to));
        }

        // A second name fails where the path is taken, which rename does not. A kill between the two leaves the temporary one.
        var error = calls.OnPaths(nameof(Libc.link), temporary!.Value.Bytes, path.Bytes, 0, static (ref from, ref to, ref _) => Libc.link(ref from, ref to));
        return error.IsSuccess ? RemoveFile(temporary.Value) : error;
    }

    internal override IReadOnlyList<string> RemoveAbandoned(in FilePath directory) => throw new PlatformNotSupportedException(
        "This system has no locks that show whether the process that made a temporary name is still alive.");

    internal override Errno RemoveFile(in FilePath path) =>
        ErrorOf(calls.OnBytes(nameof(Libc.unlink), path.Bytes, 0, static (ref path, _, ref _) => Libc.unlink(ref path)));

    internal override Errno FindFile(in FilePath path, out ObjectIdentity identity)
    {
        var error = OpenPath(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | CloseOnExecFlag, out var handle);
        using (handle)
        {
            identity = handle is null ? default : StatusOf(new(handle, default)).Identity;
            return error;
        }
    }

    private protected abstract SharedMemoryStatus StatusOf(in OpenObject target);

    private protected abstract bool IsRegularFile(SafeFileHandle handle);

    private protected virtual int OpenFile(ref byte path, int flags, uint mode) => Libc.open(ref path, flags, mode);

    private protected virtual int ShmOpen(ref byte path, int flags, uint mode) => Libc.shm_open(ref path, flags, mode);

    private protected static void WritePath(in ObjectName name, Span<byte> path)
    {
        path[0] = (byte)'/';
        name.WriteTo(path[1..]);
    }

    private Errno OpenPath(in FilePath path, int flags, out SafeFileHandle? handle)
    {
        const uint OwnerOnly = 0x180;
        var result = calls.OnBytes(nameof(Libc.open), path.Bytes, (Names: this, flags), static (ref path, _, ref a) => a.Names.OpenFile(ref path, a.flags, OwnerOnly));
        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
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
