using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// A file without a name that can get one: O_TMPFILE and linkat. A crash at any point leaves nothing, since what has no
// name goes with its last descriptor. Only taking over a name that is in use needs a temporary one: link cannot replace.
internal partial class LinuxPlatform
{
    private const string TemporaryPrefix = ".shm-publish-";

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary)
    {
        temporary = default;
        var error = OpenPath(DirectoryPath, O_TMPFILE | O_RDWR | O_CLOEXEC, UnixFileMode.UserRead | UnixFileMode.UserWrite, out handle);
        return error == Errno.EOPNOTSUPP || error == Errno.EISDIR
            ? throw new PlatformNotSupportedException(
                "The file system at /dev/shm has no files without a name (O_TMPFILE). Use Open with FileMode.CreateNew, then SetLength.")
            : error;
    }

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode)
    {
        var error = Link(target, name);
        return error == Errno.EEXIST && mode == RenameMode.Replace ? PublishReplacing(target, name) : AsAccessError(error);
    }

    private Errno PublishReplacing(in OpenObject target, in ObjectName name)
    {
        RemoveAbandonedTemporaries();
        // The lock tells a later sweep that this temporary name is not abandoned. The kernel drops it if this process dies.
        Lock(target, RecordLock.Publishing);
        try
        {
            var random = RandomNumberGenerator.GetHexString(16, lowercase: true);
            var temporary = ObjectName.FromSystem(Encoding.ASCII.GetBytes(TemporaryPrefix + random));
            var error = Link(target, temporary);
            if (!error.IsSuccess)
            {
                return AsAccessError(error);
            }

            // No look for twins: the object has no other name, and what fails after this step would fail too late.
            error = MoveOver(temporary, name);
            if (!error.IsSuccess)
            {
                _ = Unlink(temporary);
            }

            return error == Errno.EISDIR ? Errno.EINVAL : AsAccessError(error);
        }
        finally
        {
            Unlock(target, RecordLock.Publishing);
        }
    }

    /// <summary>Removes temporary names whose maker died between link and rename: the kernel has dropped its lock.</summary>
    private void RemoveAbandonedTemporaries()
    {
        foreach (var name in ListNames())
        {
            if (!name.Text!.StartsWith(TemporaryPrefix, StringComparison.Ordinal)
                || !Open(name, FileMode.Open, FileAccess.ReadWrite, UnixFileMode.None, out var handle).IsSuccess)
            {
                continue;
            }

            using (handle)
            {
                if (TryLock(new(handle!, name), RecordLock.Publishing, exclusive: true).IsSuccess)
                {
                    _ = Unlink(name);
                }
            }
        }
    }

    private unsafe Errno Link(in OpenObject target, in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        var pinned = false;
        try
        {
            target.Handle.DangerousAddRef(ref pinned);
            var descriptor = (int)target.Handle.DangerousGetHandle();
            Span<byte> source = stackalloc byte[32];
            source.Clear();
            // SAFETY: both paths are pinned for the length of the calls and end with a NUL.
            fixed (byte* pathPointer = path, sourcePointer = source)
            {
                // By the descriptor itself: allowed to the one who opened it since Linux 6.10, before that only to root.
                var error = ErrorOf(Fails(nameof(Libc.linkat))
                    ? -1
                    : Libc.linkat(descriptor, sourcePointer, AT_FDCWD, pathPointer, AT_EMPTY_PATH));
                if (error != Errno.ENOENT)
                {
                    return error;
                }

                _ = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"), source);
                return ErrorOf(Fails(nameof(Libc.linkat))
                    ? -1
                    : Libc.linkat(AT_FDCWD, sourcePointer, AT_FDCWD, pathPointer, AT_SYMLINK_FOLLOW));
            }
        }
        finally
        {
            if (pinned)
            {
                target.Handle.DangerousRelease();
            }
        }
    }
}
