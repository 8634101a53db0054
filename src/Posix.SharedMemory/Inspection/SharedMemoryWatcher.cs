namespace Posix.SharedMemory.Inspection;

/// <summary>Reports changes of objects' names, in order, from the moment it is created.</summary>
/// <remarks>
/// The kernel reports the changes; nothing is polled. Use it from one thread at a time; <see cref="Dispose"/> and cancellation may come from any thread.
/// <see href="https://man7.org/linux/man-pages/man7/inotify.7.html">inotify(7)</see>
/// </remarks>
public sealed class SharedMemoryWatcher : IDisposable
{
    private readonly DirectoryWatch _watch;
    private readonly Queue<SharedMemoryChange> _changes = [];
    private volatile bool _isDisposed;

    internal SharedMemoryWatcher(DirectoryWatch watch) => _watch = watch;

    /// <summary>Waits for the next change.</summary>
    /// <param name="timeout">The maximum time to wait; <see cref="Timeout.InfiniteTimeSpan"/> to wait without a limit, zero to return only a change that has happened already.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns><see langword="null"/> if there was no change within the time.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENODEV"/>: the directory of objects is gone, or another one is mounted there now; create a new watcher.</exception>
    /// <exception cref="ObjectDisposedException">The watcher is disposed.</exception>
    public SharedMemoryChange? Wait(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, Timeout.InfiniteTimeSpan);
        var began = TimeProvider.System.GetTimestamp();
        SharedMemoryChange? change;
        while (!_changes.TryDequeue(out change))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rest = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - TimeProvider.System.GetElapsedTime(began);
            if (!_watch.Read(rest < TimeSpan.Zero && timeout >= TimeSpan.Zero ? TimeSpan.Zero : rest, _changes, cancellationToken) && rest <= TimeSpan.Zero
                && timeout != Timeout.InfiniteTimeSpan)
            {
                return null;
            }
        }

        return change;
    }

    /// <summary>Stops watching.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _watch.Dispose();
    }
}
