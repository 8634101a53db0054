using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Returns whether an object has the name now. Another process may create or remove it at any time: to use the object, open it with <see cref="TryOpen(string, FileAccess, out SharedMemoryObject?)"/>.</summary>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="SharedMemoryException">The system could not be asked. <see cref="Errno.EACCES"/>: on macOS and FreeBSD, the object belongs to another user.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    /// <example>
    /// <code>
    /// Console.WriteLine(SharedMemoryObject.Exists("frames") ? "the camera runs" : "start the camera first");
    /// </code>
    /// </example>
    public static bool Exists(string name) => Platform.Current.Names.Find(ObjectName.Parse(name, "statx")) is not null;

    /// <summary>Gives an object another name, in one step: a process that opens the name finds the old object or the new one.</summary>
    /// <param name="from">The name that it has.</param>
    /// <param name="to">The name that it gets. The same name twice succeeds and changes nothing.</param>
    /// <param name="mode">What happens to an object that has that name. <see cref="RenameMode.Exchange"/> without one is a plain rename.</param>
    /// <exception cref="ArgumentException">A name is not valid.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: no object has the name <paramref name="from"/>. <see cref="Errno.EEXIST"/>: <see cref="RenameMode.NoReplace"/> found
    /// <paramref name="to"/> taken. <see cref="Errno.EACCES"/>: one of the two is another user's. <see cref="Errno.ENAMETOOLONG"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">macOS cannot rename shared memory.</exception>
    /// <remarks>
    /// A <see cref="SharedMemoryObject"/> that was opened before keeps its <see cref="Name"/>, and the name that its lifetime would remove; <see cref="Rename(string, RenameMode)"/> changes both.
    /// <see href="https://man.freebsd.org/cgi/man.cgi?query=shm_rename">shm_rename(2)</see>, also about the differences to Linux's renameat2(2).
    /// </remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "One is static and takes two names: no call fits both.")]
    public static void Rename(string from, string to, RenameMode mode = RenameMode.Replace)
    {
        var source = ObjectName.Parse(from, "shm_rename");
        var target = ObjectName.Parse(to, "shm_rename");
        Arguments.Check(mode);
        var error = Platform.Current.Names.Rename(source, target, mode);
        if (!error.IsSuccess)
        {
            throw NamingFailure.Of(error, "shm_rename", error == Errno.EEXIST ? target : source);
        }
    }

    /// <summary>Gives this object another name, in one step. <see cref="Name"/> and <see cref="Utf8Name"/> are the new name afterwards, and the object's lifetime removes that.</summary>
    /// <param name="to">The name that it gets. Its present name changes nothing.</param>
    /// <param name="mode">What happens to an object that has that name. <see cref="RenameMode.Exchange"/> without one is a plain rename.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="InvalidOperationException">The object has no name; an unpublished one gets its first with <see cref="Publish"/>.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: the object's name is gone, or refers to another object, which keeps it. <see cref="Errno.EEXIST"/>: <see cref="RenameMode.NoReplace"/> found the name taken.
    /// <see cref="Errno.EACCES"/>: one of the two is another user's. <see cref="Errno.ENAMETOOLONG"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">macOS cannot rename shared memory.</exception>
    /// <remarks>
    /// Other <see cref="SharedMemoryObject"/>s of it, here and in other processes, keep the name that they know. The system has no call that renames only a certain object: if another
    /// process puts a new object under the old name between the check and the call, that one is renamed.
    /// <see href="https://man.freebsd.org/cgi/man.cgi?query=shm_rename">shm_rename(2)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// using var table = SharedMemoryObject.Create("prices-new", 4096);
    /// table.Rename("prices");
    /// Console.WriteLine(table.Name);   // prices
    /// </code>
    /// </example>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "One is static and takes two names: no call fits both.")]
    public void Rename(string to, RenameMode mode = RenameMode.Replace)
    {
        var parsed = ObjectName.Parse(to, "shm_rename");
        Arguments.Check(mode);
        lock (_descriptor.Handle)
        {
            var owned = NameToOwn();
            if (Platform.Names.Find(owned.Name)?.Identity != owned.Identity)
            {
                throw new SharedMemoryException(Errno.ENOENT, "shm_rename", Name, "the name is gone, or refers to another object now");
            }

            var error = Platform.Names.Rename(owned.Name, parsed, mode);
            if (!error.IsSuccess)
            {
                throw NamingFailure.Of(error, "shm_rename", error == Errno.EEXIST ? parsed : owned.Name);
            }

            _descriptor.Name = parsed;
            _utf8Name = null;
            _nameOwner = NameShare.Move(_nameOwner, parsed);
        }
    }

    /// <summary>Gets whether no name leads to this object any more: its name is gone, or refers to another object now, or it has none.</summary>
    /// <exception cref="SharedMemoryException">The system could not be asked. <see cref="Errno.EACCES"/>: on macOS and FreeBSD, the object that has the name belongs to another user.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see></remarks>
    /// <example>
    /// <code>
    /// if (memory.IsUnlinked)
    /// {
    ///     // Another process has replaced the object, or removed its name.
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
            return target.Name.IsNone || Platform.Names.Find(target.Name)?.Identity != Platform.Backing.GetStatus(target).Identity;
        }
    }

    /// <summary>Removes this object's name, if it still refers to this object.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: the name is gone, or refers to another object, which keeps it. <see cref="Errno.EACCES"/>.</exception>
    /// <remarks>
    /// The system has no call that removes a name only if it refers to a certain object: if another process puts a new object
    /// under the name between the check and the removal, that one loses its name.
    /// </remarks>
    public void Unlink()
    {
        if (NameToOwn().Remove() is { IsSuccess: false } error)
        {
            throw error == Errno.ENOENT
                ? new SharedMemoryException(error, "shm_unlink", Name, "the name is gone, or refers to another object now")
                : NamingFailure.Of(error, "shm_unlink", _descriptor.Name);
        }
    }
}
