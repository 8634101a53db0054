
namespace Posix.SharedMemory;

/// <summary>macOS: the length is set once in an object's life, and the kernel makes all of its memory then.</summary>
internal sealed class MacOSBacking(SystemCalls calls, MacOSFiles files, SystemSeals seals) : PosixBacking(calls, seals)
{
    internal override long GetLength(in OpenObject target) => files.Stat(target).st_size;

    internal override SharedMemoryStatus GetStatus(in OpenObject target) => files.StatusOf(target);

    internal override void SetPermissions(in OpenObject target, UnixFileMode permissions)
    {
        try
        {
            base.SetPermissions(target, permissions);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL)
        {
            throw FixedPermissions(e);
        }
    }

    internal override void SetLength(in OpenObject target, long length)
    {
        try
        {
            base.SetLength(target, length);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL)
        {
            throw new SharedMemoryException(
                e.Errno, e.Operation, e.ObjectName,
                $"macOS sets the length of an object only once, and this one has {GetLength(target)} bytes; "
                + $"create a new object of {length}");
        }
    }

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing)
    {
        // Setting it to 0 would use up the only chance.
        if (length > 0)
        {
            SetLength(target, length);
        }
    }

    internal override bool Grow(in OpenObject target, long length, Backing backing)
    {
        var found = GetLength(target);
        if (found >= length)
        {
            return found == length;
        }

        try
        {
            SetLength(target, length);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL && GetLength(target) >= length)
        {
            // Another process made it as long meanwhile, and its length is final.
        }

        return true;
    }

    /// <remarks>The kernel makes the whole memory object when the length is set; there is no call to ask for more.</remarks>
    internal override void Reserve(in OpenObject target, ByteRange range)
    {
    }

    internal override void Discard(in OpenObject target, ByteRange range) => throw new PlatformNotSupportedException(
        "macOS cannot give back a part of shared memory. Clear the bytes, or unlink the object and create a smaller one.");

    internal static PlatformNotSupportedException FixedPermissions(Exception? inner = null) => new(
        "macOS cannot change the permissions of shared memory. Set them when the object is created.", inner);
}
