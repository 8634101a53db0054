using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// A file without a path cannot get one here, so it has a temporary one that only its maker knows. A crash leaves that.
internal abstract partial class BsdPlatform
{
    /// <summary>What <c>open</c> is told to close the descriptor on exec.</summary>
    private protected abstract int CloseOnExecFlag { get; }

    private protected override int AppendFlag => O_APPEND;

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
            var sibling = path.Sibling(".shm-publish-" + RandomNumberGenerator.GetHexString(16, lowercase: true));
            var error = OpenPath(sibling, O_RDWR | O_CREAT | O_EXCL | CloseOnExecFlag, out handle);
            temporary = handle is null ? null : sibling;
            if (error != Errno.EEXIST)
            {
                return error;
            }
        }
    }

    internal override unsafe Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path)
    {
        // SAFETY: both paths are pinned for the length of the call and end with a NUL.
        fixed (byte* from = temporary!.Value.Bytes, to = path.Bytes)
        {
            return ErrorOf(Fails(nameof(Libc.rename)) ? -1 : Libc.rename(from, to));
        }
    }

    internal override unsafe Errno RemoveFile(in FilePath path)
    {
        // SAFETY: the path is pinned for the length of the call and ends with a NUL.
        fixed (byte* pathPointer = path.Bytes)
        {
            return ErrorOf(Fails(nameof(Libc.unlink)) ? -1 : Libc.unlink(pathPointer));
        }
    }

    internal override Errno FindFile(in FilePath path, out ObjectIdentity identity)
    {
        var error = OpenPath(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | CloseOnExecFlag, out var handle);
        using (handle)
        {
            identity = handle is null ? default : IdentityOf(handle);
            return error;
        }
    }

    private protected abstract ObjectIdentity IdentityOf(SafeFileHandle handle);

    private protected virtual unsafe int OpenFile(byte* path, int flags, uint mode) => Libc.open(path, flags, mode);

    private unsafe Errno OpenPath(in FilePath path, int flags, out SafeFileHandle? handle)
    {
        const uint OwnerOnly = 0x180;
        nint result;
        do
        {
            // SAFETY: the path is pinned for the length of the call and ends with a NUL.
            fixed (byte* pathPointer = path.Bytes)
            {
                result = Fails(nameof(Libc.open)) ? -1 : OpenFile(pathPointer, flags, OwnerOnly);
            }
        }
        while (IsInterrupted(result));
        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
    }
}
