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

    /// <summary>Gets all that the system told.</summary>
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
    /// <exception cref="SharedMemoryException">As <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>; <see cref="Errno.ENOENT"/> also where the name means another object now.</exception>
    public SharedMemoryObject Open(FileAccess access = FileAccess.Read) => ObjectOpening.Open(_name, Identity, access);

    /// <summary>Finds the processes that map the object or have it open.</summary>
    /// <exception cref="PlatformNotSupportedException">Only Linux tells.</exception>
    /// <remarks>As <see cref="SharedMemoryDirectory.GetHolders"/>, without opening it. <see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
    public SharedMemoryHolders GetHolders() => Platform.Current.Inspection.IndexHolders(Identity)[Identity];

    /// <summary>Asks the kernel whether anybody has the object open or mapped, in whatever PID namespace, without taking part in the object's membership meanwhile.</summary>
    /// <returns><see langword="null"/>: this user is not told, who is neither the owner nor has <c>CAP_LEASE</c>; or this system does not tell.</returns>
    /// <exception cref="SharedMemoryException">
    /// As <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.EACCES"/>; <see cref="Errno.ENOENT"/> also where the name means another object now.
    /// </exception>
    /// <remarks>
    /// What this process itself has opened or mapped counts too. A process that received the object's descriptor over a socket or from its parent is counted like the one that opened it.
    /// While the kernel is asked, another process that opens the object waits, or gets <see cref="Errno.EAGAIN"/> if it opens with <c>O_NONBLOCK</c> and does not retry.
    /// <see href="https://man7.org/linux/man-pages/man2/F_SETLEASE.2const.html">fcntl(F_SETLEASE)</see>
    /// </remarks>
    public bool? IsHeld()
    {
        var platform = Platform.Current;
        var error = platform.Names.Open(_name, FileMode.Open, FileAccess.Read, UnixFileMode.None, out var handle);
        if (handle is null)
        {
            return error == Errno.EACCES ? null : throw new SharedMemoryException(error, "shm_open", Name);
        }

        using (handle)
        {
            var target = new OpenObject(handle, _name);
            return platform.Backing.GetStatus(target).Identity != Identity ? throw new SharedMemoryException(Errno.ENOENT, "shm_open", Name)
                // Who takes part in a membership holds the object; that is told to those whom the kernel does not tell the rest.
                : platform.Membership.IsHeldByOthers(target) ?? (platform.Membership.Query(target) == MembershipState.None ? null : true);
        }
    }

    /// <summary>Moves the name to another, if it still means the object that was seen: also a name that no string can hold.</summary>
    /// <param name="name">The new name.</param>
    /// <param name="mode">What becomes of an object that has the new name.</param>
    /// <exception cref="ArgumentException">The new name cannot be one.</exception>
    /// <exception cref="SharedMemoryException">
    /// As <see cref="SharedMemoryObject.Rename(string, string, RenameMode)"/>; <see cref="Errno.ENOENT"/> also where the name means another object now.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/rename.2.html">rename(2)</see></remarks>
    public void Rename(string name, RenameMode mode = RenameMode.Replace)
    {
        var target = ObjectName.Parse(name, "shm_rename");
        SharedMemoryOptions.Check(mode);
        var platform = Platform.Current;
        var error = platform.Names.Find(_name)?.Identity == Identity ? platform.Names.Rename(_name, target, mode) : Errno.ENOENT;
        if (!error.IsSuccess)
        {
            throw new SharedMemoryException(error, "shm_rename", error == Errno.EEXIST ? name : Name);
        }
    }

    /// <summary>Sets who may open the object, if the name still means the one that was seen: also an object that its owner himself may not open.</summary>
    /// <param name="permissions">The nine bits and set-user, set-group, sticky.</param>
    /// <exception cref="ArgumentOutOfRangeException">Other bits.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPERM"/>: another user's. <see cref="Errno.ENOENT"/>: it is gone, or another object's now.
    /// <see cref="Errno.EACCES"/>: on FreeBSD and macOS, this user may not read the object, which has to be opened there.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">On Linux, /proc is not mounted.</exception>
    /// <remarks>Who has the object open keeps it. <see href="https://man7.org/linux/man-pages/man2/chmod.2.html">chmod(2)</see></remarks>
    public void SetPermissions(UnixFileMode permissions)
    {
        var error = Platform.Current.Names.SetPermissions(_name, Identity, SharedMemoryOptions.Check(permissions));
        if (!error.IsSuccess)
        {
            throw new SharedMemoryException(error, "chmod", Name);
        }
    }

    /// <summary>Removes the name, if it still means the object that was seen.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: it is gone, or another object's now. <see cref="Errno.EACCES"/>: another user's.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_unlink.3.html">shm_unlink(3)</see></remarks>
    public void Unlink()
    {
        if (new OwnedName(Platform.Current, _name, Identity).Remove() is { IsSuccess: false } error)
        {
            throw new SharedMemoryException(error, "shm_unlink", Name);
        }
    }
}
