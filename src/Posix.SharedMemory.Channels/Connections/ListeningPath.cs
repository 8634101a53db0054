using System.Net.Sockets;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The file of a listening socket. It is made under a name of its own, gets its permissions and listens before it appears at its path. What a dead listener left there is removed first; from the
/// look at it until the new one has its place, no other listener of this library changes what is there.
/// </summary>
internal sealed class ListeningPath
{
    private const UnixFileMode Permissions =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly string _path;
    private readonly DateTime _mark;

    private ListeningPath(string path, DateTime mark)
    {
        _path = path;
        _mark = mark;
    }

    /// <summary>Gets the path as it was given.</summary>
    internal string Name => _path;

    /// <summary>Listens at a path.</summary>
    internal static (Socket Socket, ListeningPath Path) Listen(string path, UnixFileMode mode, int backlog)
    {
        _ = SocketFactory.AddressOf(path);
        if ((mode & ~Permissions) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(mode), mode, "A mode has no other bits than permissions.");
        }

        var full = Path.GetFullPath(path);
        var beside = NameBeside(full);
        var address = SocketFactory.AddressOf(beside);
        Socket? socket = null;
        try
        {
            socket = SocketFactory.New();
            socket.Bind(address);
            File.SetUnixFileMode(beside, mode);
            // A time that nobody else has set: by it the file is known again.
            var mark = File.GetLastWriteTimeUtc(beside).AddTicks(-Random.Shared.NextInt64(TimeSpan.TicksPerSecond));
            File.SetLastWriteTimeUtc(beside, mark);
            socket.Listen(backlog);
            Publish(beside, full, path);
            return (socket, new(full, mark));
        }
        catch (Exception e)
        {
            socket?.Dispose();
            Delete(beside);
            switch (e)
            {
                case SocketException failure:
                    throw SocketFactory.Translate(failure, "bind", path);
                case UnauthorizedAccessException:
                    throw new SharedMemoryException(Errno.EACCES, "bind", null, $"the socket is '{path}'");
                default:
                    throw;
            }
        }
    }

    /// <summary>Removes the file, if it is this listener's.</summary>
    internal void Remove()
    {
        try
        {
            using var held = PathLock.TryEnter(_path);
            if (held is not null && MarkOf(_path) == _mark)
            {
                Delete(_path);
            }
        }
        catch (IOException)
        {
            // Without the lock it stays, as after a listener that was killed: the next one replaces it.
        }
    }

    /// <summary>Gives the socket its path, which must be free, or left by a dead listener.</summary>
    private static void Publish(string beside, string full, string path)
    {
        using var held = PathLock.TryEnter(full)
            ?? throw new SharedMemoryException(Errno.EADDRINUSE, "bind", null, $"another process, or another user, holds '{PathLock.NameOf(full)}', and with it the path '{path}'");
        if (MarkOf(full) is not null)
        {
            RequireDead(full, path);
            File.Delete(full);
        }

        try
        {
            File.Move(beside, full, overwrite: false);
        }
        catch (IOException) when (MarkOf(full) is not null)
        {
            throw new SharedMemoryException(Errno.EADDRINUSE, "bind", null, $"another process has put something at '{path}' at the same time");
        }
    }

    /// <exception cref="SharedMemoryException">A living process listens there, or it is not a socket.</exception>
    private static void RequireDead(string full, string path)
    {
        if (!IsSocket(full))
        {
            throw new SharedMemoryException(Errno.EADDRINUSE, "bind", null, $"'{path}' is not a socket, or this user may not open it");
        }

        if (!IsDead(full))
        {
            throw new SharedMemoryException(Errno.EADDRINUSE, "bind", null, $"a process listens at '{path}', or this user may not connect to find out");
        }
    }

    /// <summary>Whether no socket belongs to the file: connecting to it is refused.</summary>
    private static bool IsDead(string file)
    {
        using var probe = SocketFactory.New();
        // A queue that is full is an answer too.
        probe.Blocking = false;
        try
        {
            probe.Connect(SocketFactory.AddressOf(file));
            return false;
        }
        catch (SocketException e)
        {
            return ErrnoNumbers.FromNative(e.NativeErrorCode) == Errno.ECONNREFUSED;
        }
    }

    /// <summary>Whether a file is a socket: the only one that cannot be opened because there is no device behind it.</summary>
    private static bool IsSocket(string file)
    {
        try
        {
            // For reading and writing: a pipe is not waited for then.
#pragma warning disable RS0030 // A socket, which is what is looked for, cannot be opened; and what else can stand there is open for an instant only.
            using var opened = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
#pragma warning restore RS0030
            return false;
        }
        catch (IOException e)
        {
            return e.HResult == Errno.ENXIO.ToNative();
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>When a file was last written; <see langword="null"/>: there is none.</summary>
    private static DateTime? MarkOf(string file)
    {
        try
        {
            return File.Exists(file) || Directory.Exists(file) ? File.GetLastWriteTimeUtc(file) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string NameBeside(string full) => Path.Combine(Path.GetDirectoryName(full) ?? "/", $".shm-{Random.Shared.NextInt64(1L << 32):x8}");

    private static void Delete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (IOException)
        {
            // It is gone.
        }
        catch (UnauthorizedAccessException)
        {
            // The directory no longer lets this user remove it: no process listens to it.
        }
    }
}
