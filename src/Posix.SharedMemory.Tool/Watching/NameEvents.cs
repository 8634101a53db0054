namespace Posix.SharedMemory.Tool;

/// <summary>Waits for changes of names: reported by the kernel where it does, otherwise found by comparing lists.</summary>
internal sealed class NameEvents : IDisposable
{
    private readonly SharedMemoryWatcher? _watcher;
    private readonly TimeSpan _interval;
    private readonly Queue<SharedMemoryChange> _compared = [];
    private Dictionary<string, SharedMemoryEntry> _listed = new(StringComparer.Ordinal);

    // Names that were reported as there, whose objects were gone when they were looked at: their removal is still to be reported.
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _passed = new(StringComparer.Ordinal);

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
            // The kernel has no watch left for this user, as on a desktop whose editors use them all.
            _watcher = null;
        }
    }

    /// <summary>Lists what exists now; changes after that are reported.</summary>
    /// <returns>How many objects.</returns>
    internal int Start() => (_listed = List()).Count;

    /// <summary>Waits for the next change, after <see cref="Start"/>.</summary>
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
                if (Note(change))
                {
                    return change;
                }
            }
            else
            {
                Compare();
            }
        }
    }

    /// <summary>Waits for the next change, or for the time to pass. For a caller that checks one object anyway, and finds changes that the kernel does not report.</summary>
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

    /// <summary>Records a change that the kernel reported, so that a later comparison reports only others.</summary>
    /// <returns>Whether it is new: what appeared or moved just before the list was made is in the list already.</returns>
    private bool Note(SharedMemoryChange change)
    {
        var old = Key(change.OldNameBytes);
        var isMoved = _listed.ContainsKey(old) | _passed.Remove(old);
        if (!change.OldNameBytes.IsEmpty)
        {
            // After an exchange, the other object has that name now.
            Keep(change.OldNameBytes, SharedMemoryDirectory.Find(change.OldNameBytes.Span));
        }

        var key = Key(change.NameBytes);
        if (change.Kind == SharedMemoryChangeKind.Removed)
        {
            return _listed.Remove(key) | _passed.Remove(key);
        }

        var entry = SharedMemoryDirectory.Find(change.NameBytes.Span);
        // What is gone by now and is in the list was reported when the lists were compared; otherwise its removal would have come before.
        var isListed = _listed.TryGetValue(key, out var same) && (entry is null || same.Identity == entry.Identity);
        Keep(change.NameBytes, entry);
        if (entry is null)
        {
            _passed[key] = change.NameBytes;
        }

        return isMoved || !isListed;
    }

    private void Keep(ReadOnlyMemory<byte> name, SharedMemoryEntry? entry)
    {
        if (entry is null)
        {
            _listed.Remove(Key(name));
        }
        else
        {
            _listed[Key(name)] = entry;
        }
    }

    private void Compare()
    {
        var now = List();
        // The same object under another name has been renamed.
        var gone = NotIn(now, _listed).GroupBy(entry => entry.Identity).ToDictionary(names => names.Key, names => new Queue<SharedMemoryEntry>(names));
        var come = NotIn(_listed, now).Select(entry => gone.TryGetValue(entry.Identity, out var names) && names.TryDequeue(out var old)
            ? new SharedMemoryChange(SharedMemoryChangeKind.Renamed, entry.NameBytes, old.NameBytes)
            : new SharedMemoryChange(SharedMemoryChangeKind.Added, entry.NameBytes, default)).ToList();
        foreach (var entry in gone.Values.SelectMany(names => names))
        {
            _compared.Enqueue(new(SharedMemoryChangeKind.Removed, entry.NameBytes, default));
        }

        foreach (var name in _passed.Where(name => !now.ContainsKey(name.Key)))
        {
            _compared.Enqueue(new(SharedMemoryChangeKind.Removed, name.Value, default));
        }

        _passed.Clear();
        come.ForEach(_compared.Enqueue);
        _listed = now;
    }

    /// <summary>The objects of one list that do not have the same name in another.</summary>
    private static IEnumerable<SharedMemoryEntry> NotIn(Dictionary<string, SharedMemoryEntry> others, Dictionary<string, SharedMemoryEntry> listed) =>
        listed.Where(pair => !others.TryGetValue(pair.Key, out var same) || same.Identity != pair.Value.Identity).Select(pair => pair.Value);

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
