using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Opens the object called <paramref name="name"/>, if there is one.</summary>
    /// <returns>Whether there was one (not <see cref="Errno.ENOENT"/>).</returns>
    /// <exception cref="ArgumentException">The name is not valid, or <see cref="FileAccess.Write"/>.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.ENOENT"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see></remarks>
    public static bool TryOpen(string name, FileAccess access, [NotNullWhen(true)] out SharedMemoryObject? memory) =>
        ObjectOpening.TryOpen(name, access, out memory);

    /// <summary>Opens the object called <paramref name="name"/> for reading and writing, if there is one. The options say what happens to one whose creator and members were all killed.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="options">
    /// With <see cref="Lifetime.UnlinkOnLastDispose"/> this process goes on with an object that was left behind, and becomes a member of it. With
    /// <see cref="NameConflict.ReplaceAbandoned"/> such an object counts as missing: a call that then creates the name with the same option replaces it. Everything else is for new objects.
    /// </param>
    /// <param name="memory">The object.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">The name is not valid; or <see cref="NameConflict.Replace"/>, with which nothing would ever be opened.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EAGAIN"/>, after a second of trying, with <see cref="Lifetime.UnlinkOnLastDispose"/>: another process has stopped while it replaces the object, or while it removes the name.
    /// Otherwise as <see cref="Open(string, FileMode, FileAccess, UnixFileMode)"/>, without <see cref="Errno.ENOENT"/>.
    /// </exception>
    /// <remarks>
    /// As long as a member has the object open, <see cref="NameConflict.ReplaceAbandoned"/> does not replace it, and the last member's <see cref="Dispose"/> removes the name. An object with
    /// <see cref="Lifetime.Keep"/>, one that another program created, and one whose creator lives are opened as by <see cref="TryOpen(string, FileAccess, out SharedMemoryObject)"/>.
    /// <see href="https://man7.org/linux/man-pages/man3/shm_open.3.html">shm_open(3)</see>
    /// </remarks>
    public static bool TryOpen(string name, SharedMemoryOptions options, [NotNullWhen(true)] out SharedMemoryObject? memory) => ObjectOpening.TryOpen(name, options, out memory);

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
    /// Linux: the kernel reports new names and lengths (<c>inotify</c>), and no thread waits for this object alone. If no instance of inotify is left
    /// (<c>fs.inotify.max_user_instances</c>), and on other systems, the method tries ten times a second. If the creator was killed before it set the length, the wait goes on until another object
    /// replaces this one. A length does not mean that the contents are complete: objects by <see cref="Create"/> and <see cref="Publish"/> appear complete, others need a word inside that says so.
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
        Arguments.CheckAccess(access);
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

    /// <summary>Takes over a descriptor, if it is one of memory that is open for reading; otherwise it stays the caller's.</summary>
    internal static SharedMemoryObject? OfHandle(Platform platform, in OpenObject target) =>
        platform.Seals.Examine(target, out var pageSize) is { } access ? new(new ObjectDescriptor(platform, target, access) { PageSize = pageSize, MayBeSealed = true }) : null;
}
