using Posix.SharedMemory.Inspection;
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
        SharedMemoryOptions.Check(mode);
        SharedMemoryOptions.Check(permissions);
        ObjectDescriptor.CheckAccess(access);
        ObjectOpening.CheckMode(mode, access);
        return ObjectOpening.TryOpen(parsed, mode, access, permissions, joins: false, refusesAbandoned: false, out var memory) is { IsSuccess: false } error
            ? throw NamingFailure.Of(error, "shm_open", parsed)
            : memory!;
    }

    /// <summary>Opens the object called <paramref name="name"/>, if there is one.</summary>
    /// <returns>Whether there was one (not <see cref="Errno.ENOENT"/>).</returns>
    /// <exception cref="ArgumentException">The name is not valid, or <see cref="FileAccess.Write"/>.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.ENOENT"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see></remarks>
    public static bool TryOpen(string name, FileAccess access, [NotNullWhen(true)] out SharedMemoryObject? memory)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ObjectDescriptor.CheckAccess(access);
        var error = ObjectOpening.TryOpen(parsed, FileMode.Open, access, default, joins: false, refusesAbandoned: false, out memory);
        return memory is not null || (error == Errno.ENOENT ? false : throw NamingFailure.Of(error, "shm_open", parsed));
    }

    /// <summary>Opens the object called <paramref name="name"/> for reading and writing as <see cref="OpenOrCreate"/> does, but creates none.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="options">
    /// <see cref="Lifetime.UnlinkOnLastDispose"/> makes this process a member, also of an object that has none. With <see cref="NameConflict.ReplaceAbandoned"/> an object that was left
    /// behind counts as missing: what then creates one under the name with the same option replaces it. Everything else is for new objects.
    /// </param>
    /// <param name="memory">The object.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">The name is not valid; or <see cref="NameConflict.Replace"/>, with which nothing would ever be opened.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EAGAIN"/>: its last member has stopped while it removes the name, and <see cref="Lifetime.UnlinkOnLastDispose"/> is requested.
    /// Otherwise as <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.ENOENT"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="Lifetime.UnlinkOnLastDispose"/> where there are no open file description locks.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see></remarks>
    public static bool TryOpen(string name, SharedMemoryOptions options, [NotNullWhen(true)] out SharedMemoryObject? memory)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ArgumentNullException.ThrowIfNull(options);
        if (SharedMemoryOptions.Check(options).OnConflict == NameConflict.Replace)
        {
            throw new ArgumentException("TryOpen opens an object that exists; to replace it always, use Create.", nameof(options));
        }

        var joins = options.Lifetime == Lifetime.UnlinkOnLastDispose;
        var refusesAbandoned = options.OnConflict == NameConflict.ReplaceAbandoned;
        var error = ObjectOpening.TryOpen(parsed, FileMode.Open, FileAccess.ReadWrite, default, joins, refusesAbandoned, out memory);
        return memory is not null || (error == Errno.ENOENT || (refusesAbandoned && error == Errno.EEXIST) ? false : throw NamingFailure.Of(error, "shm_open", parsed));
    }

    /// <summary>Opens the object called <paramref name="name"/> as soon as it exists and has a length: for the process that starts first.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="access"><see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</param>
    /// <param name="minimumLength">How many bytes it must have, at least. Most programs create an object first and set its length later.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The name is not valid, or <see cref="FileAccess.Write"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.ENOENT"/> for the name.</exception>
    /// <remarks>
    /// Linux: the kernel reports new names and lengths (<c>inotify</c>), and no thread waits for this object alone. Where it has no more instances of that
    /// (<c>fs.inotify.max_user_instances</c>), and on other systems, the object is looked for ten times a second. An object whose creator was killed before it set the length is waited for until another
    /// one replaces it. That the length is there does not mean that the contents are: objects by <see cref="Create"/> and <see cref="Publish"/> appear complete, others need a word inside that says so.
    /// <see href="https://man7.org/linux/man-pages/man7/inotify.7.html">inotify(7)</see>
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
    /// using var frames = await SharedMemoryObject.OpenWhenReadyAsync("frames", FileAccess.Read, minimumLength: 4096, timeout.Token);
    /// ]]></code>
    /// </example>
    public static ValueTask<SharedMemoryObject> OpenWhenReadyAsync(
        string name, FileAccess access = FileAccess.ReadWrite, long minimumLength = 1, CancellationToken cancellationToken = default)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        ObjectDescriptor.CheckAccess(access);
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        return new ObjectArrival(Platform.Current, parsed, access, minimumLength).WaitAsync(cancellationToken);
    }

    /// <summary>Takes over a descriptor that came from elsewhere: a socket, a parent process, <c>MemoryMappedFile</c>.</summary>
    /// <param name="handle">The descriptor; disposing the object closes it. If this method throws, it stays the caller's.</param>
    /// <param name="name">The object's name, if the caller knows it.</param>
    /// <exception cref="ArgumentException">Not a memory object: a pipe, a socket, a file on disk; or open for writing only.</exception>
    /// <remarks>
    /// For a number that a parent process passed: <c>new SafeFileHandle(number, ownsHandle: true)</c>. For a descriptor that was received: <see cref="HandleReceiveResult.TakeObject"/>. For
    /// <c>MemoryMappedFile</c>: <c>new SafeFileHandle(file.SafeMemoryMappedFileHandle.DangerousGetHandle(), ownsHandle: false)</c>, for as long as the file is open.
    /// </remarks>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>: not an open descriptor.</exception>
    /// <example>
    /// <code>
    /// // In a child process that knows the number, started by HandleInheritance.Start.
    /// using var inherited = SharedMemoryObject.FromHandle(new SafeFileHandle(int.Parse(args[0]), ownsHandle: true));
    /// </code>
    /// </example>
    public static SharedMemoryObject FromHandle(SafeFileHandle handle, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        var target = new OpenObject(handle, name is null ? default : ObjectName.Parse(name, "fstat"), SharesOpen: true);
        return OfHandle(Platform.Current, target)
            ?? throw new ArgumentException("The descriptor does not refer to memory (but to a pipe, a socket, a file on disk), or is open for writing only.", nameof(handle));
    }

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
    /// <c>SetHandleAsInvalid</c> gives it up.
    /// </summary>
    public SafeFileHandle SafeFileHandle => _descriptor.GiveOut();

    /// <summary>Finds the processes that map this object or have it open, whatever its name is now; this process is one of them.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux reports this.</exception>
    /// <remarks>As <see cref="SharedMemoryDirectory.GetHolders(string)"/>. <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
    /// <example>
    /// <code>
    /// foreach (SharedMemoryHolder holder in memory.GetHolders())
    /// {
    ///     Console.WriteLine($"{holder.ProcessId} {holder.Command}: {holder.Mappings.Count} mappings, {holder.Descriptors.Count} descriptors");
    /// }
    /// </code>
    /// </example>
    public SharedMemoryHolders GetHolders()
    {
        var identity = Platform.Backing.GetStatus(Target).Identity;
        return Platform.Inspection.IndexHolders(identity)[identity];
    }

    /// <summary>Gets whether the object has other members, so that the last of them removes the name.</summary>
    /// <exception cref="PlatformNotSupportedException">The kernel or the file system has no open file description locks, or a filter refuses them: it is not known.</exception>
    /// <remarks>The kernel keeps track of the members, so a process that was killed is not one. docs/spec/objects/membership.md is the protocol.</remarks>
    public bool HasOtherMembers => Platform.Membership.Query(Target) switch
    {
        MembershipState.None => false,
        MembershipState.Unknown => throw new PlatformNotSupportedException(
            "Whether the object has other members is not known: this kernel or file system, or a filter in front of it, has no open file description locks (fcntl with F_OFD_GETLK). "
            + "GetHolders lists the processes that have it open."),
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
    /// Closes the descriptor. Mappings live on. The name is removed only if the object's <see cref="Lifetime"/> says so;
    /// a name that cannot be removed stays.
    /// </summary>
    /// <remarks>
    /// When a process closes any descriptor of a file, the kernel gives back all POSIX record locks (<c>F_SETLK</c>) that the process has on it: a program that opens an object twice and locks it
    /// through one loses the locks by disposing the other. Locks of an open file description (<c>F_OFD_SETLK</c>) do not have that flaw.
    /// <see href="https://man7.org/linux/man-pages/man2/F_GETLK.2const.html">fcntl_locking(2)</see>
    /// </remarks>
    public void Dispose() => Close(isSeen: true);

    /// <summary>Disposes an object that no caller has seen. Record locks that the caller has on it, through another descriptor, are unaffected.</summary>
    internal void DisposeUnseen() => Close(isSeen: false);

    private void Close(bool isSeen)
    {
        // Not while another thread publishes: it may be giving the object the name that is to be removed here.
        lock (_descriptor.Handle)
        {
            Interlocked.Exchange(ref _nameOwner, null)?.Dispose();
            if (Interlocked.Exchange(ref _publication, null) is { } publication && !_descriptor.Handle.IsClosed)
            {
                publication.Abandon();
            }

            if (isSeen)
            {
                _descriptor.Close();
            }
            else
            {
                _descriptor.CloseUnseen();
            }
        }
    }

    /// <summary>Takes over a descriptor, if it is one of memory that is open for reading; otherwise it stays the caller's.</summary>
    internal static SharedMemoryObject? OfHandle(Platform platform, in OpenObject target) =>
        platform.Seals.Examine(target, out var pageSize) is { } access ? new(new ObjectDescriptor(platform, target, access) { PageSize = pageSize }) : null;

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
