namespace Posix.SharedMemory.Tool;

/// <summary>Waits for what happens to names: told by the kernel where it tells, else by comparing lists.</summary>
internal sealed class NameEvents : IDisposable
{
    private readonly SharedMemoryWatcher? _watcher;
    private readonly TimeSpan _interval;
    private readonly Queue<SharedMemoryChange> _compared = [];
    private Dictionary<string, SharedMemoryEntry> _listed = new(StringComparer.Ordinal);

    internal NameEvents(TimeSpan interval)
    {
        _interval = interval;
        try
        {
            _watcher = SharedMemoryDirectory.Watch();
        }
        catch (PlatformNotSupportedException)
        {
            _watcher = null;
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EMFILE || e.Errno == Errno.ENOSPC)
        {
            // The kernel has no watch left for this user, as on a desktop whose editors took them all.
            _watcher = null;
        }
    }

    /// <summary>Looks at what there is, to tell of what comes after it.</summary>
    /// <returns>How many objects.</returns>
    internal int Start() => (_listed = List()).Count;

    /// <summary>Waits for the next of all, after <see cref="Start"/>.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    internal SharedMemoryChange Next(CancellationToken ended)
    {
        while (true)
        {
            if (_compared.TryDequeue(out var found))
            {
                return found;
            }

            if (_watcher is null)
            {
                WaitOrThrow(_interval, ended);
                Compare();
            }
            else if (_watcher.Wait(Timeout.InfiniteTimeSpan, ended) is { Kind: not SharedMemoryChangeKind.Missed } change)
            {
                Note(change);
                return change;
            }
            else
            {
                Compare();
            }
        }
    }

    /// <summary>Waits for the next, or for the time to pass. For who looks at one object anyway: without the kernel's word he sees the rest himself.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    internal SharedMemoryChange? Next(TimeSpan most, CancellationToken ended)
    {
        if (_watcher is not null)
        {
            return _watcher.Wait(most, ended);
        }

        WaitOrThrow(most, ended);
        return null;
    }

    public void Dispose() => _watcher?.Dispose();

    private static void WaitOrThrow(TimeSpan time, CancellationToken ended)
    {
        ended.WaitHandle.WaitOne(time);
        ended.ThrowIfCancellationRequested();
    }

    // What the kernel told is kept, so that a later comparison tells only what it did not.
    private void Note(SharedMemoryChange change)
    {
        _listed.Remove(Key(change.OldNameBytes));
        if (change.Kind == SharedMemoryChangeKind.Removed || SharedMemoryDirectory.Find(change.NameBytes.Span) is not { } entry)
        {
            _listed.Remove(Key(change.NameBytes));
        }
        else
        {
            _listed[Key(change.NameBytes)] = entry;
        }
    }

    private void Compare()
    {
        var now = List();
        foreach (var (key, entry) in _listed)
        {
            if (!now.TryGetValue(key, out var same) || same.Identity != entry.Identity)
            {
                _compared.Enqueue(new(SharedMemoryChangeKind.Removed, entry.NameBytes, default));
            }
        }

        foreach (var (key, entry) in now)
        {
            if (!_listed.TryGetValue(key, out var same) || same.Identity != entry.Identity)
            {
                _compared.Enqueue(new(SharedMemoryChangeKind.Added, entry.NameBytes, default));
            }
        }

        _listed = now;
    }

    private static Dictionary<string, SharedMemoryEntry> List()
    {
        var listed = new Dictionary<string, SharedMemoryEntry>(StringComparer.Ordinal);
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            listed[Key(entry.NameBytes)] = entry;
        }

        return listed;
    }

    private static string Key(ReadOnlyMemory<byte> name) => EscapedText.Of(name.Span);
}
