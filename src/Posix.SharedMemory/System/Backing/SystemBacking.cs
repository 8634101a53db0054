namespace Posix.SharedMemory;

/// <summary>Backing: how long an object is, what memory its bytes have, and what the system reports of it.</summary>
internal class SystemBacking
{
    /// <summary>Returns the length in bytes.</summary>
    internal virtual long GetLength(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Returns all that the system reports of an object.</summary>
    internal virtual SharedMemoryStatus GetStatus(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Returns the two numbers of the status that are needed most often.</summary>
    internal virtual ObjectExtent GetExtent(in OpenObject target)
    {
        var status = GetStatus(target);
        return new(status.Length, status.AllocatedBytes);
    }

    /// <summary>Returns whether a page of the object that is read is there for writing too: memory has it, a file on disk may still fail to give it a block.</summary>
    internal virtual bool IsOrdinaryMemory(in OpenObject target) => false;

    /// <summary>Sets the permissions: <c>fchmod</c>.</summary>
    internal virtual void SetPermissions(in OpenObject target, UnixFileMode permissions) => throw Platform.NotSupported();

    /// <summary>Sets the permissions of a new object, which may have them already.</summary>
    internal virtual void SetInitialPermissions(in OpenObject target, UnixFileMode permissions) => SetPermissions(target, permissions);

    /// <summary>Sets the owner and the group, or one of them: <c>fchown</c>.</summary>
    internal virtual void SetOwner(in OpenObject target, uint? userId, uint? groupId) => throw Platform.NotSupported();

    /// <summary>Sets the length and does nothing else: <c>ftruncate</c>.</summary>
    internal virtual void SetLength(in OpenObject target, long length) => throw Platform.NotSupported();

    /// <summary>Gives a new object its length, which no other process can have open yet.</summary>
    internal virtual void SetInitialLength(in OpenObject target, long length, Backing backing) => throw Platform.NotSupported();

    /// <summary>
    /// Makes an object longer and never shorter, also where another process grows it at the same time. New bytes read as zero, also where a
    /// mapping had stored past the end.
    /// </summary>
    /// <returns>False where the object is longer than that already; it stays as it is.</returns>
    internal virtual bool Grow(in OpenObject target, long length, Backing backing) => throw Platform.NotSupported();

    /// <summary>Makes an object shorter and never longer, also where another process shortens it at the same time.</summary>
    internal virtual void Shrink(in OpenObject target, long length)
    {
        if (GetLength(target) > length)
        {
            SetLength(target, length);
        }
    }

    /// <summary>Reserves the memory of a part.</summary>
    internal virtual void Reserve(in OpenObject target, ByteRange range) => throw Platform.NotSupported();

    /// <summary>Reserves the memory of a part that is written next; where the system cannot reserve, the write itself finds out whether there is memory.</summary>
    internal virtual void PrepareToWrite(in OpenObject target, ByteRange range) => Reserve(target, range);

    /// <summary>Returns whether all of a part is known to have memory.</summary>
    internal virtual bool HasMemory(in OpenObject target, ObjectExtent extent, ByteRange range) => extent.AllocatedBytes >= extent.Length;

    /// <summary>Checks whether the machine has the memory of a part, and takes none.</summary>
    /// <param name="target">The object.</param>
    /// <param name="range">The part.</param>
    /// <param name="isUrgent">Whether to check even if there was enough a moment ago.</param>
    /// <param name="call">The call that would take it.</param>
    /// <returns>The exception to throw that says what is too short; <see langword="null"/> where nothing is.</returns>
    internal virtual SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent, string call) => null;

    /// <summary>Gives a part's pages back; the part then reads as zero.</summary>
    internal virtual void Discard(in OpenObject target, ByteRange range) => throw Platform.NotSupported();
}
