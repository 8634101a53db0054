namespace Posix.SharedMemory.Bridge;

/// <summary>How many bytes of a channel are under way to its importers. Without an importer there is no limit: programs that are no bridge give no credit.</summary>
internal sealed class CreditWindow(ulong epoch, long windowBytes) : IDisposable
{
    /// <summary>How many importers count; any program may publish what looks like the credit of one.</summary>
    internal const int MostImporters = 1000;

    private readonly Lock _gate = new();
    private readonly Queue<(long Last, long Bytes)> _underWay = [];
    private readonly Dictionary<ulong, (long Settled, long Window, long HeardAt, int Stalls)> _importers = [];
    private readonly SemaphoreSlim _credit = new(0, 1);
    private long _bytes;
    private bool _hasNewcomer;
    private bool _isDisposed;

    /// <summary>Gets how many importers are there.</summary>
    internal int Importers
    {
        get
        {
            lock (_gate)
            {
                ForgetSilent();
                return _importers.Count;
            }
        }
    }

    /// <summary>Gets whether more may be sent now. The last message that may can exceed the window.</summary>
    internal bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                ForgetSilent();
                return _importers.Count == 0 || _bytes == 0 || _bytes < Math.Min(windowBytes, _importers.Values.Min(importer => importer.Window));
            }
        }
    }

    /// <summary>Messages up to a sequence are sent.</summary>
    internal void Add(long last, long bytes)
    {
        lock (_gate)
        {
            if (_importers.Count > 0)
            {
                _underWay.Enqueue((last, bytes));
                _bytes += bytes;
            }
        }
    }

    /// <summary>An importer says what it has.</summary>
    internal void Take(CreditNote note)
    {
        if (note.Epoch != epoch)
        {
            return;
        }

        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            ForgetSilent();
            if (_importers.Count >= MostImporters && !_importers.ContainsKey(note.Importer))
            {
                return;
            }

            var now = Environment.TickCount64;
            _hasNewcomer |= !_importers.ContainsKey(note.Importer);
            var stalls = 0;
            if (_importers.TryGetValue(note.Importer, out var before))
            {
                // Nothing arrives, and nothing waits there: what is under way was lost.
                stalls = note.Settled == before.Settled && note.Parked == 0 && _bytes > 0 ? before.Stalls + 1 : 0;
            }

            _importers[note.Importer] = (note.Settled, note.Window, now, stalls);
            if (_importers.Values.All(importer => importer.Stalls >= 2))
            {
                Forget();
            }

            var settled = _importers.Values.Min(importer => importer.Settled);
            while (_underWay.TryPeek(out var oldest) && oldest.Last <= settled)
            {
                _bytes -= _underWay.Dequeue().Bytes;
            }

            if (_credit.CurrentCount == 0)
            {
                _credit.Release();
            }
        }
    }

    /// <summary>Nothing is under way any more, since the connection was lost.</summary>
    internal void Reset()
    {
        lock (_gate)
        {
            Forget();
            _hasNewcomer = _importers.Count > 0;
        }
    }

    /// <summary>Whether an importer has come, or its connection is new, since the last call.</summary>
    internal bool TakeNewcomer()
    {
        lock (_gate)
        {
            (var hasNewcomer, _hasNewcomer) = (_hasNewcomer, false);
            return hasNewcomer;
        }
    }

    /// <summary>Waits for credit, for a while.</summary>
    internal Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _credit.WaitAsync(atMost, cancellationToken);

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _credit.Dispose();
        }
    }

    private void ForgetSilent()
    {
        var now = Environment.TickCount64;
        foreach (var (importer, state) in _importers)
        {
            if (now - state.HeardAt > FrameLimits.SilenceMilliseconds)
            {
                _importers.Remove(importer);
            }
        }

        if (_importers.Count == 0)
        {
            Forget();
        }
    }

    private void Forget()
    {
        _underWay.Clear();
        _bytes = 0;
        foreach (var importer in _importers.Keys)
        {
            _importers[importer] = _importers[importer] with { Stalls = 0 };
        }
    }
}
