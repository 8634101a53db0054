using Posix.SharedMemory.Inspection;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
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
public sealed partial class SharedMemoryObject : IDisposable, IMappingOwner
{
    private readonly Platform _platform;
    private readonly SafeFileHandle _handle;
    private readonly Lifetime _lifetime;
    private volatile bool _sharesOpen;
    private ObjectName _name;
    private ObjectName _temporaryName;
    private byte[]? _utf8Name;

    /// <summary>Removes the name when this object is disposed, where its lifetime says so.</summary>
    private IDisposable? _nameOwner;

    private SharedMemoryObject(Platform platform, in OpenObject target, FileAccess access, Lifetime lifetime = Lifetime.Keep)
    {
        _platform = platform;
        _handle = target.Handle;
        _name = target.Name;
        _sharesOpen = target.SharesOpen;
        _lifetime = lifetime;
        Access = access;
    }

    /// <summary>Opens or creates the object called <paramref name="name"/>: <c>shm_open</c>. A new object has length 0.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="mode">
    /// <see cref="FileMode.Open"/>, <see cref="FileMode.OpenOrCreate"/> (<c>O_CREAT</c>), <see cref="FileMode.CreateNew"/>
    /// (<c>O_CREAT|O_EXCL</c>), <see cref="FileMode.Create"/> (<c>O_CREAT|O_TRUNC</c>) or <see cref="FileMode.Truncate"/> (<c>O_TRUNC</c>).
    /// </param>
    /// <param name="access"><see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</param>
    /// <param name="permissions">Of a new object, less the process's umask (macOS: not less).</param>
    /// <exception cref="ArgumentException">The name cannot be one; or <see cref="FileMode.Append"/>, <see cref="FileAccess.Write"/>, truncating without write access.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: there is no such object. <see cref="Errno.EEXIST"/>: <see cref="FileMode.CreateNew"/> found the name taken.
    /// <see cref="Errno.EACCES"/>: this user may not open it, or <c>fs.protected_regular</c> forbids <c>O_CREAT</c> on another user's object.
    /// <see cref="Errno.EINVAL"/>, <see cref="Errno.ELOOP"/>: a directory, FIFO, device or symbolic link stands under the name.
    /// <see cref="Errno.ENAMETOOLONG"/>; <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: no descriptor left; <see cref="Errno.ENOSPC"/>.
    /// <see cref="Errno.EAGAIN"/>, after a second of trying: a process stands still in the instant in which it asks whether it has the object alone (<see cref="Inspection.SharedMemoryEntry.IsHeld"/>).
    /// </exception>
    /// <remarks>
    /// Whoever opens an object with <see cref="Lifetime.UnlinkOnLastDispose"/> becomes one of its users. macOS answers
    /// <see cref="Errno.EINVAL"/> to truncating what has a length. <see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see>
    /// </remarks>
    public static SharedMemoryObject Open(
        string name,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.ReadWrite,
        UnixFileMode permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        CheckAccess(access);
        CheckMode(mode, access);
        SharedMemoryOptions.Check(permissions);
        return TryOpen(parsed, mode, access, permissions, joins: false, out var memory) is { IsSuccess: false } error
            ? throw CannotOpen(error, parsed)
            : memory!;
    }

    /// <summary>Opens the object called <paramref name="name"/>, if there is one.</summary>
    /// <returns>Whether there was one (not <see cref="Errno.ENOENT"/>).</returns>
    /// <exception cref="ArgumentException">The name cannot be one, or <see cref="FileAccess.Write"/>.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.ENOENT"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see></remarks>
    public static bool TryOpen(string name, FileAccess access, [NotNullWhen(true)] out SharedMemoryObject? memory)
    {
        var parsed = ObjectName.Parse(name, "shm_open");
        CheckAccess(access);
        var error = TryOpen(parsed, FileMode.Open, access, default, joins: false, out memory);
        return memory is not null || (error == Errno.ENOENT ? false : throw CannotOpen(error, parsed));
    }

    /// <summary>Takes over a descriptor that came from elsewhere: a socket, a parent process, <c>MemoryMappedFile</c>.</summary>
    /// <param name="handle">The descriptor; disposing the object closes it. Where this method throws it stays the caller's.</param>
    /// <param name="name">The object's name, if the caller knows it.</param>
    /// <exception cref="ArgumentException">Not a memory object: a pipe, a socket, a file on disk; or open for writing only.</exception>
    /// <remarks>
    /// A number that a parent process gave: <c>new SafeFileHandle(number, ownsHandle: true)</c>. What was received: <see cref="HandleReceiveResult.TakeObject"/>. What
    /// <c>MemoryMappedFile</c> made: <c>new SafeFileHandle(file.SafeMemoryMappedFileHandle.DangerousGetHandle(), ownsHandle: false)</c>, for as long as the file is open.
    /// </remarks>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>: not an open descriptor.</exception>
    /// <example>
    /// <code>
    /// // In a child process that was told the number, started by StartInheriting.
    /// using var inherited = SharedMemoryObject.FromHandle(new SafeFileHandle(int.Parse(args[0]), ownsHandle: true));
    /// </code>
    /// </example>
    public static SharedMemoryObject FromHandle(SafeFileHandle handle, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        var target = new OpenObject(handle, name is null ? default : ObjectName.Parse(name, "fstat"), SharesOpen: true);
        return OfHandle(Platform.Current, target)
            ?? throw new ArgumentException("The descriptor is of something else than memory (a pipe, a socket, a file on disk), or is open for writing only.", nameof(handle));
    }

    /// <summary>Gets the name as the caller wrote it; <see langword="null"/> for an object without one.</summary>
    public string? Name => _name.Text;

    /// <summary>Gets the name in bytes, for native code: a NUL stands behind the end. Empty for an object without one.</summary>
    public ReadOnlySpan<byte> Utf8Name
    {
        get
        {
            if (Name is null)
            {
                return [];
            }

            var terminated = _utf8Name ??= _name.ToTerminated();
            return terminated.AsSpan(0, terminated.Length - 1);
        }
    }

    /// <summary>Gets what the object was opened for: <see cref="FileAccess.Read"/> or <see cref="FileAccess.ReadWrite"/>.</summary>
    public FileAccess Access { get; }

    /// <summary>
    /// Gets the descriptor: close-on-exec, usable with <c>RandomAccess</c> and <c>FileStream</c>. It is closed with this object;
    /// <c>SetHandleAsInvalid</c> gives it up.
    /// </summary>
    public SafeFileHandle SafeFileHandle
    {
        get
        {
            // Whoever gets it may pass it on.
            _sharesOpen = true;
            return _handle;
        }
    }

    /// <summary>Finds the processes that map this object or have it open, whatever its name is by now; this process is one of them.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux tells.</exception>
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
        var identity = _platform.Backing.GetStatus(Target).Identity;
        return _platform.Inspection.IndexHolders(identity)[identity];
    }

    /// <summary>Gets whether another user takes part in the object's membership, so that the last of them removes the name.</summary>
    /// <remarks>The kernel holds the membership and releases it when a user dies: who takes part is alive. docs/spec/objects/membership.md is the protocol.</remarks>
    public bool HasOtherMembers => _platform.Membership.Query(Target) != MembershipState.None;

    /// <summary>Gets what platform verbs act on.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed, or has given its descriptor up.</exception>
    internal OpenObject Target
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            return new(_handle, _name, _sharesOpen);
        }
    }

    /// <summary>
    /// Closes the descriptor. Mappings live on. The name is removed only where the object's <see cref="Lifetime"/> says so;
    /// a name that cannot be removed is left.
    /// </summary>
    public void Dispose()
    {
        // Not while another thread publishes: it may be giving the object the name that is to be removed here.
        lock (_handle)
        {
            Interlocked.Exchange(ref _nameOwner, null)?.Dispose();
            if (!_temporaryName.IsNone && !_handle.IsClosed)
            {
                // Best effort: nobody knows this name but us.
                _ = _platform.Names.Unlink(_temporaryName);
            }

            _platform.Membership.Forget(_handle);
            _handle.Dispose();
        }
    }

    /// <summary>Takes over a descriptor, if it is one of memory that is open for reading; otherwise it stays the caller's.</summary>
    internal static SharedMemoryObject? OfHandle(Platform platform, in OpenObject target) =>
        platform.Seals.Examine(target, out var pageSize) is { } access ? new(platform, target, access) { PageSize = pageSize } : null;

    /// <summary>Represents a file that was opened for reading and writing, for the regions made of it.</summary>
    internal static SharedMemoryObject OfFile(Platform platform, in OpenObject target) =>
        new(platform, target, FileAccess.ReadWrite) { PageSize = platform.Seals.GetPageSize(target) };

    /// <summary>Opens what a directory entry stands for, whatever bytes its name has.</summary>
    internal static SharedMemoryObject Open(in ObjectName name, ObjectIdentity identity, FileAccess access)
    {
        CheckAccess(access);
        var error = TryOpen(name, FileMode.Open, access, default, joins: false, out var memory);
        if (memory is null)
        {
            throw new SharedMemoryException(error, "shm_open", name.Text);
        }

        var isSeen = false;
        try
        {
            isSeen = memory.GetStatus().Identity == identity;
            return isSeen ? memory : throw new SharedMemoryException(Errno.ENOENT, "shm_open", name.Text);
        }
        finally
        {
            if (!isSeen)
            {
                memory.Dispose();
            }
        }
    }

    /// <summary>The name with what it means now, for who is to remove it.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    internal OwnedName NameToOwn()
    {
        var target = Target;
        return _name.IsNone
            ? throw new InvalidOperationException("The object has no name.")
            : new(_platform, _name, _platform.Backing.GetStatus(target).Identity);
    }

    /// <summary>Opens, and follows the membership of an object whose last user is to remove the name.</summary>
    /// <param name="joins">Whether to take part in a membership even where nobody holds one.</param>
    private static Errno TryOpen(
        in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, bool joins, out SharedMemoryObject? memory)
    {
        memory = null;
        var platform = Platform.Current;
        var since = 0L;
        for (var attempt = default(SpinWait); ; attempt.SpinOnce())
        {
            var error = platform.Names.Open(name, mode, access, permissions, out var handle);
            if (handle is null)
            {
                return error;
            }

            var opened = new SharedMemoryObject(platform, new(handle, name), access);
            if (mode == FileMode.CreateNew)
            {
                memory = opened;
                return default;
            }

            try
            {
                if (NameMembership.Follow(platform, opened, joins, patient: IsPatient(ref since), out opened._nameOwner))
                {
                    memory = opened;
                    return default;
                }
            }
            finally
            {
                if (memory is null)
                {
                    opened.Dispose();
                }
            }
        }
    }

    private static SharedMemoryException CannotOpen(Errno error, in ObjectName name) => new(
        error, "shm_open", name.Text,
        error == Errno.EINVAL ? "what stands under the name is no shared memory object"
        : error == Errno.ELOOP ? "a symbolic link stands under the name"
        : null);

    private static bool IsPatient(ref long since)
    {
        if (since == 0)
        {
            since = Stopwatch.GetTimestamp();
            return true;
        }

        return Stopwatch.GetElapsedTime(since) < NameMembership.Patience;
    }

    internal static void CheckAccess(FileAccess access)
    {
        if (access is not (FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentException("Memory is opened for Read or ReadWrite; it cannot be mapped for writing alone.", nameof(access));
        }
    }

    private static void CheckMode(FileMode mode, FileAccess access)
    {
        SharedMemoryOptions.Check(mode);
        if (mode == FileMode.Append)
        {
            throw new ArgumentException("Shared memory has no end to append to.", nameof(mode));
        }

        if (mode is FileMode.Create or FileMode.Truncate && access == FileAccess.Read)
        {
            throw new ArgumentException("Truncating needs ReadWrite access.", nameof(mode));
        }
    }

    private void RequireWritable()
    {
        if (Access == FileAccess.Read)
        {
            throw new InvalidOperationException("The object was opened for reading only; open it for ReadWrite.");
        }
    }
}
