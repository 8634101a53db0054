using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>The descriptor of an open object, and what this process knows about the object.</summary>
internal sealed class ObjectDescriptor
{
    /// <summary>Where the mappings end that exist, by themselves or by a lease. Guarded by the monitor.</summary>
    internal MappedExtents Extents;

    private readonly ObjectName _firstName;
    private volatile bool _sharesOpen;

    /// <summary>The name that the object got later, in a box: another thread sees the one from before a renaming or the one after, never half of each.</summary>
    private volatile StrongBox<ObjectName>? _laterName;

    internal ObjectDescriptor(Platform platform, in OpenObject target, FileAccess access)
    {
        Platform = platform;
        Handle = target.Handle;
        _firstName = target.Name;
        Access = access;
        MemoryCheck = target.MemoryCheck;
        _sharesOpen = target.SharesOpen;
    }

    internal Platform Platform { get; }

    /// <summary>Gets the descriptor, which is also the monitor (<c>lock</c>) under which the object is mapped, shrunk, sealed and given names.</summary>
    internal SafeFileHandle Handle { get; }

    internal ObjectName Name
    {
        get => _laterName is { } later ? later.Value : _firstName;
        set => _laterName = new(value);
    }

    internal FileAccess Access { get; }

    internal MemoryCheck MemoryCheck { get; }

    /// <summary>Gets the size of the pages that the memory consists of.</summary>
    internal long PageSize { get; init; } = MemoryPage.Size;

    internal bool HasHugePages => PageSize > MemoryPage.Size;

    /// <summary>Gets whether the object may be sealed at some time. What was created under a name, or to get one, never is: the kernel seals such files against seals.</summary>
    internal bool MayBeSealed { get; init; }

    /// <summary>Gets or sets the seals that are known to be set. There may be others, which only the kernel knows.</summary>
    internal MemorySeals KnownSeals { get; set; }

    /// <summary>Gets what platform verbs act on.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed, or has given its descriptor up.</exception>
    internal OpenObject Target
    {
        get
        {
            return Handle.IsClosed ? throw new ObjectDisposedException("Posix.SharedMemory.SharedMemoryObject") : new(Handle, Name, _sharesOpen, MemoryCheck);
        }
    }

    /// <summary>Gets the descriptor for other code, which may pass it on.</summary>
    internal SafeFileHandle GiveOut()
    {
        if (!_sharesOpen)
        {
            _sharesOpen = true;
            if (!Handle.IsClosed)
            {
                Platform.Names.ClearOpenFlags(Target);
            }
        }

        return Handle;
    }

    /// <summary>Closes the descriptor, and what the system keeps open for it.</summary>
    /// <param name="keepsLocks">Whether record locks that this process has on the object, through another descriptor, are to be unaffected.</param>
    internal void Close(bool keepsLocks)
    {
        if (keepsLocks)
        {
            CloseUnseen();
        }
        else
        {
            Handle.Dispose();
        }

        Platform.Membership.Forget(Handle);
    }

    /// <summary>Closes the descriptor. Record locks that the caller has on the object, through another one, are unaffected.</summary>
    internal void CloseUnseen() => Platform.Membership.CloseUnseen(Handle);

    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    internal void RequireWritable()
    {
        if (Access == FileAccess.Read)
        {
            throw new InvalidOperationException("The object was opened for reading only; open it for ReadWrite.");
        }
    }

    /// <summary>Refuses a length that huge pages cannot have: they come whole. The kernel checks some of its calls for that, and others not.</summary>
    internal void CheckPages(long length, string operation)
    {
        if (HasHugePages && length % PageSize != 0)
        {
            throw new SharedMemoryException(
                Errno.EINVAL, operation, Name.Text, $"{length} bytes is not a multiple of the object's huge pages, which have {PageSize} bytes each");
        }
    }

    /// <summary>
    /// Returns whether bytes of an object with these seals stay mapped. Huge pages can be discarded all the same, and the pool may have no others: touching
    /// them then faults.
    /// </summary>
    internal bool KeepsBytes(MemorySeals seals) => seals.HasFlag(MemorySeals.Shrink) && !HasHugePages;

    /// <summary>Returns whether the object reaches that far and no process can shorten it to less; false if it is disposed.</summary>
    internal bool CannotEndBefore(long end)
    {
        if (Handle.IsClosed)
        {
            return false;
        }

        try
        {
            // The seals first: once they are set the length cannot fall.
            var target = Target;
            return Platform.Seals.Get(target, out var seals).IsSuccess && KeepsBytes(seals) && Platform.Backing.GetLength(target) >= end;
        }
        catch (ObjectDisposedException)
        {
            // Another thread has disposed the object meanwhile.
            return false;
        }
    }

    /// <summary>Reads bytes that are mapped; false where they are cut off; <see langword="null"/> where the descriptor cannot be used for that, or is closed.</summary>
    internal bool? TryRead(Span<byte> destination, long offset)
    {
        if (Handle.IsClosed)
        {
            return null;
        }

        try
        {
            return Platform.Mapping.TryRead(Target, destination, offset);
        }
        catch (ObjectDisposedException)
        {
            // Another thread has disposed the object meanwhile.
            return null;
        }
    }

    /// <summary>Checks a range that ends, by default, where the object does.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the object.</exception>
    internal ByteRange CheckRange(long offset, long? count, string parameter = "count")
    {
        var length = Platform.Backing.GetLength(Target);
        return ByteRange.Within(length, offset, count ?? Math.Max(0, length - offset), parameter);
    }

    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the object.</exception>
    internal ByteRange CheckWritableRange(long offset, long length)
    {
        var target = Target;
        RequireWritable();
        return ByteRange.Within(Platform.Backing.GetLength(target), offset, length);
    }
}
