using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
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
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        return LinkOrTakeOver(target, DirectoryPath, path, mode);
    }

    internal override Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary)
    {
        temporary = null;
        var directory = path.Directory.Bytes;
        var error = OpenPath(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, UnixFileMode.UserRead | UnixFileMode.UserWrite, out handle);
        return error == Errno.EOPNOTSUPP || error == Errno.EISDIR
            ? throw new PlatformNotSupportedException(
                $"The file system at {path.Directory.Text} has no files without a name (O_TMPFILE). Put the region on tmpfs, ext4, XFS or Btrfs.")
            : error;
    }

    internal override Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path) =>
        LinkOrTakeOver(target, path.Directory.Bytes, path.Bytes, RenameMode.Replace);

    private Errno LinkOrTakeOver(in OpenObject target, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> path, RenameMode mode)
    {
        var error = LinkPath(target, path);
        return error == Errno.EEXIST && mode == RenameMode.Replace ? TakeOver(target, directory, path) : AsAccessError(error);
    }

    private Errno TakeOver(in OpenObject target, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> path)
    {
        TryRemoveAbandonedTemporaries(directory);
        // The lock tells a later sweep that this temporary name is not abandoned. The kernel drops it if this process dies.
        Lock(target, RecordLock.Publishing);
        try
        {
            var random = RandomNumberGenerator.GetHexString(16, lowercase: true);
            var temporary = PathIn(directory, Encoding.ASCII.GetBytes(TemporaryPrefix + random));
            var error = LinkPath(target, temporary);
            if (!error.IsSuccess)
            {
                return AsAccessError(error);
            }

            // The temporary name is no twin of the other: nothing is left to look for.
            error = RenamePath(temporary, path);
            if (!error.IsSuccess)
            {
                _ = UnlinkPath(temporary);
            }

            return error == Errno.EISDIR ? Errno.EINVAL : AsAccessError(error);
        }
        finally
        {
            Unlock(target, RecordLock.Publishing);
        }
    }

    private void TryRemoveAbandonedTemporaries(ReadOnlySpan<byte> directory)
    {
        try
        {
            RemoveAbandonedTemporaries(directory);
        }
        catch (SharedMemoryException)
        {
            // A directory that cannot be listed now is no reason not to publish: a later sweep finds what is left.
        }
    }

    /// <summary>Removes temporary names whose maker died between link and rename: the kernel has dropped its lock.</summary>
    private void RemoveAbandonedTemporaries(ReadOnlySpan<byte> directory)
    {
        foreach (var name in ListFiles(directory.ToArray()))
        {
            if (!name.Text!.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            var path = PathIn(directory, name.ToArray());
            if (!OpenPath(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, UnixFileMode.None, out var handle).IsSuccess)
            {
                continue;
            }

            using (handle)
            {
                if (TryLock(new(handle!, name), RecordLock.Publishing, exclusive: true).IsSuccess)
                {
                    _ = UnlinkPath(path);
                }
            }
        }
    }

    private static byte[] PathIn(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name) =>
        [.. directory[..directory.IndexOf((byte)0)], (byte)'/', .. name, 0];
}
