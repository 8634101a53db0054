using System.Runtime.CompilerServices;

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

    /// <summary>Reports changes as they happen, without occupying a thread meanwhile. It ends only by cancellation, disposal or an error.</summary>
    /// <param name="cancellationToken">Ends the enumeration. What has not been reported by then is reported to the next caller.</param>
    /// <exception cref="OperationCanceledException">The enumeration was cancelled.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENODEV"/>: the directory of objects is gone, or another is mounted there now; create a new watcher. <see cref="Errno.EMFILE"/>: no descriptor is left to wait with.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The watcher is disposed; a wait that has begun ends by it too.</exception>
    /// <remarks>
    /// One thread of this library waits for all watchers of the process. <see href="https://man7.org/linux/man-pages/man7/inotify.7.html">inotify(7)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// using SharedMemoryWatcher watcher = SharedMemoryDirectory.Watch();
    /// await foreach (SharedMemoryChange change in watcher.WatchAsync(cancellationToken))
    /// {
    ///     Console.WriteLine($"{change.Kind}: {System.Text.Encoding.UTF8.GetString(change.NameBytes.Span)}");
    /// }
    /// </code>
    /// </example>
    public async IAsyncEnumerable<SharedMemoryChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            cancellationToken.ThrowIfCancellationRequested();
            if (_changes.TryDequeue(out var change))
            {
                yield return change;
                continue;
            }

            await _watch.WaitAsync(cancellationToken).ConfigureAwait(false);
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _watch.Take(_changes);
        }
    }

    /// <summary>Stops watching. Further calls have no effect.</summary>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _watch.Dispose();
        }
    }
}
