namespace Posix.SharedMemory.Channels;

/// <summary>
/// Serializes those who put a socket at a path, or take it away: a file beside it, which is held by <c>flock</c> and removed by the process that holds it. One that a killed process has left holds up no process of the
/// same user, and the next holder removes it.
/// </summary>
internal sealed class PathLock : IDisposable
{
    /// <summary>How long it is tried. The process that holds it makes a few system calls.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    private readonly string _file;
    private readonly FileStream _held;

    private PathLock(string file, FileStream held) => (_file, _held) = (file, held);

    /// <summary>Enters the lock of a path.</summary>
    /// <returns><see langword="null"/>: another process has held it all the time, or the file is another user's, or not one that this library makes.</returns>
    /// <exception cref="IOException">The file cannot be made.</exception>
    internal static PathLock? TryEnter(string full)
    {
        var file = NameOf(full);
        var start = TimeProvider.System.GetTimestamp();
        do
        {
            if (TryHold(file) is { } held)
            {
                return new(file, held);
            }

            Thread.Sleep(1);
        }
        while (TimeProvider.System.GetElapsedTime(start) < s_limit);
        return null;
    }

    /// <summary>Where the file of a path's lock is.</summary>
    internal static string NameOf(string full) => Path.Combine(Path.GetDirectoryName(full) ?? "/", $".shm-{Path.GetFileName(full)}.lock");

    /// <summary>Removes the file, and leaves.</summary>
    public void Dispose()
    {
        try
        {
            File.Delete(_file);
        }
        catch (IOException)
        {
            // It stays, and can be held by the next.
        }
        catch (UnauthorizedAccessException)
        {
            // As above: the directory no longer lets this user remove it.
        }

        _held.Dispose();
    }

    private static FileStream? TryHold(string file)
    {
        FileStream? stream = null;
        try
        {
            if (new FileInfo(file).LinkTarget is not null)
            {
                // Nothing of this library: what it leads to is not touched.
                return null;
            }

            stream = new(file, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            // The former holder may have removed the file between the two calls that open and hold it. It still has the name if the name has this time, which nobody else has set.
            var mark = File.GetLastWriteTimeUtc(stream.SafeFileHandle).AddTicks(-Random.Shared.NextInt64(TimeSpan.TicksPerSecond));
            File.SetLastWriteTimeUtc(stream.SafeFileHandle, mark);
            if (File.GetLastWriteTimeUtc(file) == File.GetLastWriteTimeUtc(stream.SafeFileHandle))
            {
                return stream;
            }
        }
        catch (IOException e) when (e.HResult == Errno.EAGAIN.ToNative())
        {
            // Another process holds it.
        }
        catch (UnauthorizedAccessException)
        {
            // It is another user's.
        }
        catch
        {
            stream?.Dispose();
            throw;
        }

        stream?.Dispose();
        return null;
    }
}
