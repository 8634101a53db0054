using System.Net.Sockets;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The file of a listening socket. It is made under a name of its own, gets its permissions and listens before it appears at its path; what a dead listener left there is moved away first, and
/// only if it still is what was found dead.
/// </summary>
internal sealed class ListeningPath
{
    /// <summary>How often it tries where other processes start and end at the same path.</summary>
    private const int MostAttempts = 16;

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
        if (MarkOf(_path) == _mark)
        {
            Delete(_path);
        }
    }

    /// <summary>Gives the socket its path, which must be free, or left by a dead listener.</summary>
    private static void Publish(string beside, string full, string path)
    {
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            try
            {
                // link and unlink: never replaces what another process has put there.
                File.Move(beside, full, overwrite: false);
                return;
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException) && MarkOf(full) is not null)
            {
                MoveDeadAway(full, path);
            }
        }

        throw new SharedMemoryException(Errno.EADDRINUSE, "bind", null, $"other processes start listening at '{path}' at the same time");
    }

    /// <summary>Removes a socket to which nobody listens.</summary>
    private static void MoveDeadAway(string full, string path)
    {
        if (MarkOf(full) is not { } mark)
        {
            return;
        }

        RequireDead(full, path);
        var aside = NameBeside(full);
        try
        {
            File.Move(full, aside, overwrite: false);
        }
        catch (IOException)
        {
            // Another process was faster.
            return;
        }

        if (MarkOf(aside) == mark && IsDead(aside))
        {
            Delete(aside);
            return;
        }

        // Between the two looks another listener has taken the path over: it gets it back.
        try
        {
            File.Move(aside, full, overwrite: false);
        }
        catch (IOException)
        {
            Delete(aside);
        }
    }

    /// <exception cref="SharedMemoryException">A living process listens there, or it is not a socket.</exception>
    private static void RequireDead(string full, string path)
    {
        if (!IsSocket(full))
        {
            throw new SharedMemoryException(Errno.EADDRINUSE, "bind", null, $"'{path}' is not a socket");
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
