using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>A POSIX shared memory object, open in this process.</summary>
/// <remarks>
/// Names are UTF-8: <c>frames</c> and <c>/frames</c> are the same object. Members may be called from several threads.
/// <see href="https://man7.org/linux/man-pages/man7/shm_overview.7.html">shm_overview(7)</see>
/// </remarks>
/// <example>
/// <code>
/// SharedMemoryStatus status = memory.GetStatus();
/// Console.WriteLine($"{memory.Name}, {memory.Utf8Name.Length} bytes of name, open for {memory.Access}");
/// Console.WriteLine($"{status.AllocatedBytes} of {status.Length} bytes, {status.Permissions}, user {status.UserId}, group {status.GroupId}");
/// Console.WriteLine($"made {status.CreationTime:u}, written {status.LastWriteTime:u}, read {status.LastAccessTime:u}, changed {status.LastChangeTime:u}");
/// </code>
/// </example>
[UnsupportedOSPlatform("windows")]
public sealed partial class SharedMemoryObject : IDisposable
{
    private readonly ObjectDescriptor _descriptor;
    private NamePublication? _publication;
    private byte[]? _utf8Name;

    /// <summary>Removes the name when this object is disposed, if the object's lifetime says so.</summary>
    private IDisposable? _nameOwner;

    internal SharedMemoryObject(ObjectDescriptor descriptor, IDisposable? nameOwner = null)
    {
        _descriptor = descriptor;
        _nameOwner = nameOwner;
    }

    /// <summary>Opens or creates the object called <paramref name="name"/>: <c>shm_open</c>. A new object has length 0.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="mode">
    /// <see cref="FileMode.Open"/>, <see cref="FileMode.OpenOrCreate"/> (<c>O_CREAT</c>), <see cref="FileMode.CreateNew"/>
    /// (<c>O_CREAT|O_EXCL</c>), <see cref="FileMode.Create"/> (<c>O_CREAT|O_TRUNC</c>) or <see cref="FileMode.Truncate"/> (<c>O_TRUNC</c>).
    /// </param>
    /// <param name="access"><see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</param>
    /// <param name="permissions">Of a new object, minus the process's umask (on macOS the umask does not apply).</param>
    /// <exception cref="ArgumentException">The name is not valid; or <see cref="FileMode.Append"/>, <see cref="FileAccess.Write"/>, truncating without write access.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: no object has the name. <see cref="Errno.EEXIST"/>: <see cref="FileMode.CreateNew"/> found the name taken.
    /// <see cref="Errno.EACCES"/>: this user may not open it, or <c>fs.protected_regular</c> forbids <c>O_CREAT</c> on another user's object.
    /// <see cref="Errno.EINVAL"/>, <see cref="Errno.ELOOP"/>: the name is that of a directory, FIFO, device or symbolic link.
    /// <see cref="Errno.ENAMETOOLONG"/>; <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: no descriptor left; <see cref="Errno.ENOSPC"/>.
    /// <see cref="Errno.EAGAIN"/>, after a second of trying: another process is stopped while it probes for exclusive access (<see cref="Inspection.SharedMemoryEntry.IsHeld"/>).
    /// </exception>
    /// <remarks>
    /// New programs create with <see cref="Create"/> or <see cref="OpenOrCreate"/>, so that no other process opens a half-made object; this method with a mode that creates has exactly
    /// the meaning of <c>shm_open</c>, and the object then needs <see cref="SetLength"/>. A process that opens an object with <see cref="Lifetime.UnlinkOnLastDispose"/> becomes one
    /// of its members. On macOS, truncating an object that has a length is <see cref="Errno.EINVAL"/>.
    /// <see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see>
    /// </remarks>
    public static SharedMemoryObject Open(
        string name,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.ReadWrite,
        UnixFileMode permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        Arguments.CheckMode(mode, access);
        Arguments.CheckPermissions(permissions);
        return ObjectOpening.TryOpen(parsed, mode, access, permissions, Joining.WithMembers, refusesAbandoned: false, out var memory) is { IsSuccess: false } error
            ? throw NamingFailure.Of(error, "shm_open", parsed)
            : memory!;
    }

    /// <summary>Makes the object longer or shorter. New bytes read as zero.</summary>
    /// <param name="length">In bytes.</param>
    /// <param name="backing">
    /// <see cref="Backing.Reserved"/> allocates the memory of the new bytes at once; <see cref="Backing.Sparse"/> is <c>ftruncate</c>.
    /// </param>
    /// <exception cref="InvalidOperationException">The object was opened for reading; or it would end before a live mapping made of it does.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.EDQUOT"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory; the length is unchanged, and the message states the
    /// bytes requested and available. <see cref="Errno.EFBIG"/>: more than <c>RLIMIT_FSIZE</c>. <see cref="Errno.EPERM"/>: sealed.
    /// <see cref="Errno.EAGAIN"/>: growing from a length that is not in whole pages takes turns, and for five seconds another process had the turn, or another program a lock on the object.
    /// <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: there is no descriptor left for that lock.
    /// <see cref="Errno.EINVAL"/>: macOS sets a length only once.
    /// </exception>
    /// <remarks>
    /// If the object gets shorter, processes that touch mapped pages past the new end are killed by SIGBUS. Mappings made by this <see cref="SharedMemoryObject"/> prevent that; those of others do not.
    /// <see href="https://man7.org/linux/man-pages/man2/ftruncate.2.html">ftruncate(2)</see>,
    /// <see href="https://man7.org/linux/man-pages/man2/fallocate.2.html">fallocate(2)</see>
    /// </remarks>
    public void SetLength(long length, Backing backing = Backing.Reserved)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Arguments.Check(backing);
        var target = _descriptor.Target;
        _descriptor.RequireWritable();
        _descriptor.CheckPages(length, "ftruncate");
        if (!_descriptor.Platform.Backing.Grow(target, length, backing))
        {
            new ObjectMappings(_descriptor).Shrink(length);
        }
    }

    /// <summary>Maps the whole object.</summary>
    /// <exception cref="InvalidOperationException">The object is empty; or it was opened for reading and shared write access is requested.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOMEM"/>: no address space left, or as many mappings as <c>vm.max_map_count</c> allows. <see cref="Errno.EPERM"/>: <see cref="FileAccess.ReadWrite"/> is requested, and the
    /// object is sealed against writing. <see cref="Errno.EACCES"/>: the descriptor does not allow it.
    /// With <see cref="MappingOptions.Populate"/> also as <see cref="MemoryMapping.Prefault()"/>; then nothing is mapped.
    /// </exception>
    /// <remarks>
    /// Without <see cref="MappingOptions.Access"/> the mapping allows what the object was opened for, and only reading if the object is sealed against writing: see <see cref="MemoryMapping.Access"/>.
    /// Linux gives a process <c>vm.max_map_count</c> mappings (65,530 by default), and the runtime needs some of them at any time, also to throw an exception: a
    /// process that uses them up may end with "Out of memory" instead of seeing <see cref="Errno.ENOMEM"/>. Map large parts instead of many.
    /// <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see>
    /// </remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in a required first argument: no call fits both.")]
    public MemoryMapping Map(MappingOptions? options = null) => new ObjectMappings(_descriptor).Map(0, null, options, whole: true, follows: true);

    /// <summary>Maps a part of the object.</summary>
    /// <param name="offset">The first byte; any below the length, aligned to a page or not.</param>
    /// <param name="length">How many bytes; by default, up to the end.</param>
    /// <param name="options">Access, copy-on-write, populate, huge pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is empty or does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading and shared write access is requested.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Map(MappingOptions?)"/>.</exception>
    /// <remarks>Access is as for <see cref="Map(MappingOptions?)"/>. <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see></remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in a required first argument: no call fits both.")]
    public MemoryMapping Map(long offset, long? length = null, MappingOptions? options = null) =>
        new ObjectMappings(_descriptor).Map(offset, length, options, whole: false, follows: length is null || options is { AddressSpace: > 0 });

    /// <summary>Removes a name: <c>shm_unlink</c>. Processes that already have the object open are unaffected.</summary>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: no object has the name. <see cref="Errno.EACCES"/>: another user's object. <see cref="Errno.EISDIR"/>: the name is that of a
    /// directory. <see cref="Errno.ENAMETOOLONG"/>.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_unlink.3.html">shm_unlink(3)</see></remarks>
    public static void Unlink(string name)
    {
        var parsed = ObjectName.Parse(name, "shm_unlink");
        var error = Platform.Current.Names.Unlink(parsed);
        if (!error.IsSuccess)
        {
            throw NamingFailure.Of(error, "shm_unlink", parsed);
        }
    }

    /// <summary>Removes a name, if it exists.</summary>
    /// <returns>Whether it existed (not <see cref="Errno.ENOENT"/>).</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Unlink(string)"/>, without <see cref="Errno.ENOENT"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_unlink.3.html">shm_unlink(3)</see></remarks>
    public static bool TryUnlink(string name)
    {
        var parsed = ObjectName.Parse(name, "shm_unlink");
        var error = Platform.Current.Names.Unlink(parsed);
        return error.IsSuccess || (error == Errno.ENOENT ? false : throw NamingFailure.Of(error, "shm_unlink", parsed));
    }

    /// <summary>Gets the name as the caller wrote it; <see langword="null"/> for an object without one. <see cref="Rename(string, RenameMode)"/> changes it.</summary>
    public string? Name => _descriptor.Name.Text;

    /// <summary>Gets the name in bytes, for native code: a NUL follows the last one. Empty for an object without a name.</summary>
    public ReadOnlySpan<byte> Utf8Name
    {
        get
        {
            if (Name is null)
            {
                return [];
            }

            var terminated = _utf8Name ??= _descriptor.Name.ToTerminated();
            return terminated.AsSpan(0, terminated.Length - 1);
        }
    }

    /// <summary>Gets what the object was opened for: <see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</summary>
    public FileAccess Access => _descriptor.Access;

    /// <summary>
    /// Gets the descriptor: close-on-exec, usable with <c>RandomAccess</c> and <c>FileStream</c>. It is closed with this object;
    /// after <c>SetHandleAsInvalid</c> the descriptor belongs to the caller.
    /// </summary>
    public SafeFileHandle SafeFileHandle => _descriptor.GiveOut();

    /// <summary>Gets whether the object has other members, so that the last of them removes the name.</summary>
    /// <exception cref="PlatformNotSupportedException">The kernel or the file system has no open file description locks, or a filter refuses them, so the answer is not known.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EAGAIN"/>: another program has locked the object, or much of it, so that no other locks are seen, and /proc/locks, where they are listed, cannot be read or does not have them.
    /// </exception>
    /// <remarks>The kernel keeps track of the members, so a process that was killed is not one. docs/spec/objects/membership.md is the protocol.</remarks>
    public bool HasOtherMembers => Platform.Membership.Query(Target, IsMember) switch
    {
        MembershipState.None => false,
        MembershipState.Unknown => throw new PlatformNotSupportedException(
            "Whether the object has other members is not known: this kernel or file system, or a filter in front of it, has no open file description locks (fcntl with F_OFD_GETLK). "
            + "GetHolders lists the processes that have it open."),
        MembershipState.Hidden => throw new SharedMemoryException(
            Errno.EAGAIN, "fcntl(F_OFD_GETLK)", Name, "whether the object has other members is not known while another program has a lock on all of it (/proc/locks lists the locks)"),
        _ => true,
    };

    /// <summary>Gets whether this process is a member of the object through this instance: until <see cref="Dispose"/>, the object is not abandoned, and the last member removes the name.</summary>
    /// <remarks>False for objects without members, such as those of <see cref="Lifetime.Keep"/>. docs/spec/objects/membership.md is the protocol.</remarks>
    public bool IsMember => Volatile.Read(ref _nameOwner) is NameMembership;

    /// <summary>Gets what platform verbs act on.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed, or has given its descriptor up.</exception>
    internal OpenObject Target => _descriptor.Target;

    internal bool IsDisposed => _descriptor.Handle.IsClosed;

    private Platform Platform => _descriptor.Platform;

    /// <summary>
    /// Closes the descriptor. Mappings stay valid. The name is removed only if the object's <see cref="Lifetime"/> says so;
    /// a name that cannot be removed stays.
    /// </summary>
    /// <remarks>
    /// When a process closes any descriptor of a file, the kernel releases all POSIX record locks (<c>F_SETLK</c>) that the process has on it: a program that opens an object twice and locks it
    /// through one loses the locks by disposing the other. Locks of an open file description (<c>F_OFD_SETLK</c>) do not have that flaw.
    /// <see href="https://man7.org/linux/man-pages/man2/F_GETLK.2const.html">fcntl_locking(2)</see>
    /// </remarks>
    public void Dispose() => Close(keepsLocks: false);

    /// <summary>
    /// As <see cref="Dispose"/>, but record locks (<c>F_SETLK</c>) that this process has on the object through another descriptor are unaffected: for libraries, which open objects by the names
    /// that their callers give.
    /// </summary>
    /// <remarks>
    /// Where there are such locks, the descriptor stays open until they are gone. Of all objects together, at most 64 descriptors do: one more closes the oldest, and the locks on its object end.
    /// <see href="https://man7.org/linux/man-pages/man2/F_GETLK.2const.html">fcntl_locking(2)</see>
    /// </remarks>
    public void DisposeKeepingLocks() => Close(keepsLocks: true);

    private void Close(bool keepsLocks)
    {
        // Not while another thread publishes: it may be giving the object the name that is to be removed here.
        lock (_descriptor.Handle)
        {
            Interlocked.Exchange(ref _nameOwner, null)?.Dispose();
            if (Interlocked.Exchange(ref _publication, null) is { } publication && !_descriptor.Handle.IsClosed)
            {
                publication.Abandon();
            }

            _descriptor.Close(keepsLocks);
        }
    }

    /// <summary>Notes seals that the caller has found to be set.</summary>
    internal void Know(MemorySeals seals) => _descriptor.KnownSeals |= seals;

    /// <summary>Gets the name with the object that it refers to now, to remove it later.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    internal OwnedName NameToOwn()
    {
        var target = Target;
        return target.Name.IsNone
            ? throw new InvalidOperationException("The object has no name.")
            : new(Platform, target.Name, Platform.Backing.GetStatus(target).Identity);
    }
}
