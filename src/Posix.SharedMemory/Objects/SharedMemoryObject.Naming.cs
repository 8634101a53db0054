namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Removes a name: <c>shm_unlink</c>. Who has the object open keeps it.</summary>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: there is no such name. <see cref="Errno.EACCES"/>: another user's object. <see cref="Errno.EISDIR"/>: a
    /// directory stands under the name. <see cref="Errno.ENAMETOOLONG"/>.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_unlink.3.html">shm_unlink(3)</see></remarks>
    public static void Unlink(string name)
    {
        if (Platform.Current.Names.Unlink(ObjectName.Parse(name, "shm_unlink")) is { IsSuccess: false } error)
        {
            throw new SharedMemoryException(error, "shm_unlink", name);
        }
    }

    /// <summary>Removes a name, if it is there.</summary>
    /// <returns>Whether it was there (not <see cref="Errno.ENOENT"/>).</returns>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Unlink(string)"/>, without <see cref="Errno.ENOENT"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_unlink.3.html">shm_unlink(3)</see></remarks>
    public static bool TryUnlink(string name)
    {
        var error = Platform.Current.Names.Unlink(ObjectName.Parse(name, "shm_unlink"));
        return error.IsSuccess || (error == Errno.ENOENT ? false : throw new SharedMemoryException(error, "shm_unlink", name));
    }

    /// <summary>Gives an object another name, in one step: an opener finds the object that was there or the one that is now.</summary>
    /// <param name="from">The name there is.</param>
    /// <param name="to">The name it gets. The same name twice succeeds and does nothing.</param>
    /// <param name="mode">What becomes of an object that has it. <see cref="RenameMode.Exchange"/> without one is a plain rename.</param>
    /// <exception cref="ArgumentException">A name cannot be one.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: there is no <paramref name="from"/>. <see cref="Errno.EEXIST"/>: <see cref="RenameMode.NoReplace"/> found
    /// <paramref name="to"/> taken. <see cref="Errno.EACCES"/>: one of the two is another user's. <see cref="Errno.ENAMETOOLONG"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">macOS cannot rename shared memory.</exception>
    /// <remarks>
    /// An object that has the name open does not learn of it: its <see cref="Name"/> stays, and so does the name that its lifetime would remove.
    /// <see href="https://man.freebsd.org/cgi/man.cgi?query=shm_rename">shm_rename(2)</see>, also where it differs from Linux's renameat2(2).
    /// </remarks>
    public static void Rename(string from, string to, RenameMode mode = RenameMode.Replace)
    {
        var source = ObjectName.Parse(from, "shm_rename");
        var target = ObjectName.Parse(to, "shm_rename");
        SharedMemoryOptions.Check(mode);
        var error = Platform.Current.Names.Rename(source, target, mode);
        if (!error.IsSuccess)
        {
            throw new SharedMemoryException(error, "shm_rename", error == Errno.EEXIST ? to : from);
        }
    }

    /// <summary>Gets whether no name leads to this object any more: its name is gone, or means another object now, or it has none.</summary>
    /// <exception cref="SharedMemoryException">The system would not say; <see cref="Errno.EACCES"/>.</exception>
    /// <example>
    /// <code>
    /// if (memory.IsUnlinked)
    /// {
    ///     // Somebody has put another object under the name, or removed it.
    ///     memory.Dispose();
    ///     memory = SharedMemoryObject.Open(name);
    /// }
    /// </code>
    /// </example>
    public bool IsUnlinked
    {
        get
        {
            var target = Target;
            return _name.IsNone || _platform.Names.Find(_name)?.Identity != _platform.Backing.GetStatus(target).Identity;
        }
    }

    /// <summary>Removes this object's name, if it still means this object.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: the name is gone, or means another object, which keeps it. <see cref="Errno.EACCES"/>.</exception>
    /// <remarks>
    /// The system has no call that removes a name only if it means a certain object: if another process puts a new object
    /// under the name in the instant between looking and removing, that one loses its name.
    /// </remarks>
    public void Unlink()
    {
        if (NameToOwn().Remove() is { IsSuccess: false } error)
        {
            throw new SharedMemoryException(
                error, "shm_unlink", Name, error == Errno.ENOENT ? "the name is gone, or means another object now" : null);
        }
    }
}
