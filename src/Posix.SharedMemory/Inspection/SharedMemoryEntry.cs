namespace Posix.SharedMemory.Inspection;

/// <summary>A named object as the directory showed it at one moment.</summary>
/// <example>
/// <code>
/// if (SharedMemoryDirectory.Find("frames"u8) is { } entry)
/// {
///     using var opened = entry.Open();   // The object that was listed, or ENOENT: not another one under its name.
/// }
/// </code>
/// </example>
public sealed class SharedMemoryEntry
{
    private readonly ObjectName _name;

    internal SharedMemoryEntry(in ObjectName name, SharedMemoryStatus status)
    {
        _name = name;
        Status = status;
    }

    /// <summary>Gets the name, without a slash. Bytes that are not UTF-8 show as U+FFFD: then only <see cref="NameBytes"/> is exact.</summary>
    public string Name => _name.Text!;

    /// <summary>Gets the name's bytes, which other programs may have chosen not to be UTF-8.</summary>
    public ReadOnlyMemory<byte> NameBytes => _name.ToArray();

    /// <summary>Gets all that the system reported.</summary>
    public SharedMemoryStatus Status { get; }

    /// <inheritdoc cref="SharedMemoryStatus.Length"/>
    public long Length => Status.Length;

    /// <inheritdoc cref="SharedMemoryStatus.AllocatedBytes"/>
    public long AllocatedBytes => Status.AllocatedBytes;

    /// <inheritdoc cref="SharedMemoryStatus.Permissions"/>
    public UnixFileMode Permissions => Status.Permissions;

    /// <inheritdoc cref="SharedMemoryStatus.UserId"/>
    public uint UserId => Status.UserId;

    /// <inheritdoc cref="SharedMemoryStatus.GroupId"/>
    public uint GroupId => Status.GroupId;

    /// <inheritdoc cref="SharedMemoryStatus.Identity"/>
    public ObjectIdentity Identity => Status.Identity;

    /// <inheritdoc cref="SharedMemoryStatus.LastWriteTime"/>
    public DateTimeOffset LastWriteTime => Status.LastWriteTime;

    /// <inheritdoc cref="SharedMemoryStatus.CreationTime"/>
    public DateTimeOffset CreationTime => Status.CreationTime;

    /// <summary>Opens the object by its exact name, also one that no string can hold.</summary>
    /// <exception cref="SharedMemoryException">As <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>; <see cref="Errno.ENOENT"/> also if the name refers to another object now.</exception>
    public SharedMemoryObject Open(FileAccess access = FileAccess.Read)
    {
        var memory = ObjectOpening.Open(_name, Identity, access);
        var isSame = false;
        try
        {
            isSame = IsSame(memory.GetStatus());
        }
        finally
        {
            if (!isSame)
            {
                memory.DisposeKeepingLocks();
            }
        }

        return isSame ? memory : throw new SharedMemoryException(Errno.ENOENT, "shm_open", Name);
    }

    /// <summary>Finds the processes that map the object or have it open.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux reports them.</exception>
    /// <remarks>
    /// As <see cref="SharedMemoryDirectory.GetHolders(string)"/>, without opening the object; where no holder is found, the kernel is asked whether there is one (<see cref="IsHeld"/>).
    /// <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see>
    /// </remarks>
    public SharedMemoryHolders GetHolders() => Platform.Current.Inspection.IndexHolders(Identity)[Identity].Confirmed(IsHeldOrUnknown);

    /// <summary>Asks the kernel whether anything holds the object open or mapped: a process of any PID namespace, a descriptor that waits in a socket, a loop device. This call does not count as a member of the object.</summary>
    /// <returns>
    /// <see langword="null"/> where the kernel does not reveal it: to users who neither own the object nor have <c>CAP_LEASE</c>; for file systems where its answer leaves out mappings, such as overlay; on other systems than Linux.
    /// </returns>
    /// <exception cref="SharedMemoryException">
    /// As <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.EACCES"/>; <see cref="Errno.ENOENT"/> also if the name refers to another object now.
    /// </exception>
    /// <remarks>
    /// What this process itself has opened or mapped counts too. A process that received the object's descriptor over a socket or from its parent is counted like the one that opened it.
    /// During the call, another process that opens the object waits, or gets <see cref="Errno.EAGAIN"/> if it opens with <c>O_NONBLOCK</c> and does not retry.
    /// <see href="https://man7.org/linux/man-pages/man2/F_SETLEASE.2const.html">fcntl(F_SETLEASE)</see>
    /// </remarks>
    public bool? IsHeld()
    {
        var platform = Platform.Current;
        var error = platform.Names.OpenUnseen(_name, FileAccess.Read, out var handle);
        if (handle is null)
        {
            return error == Errno.EACCES ? null : throw SystemCalls.FailureOf(error, "shm_open", Name);
        }

        bool? isHeld = null;
        try
        {
            var target = new OpenObject(handle, _name);
            isHeld = !IsSame(platform.Backing.GetStatus(target)) ? throw new SharedMemoryException(Errno.ENOENT, "shm_open", Name)
                // A member holds the object, and the kernel shows members to every user.
                : platform.Membership.IsHeldByOthers(target) ?? (platform.Membership.Query(target, isMember: false) is MembershipState.Held or MembershipState.Ending ? true : null);
            return isHeld;
        }
        finally
        {
            if (isHeld is false)
            {
                // This process does not have it open elsewhere either, so that it has no lock on it.
                handle.Dispose();
            }
            else
            {
                platform.Membership.CloseUnseen(handle);
            }
        }
    }

    /// <summary>Moves the name to another, if it still refers to the object that was listed; also a name that no string can hold.</summary>
    /// <param name="name">The new name.</param>
    /// <param name="mode">What happens to an object that has the new name.</param>
    /// <exception cref="ArgumentException">The new name is not valid.</exception>
    /// <exception cref="SharedMemoryException">
    /// As <see cref="SharedMemoryObject.Rename(string, string, RenameMode)"/>; <see cref="Errno.ENOENT"/> also if the name refers to another object now.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/rename.2.html">rename(2)</see></remarks>
    public void Rename(string name, RenameMode mode = RenameMode.Replace)
    {
        var target = ObjectName.Parse(name, "shm_rename");
        Arguments.Check(mode);
        var platform = Platform.Current;
        var error = IsSame(platform.Names.Find(_name)) ? platform.Names.Rename(_name, target, mode) : Errno.ENOENT;
        if (!error.IsSuccess)
        {
            throw SystemCalls.FailureOf(error, "shm_rename", error == Errno.EEXIST ? name : Name);
        }
    }

    /// <summary>Sets who may open the object, if the name still refers to the one that was listed; also an object that its permissions do not let its owner open.</summary>
    /// <param name="permissions">The nine bits and set-user, set-group, sticky.</param>
    /// <exception cref="ArgumentOutOfRangeException">Other bits.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPERM"/>: the object belongs to another user. <see cref="Errno.ENOENT"/>: the name is gone, or refers to another object now.
    /// <see cref="Errno.EACCES"/>: on FreeBSD and macOS, this user may not read the object, which has to be opened there.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">On Linux, /proc is not mounted.</exception>
    /// <remarks>Processes that already have the object open are unaffected. <see href="https://man7.org/linux/man-pages/man2/chmod.2.html">chmod(2)</see></remarks>
    public void SetPermissions(UnixFileMode permissions)
    {
        var names = Platform.Current.Names;
        Arguments.CheckPermissions(permissions);
        var error = IsSame(names.Find(_name)) ? names.SetPermissions(_name, Identity, permissions) : Errno.ENOENT;
        if (!error.IsSuccess)
        {
            throw SystemCalls.FailureOf(error, "chmod", Name);
        }
    }

    /// <summary>Removes the name, if it still refers to the object that was listed.</summary>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: the name is gone, or refers to another object now. <see cref="Errno.EACCES"/>: the object belongs to another user.
    /// </exception>
    /// <remarks>
    /// Two objects are told apart by inode number and creation time: a disk's file system may give a new object the number of one that is gone, and only an object made within the same tick of
    /// the kernel's clock then looks the same. <see href="https://man7.org/linux/man-pages/man3/shm_unlink.3.html">shm_unlink(3)</see>
    /// </remarks>
    public void Unlink()
    {
        var names = Platform.Current.Names;
        var error = IsSame(names.Find(_name)) ? names.Unlink(_name) : Errno.ENOENT;
        if (!error.IsSuccess)
        {
            throw SystemCalls.FailureOf(error, "shm_unlink", Name);
        }
    }

    /// <summary>Returns whether this is what the listed object is now. A system without creation times shows the epoch.</summary>
    private bool IsSame(SharedMemoryStatus? now) =>
        now is { } status && status.Identity == Identity
        && (status.CreationTime == CreationTime || status.CreationTime == DateTimeOffset.UnixEpoch || CreationTime == DateTimeOffset.UnixEpoch);

    private bool? IsHeldOrUnknown()
    {
        try
        {
            return IsHeld();
        }
        catch (SharedMemoryException)
        {
            // The name is gone, so that the object cannot be opened to ask the kernel.
            return null;
        }
    }
}
