using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>The descriptor of an open object, and what this process knows about the object.</summary>
internal sealed class ObjectDescriptor
{
    private volatile bool _sharesOpen;

    /// <summary>The name, in a box: another thread sees the one from before a renaming or the one after, never half of each.</summary>
    private volatile StrongBox<ObjectName> _name;

    internal ObjectDescriptor(Platform platform, in OpenObject target, FileAccess access)
    {
        Platform = platform;
        Handle = target.Handle;
        _name = new(target.Name);
        Access = access;
        MemoryCheck = target.MemoryCheck;
        _sharesOpen = target.SharesOpen;
    }

    internal Platform Platform { get; }

    /// <summary>Gets the descriptor, which is also the monitor (<c>lock</c>) under which the object is mapped, shrunk, sealed and given names.</summary>
    internal SafeFileHandle Handle { get; }

    internal ObjectName Name
    {
        get => _name.Value;
        set => _name = new(value);
    }

    internal FileAccess Access { get; }

    internal MemoryCheck MemoryCheck { get; }

    /// <summary>Gets the size of the pages that the memory consists of.</summary>
    internal long PageSize { get; init; } = MemoryPage.Size;

    internal bool HasHugePages => PageSize > MemoryPage.Size;

    /// <summary>Gets or sets the seals that are known to be set. There may be others, which only the kernel knows.</summary>
    internal MemorySeals KnownSeals { get; set; }

    /// <summary>Gets what platform verbs act on.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed, or has given its descriptor up.</exception>
    internal OpenObject Target
    {
        get
        {
            ObjectDisposedException.ThrowIf(Handle.IsClosed, typeof(SharedMemoryObject));
            return new(Handle, Name, _sharesOpen, MemoryCheck);
        }
    }

    /// <summary>Gets the descriptor for other code, which may pass it on.</summary>
    internal SafeFileHandle GiveOut()
    {
        _sharesOpen = true;
        return Handle;
    }

    /// <summary>Closes the descriptor, and what the system keeps open for it.</summary>
    internal void Close()
    {
        Handle.Dispose();
        Platform.Membership.Forget(Handle);
    }

    /// <summary>Closes the descriptor of an object that no caller has seen. Record locks that the caller has on it, through another descriptor, are unaffected.</summary>
    internal void CloseUnseen() => Platform.Membership.CloseUnseen(Handle);

    /// <summary>Gets the name with the object that it refers to now, to remove it later.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    internal OwnedName NameToOwn()
    {
        var target = Target;
        return Name.IsNone
            ? throw new InvalidOperationException("The object has no name.")
            : new(Platform, Name, Platform.Backing.GetStatus(target).Identity);
    }

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

    internal long RoundUp(long length) => HasHugePages ? (length + PageSize - 1) & ~(PageSize - 1) : MemoryPage.RoundUp(length);

    /// <summary>
    /// Returns whether bytes of an object with these seals stay mapped. Huge pages can be discarded all the same, and the pool may have no others: touching
    /// them then faults.
    /// </summary>
    internal bool KeepsBytes(MemorySeals seals) => seals.HasFlag(MemorySeals.Shrink) && !HasHugePages;

    /// <summary>Checks a range that ends, by default, where the object does.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the object.</exception>
    internal ByteRange CheckRange(long offset, long? count)
    {
        var length = Platform.Backing.GetLength(Target);
        return ByteRange.Within(length, offset, count ?? Math.Max(0, length - offset), nameof(count));
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
