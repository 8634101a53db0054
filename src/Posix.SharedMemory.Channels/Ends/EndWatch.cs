using System.Runtime.ExceptionServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Watches the other side of an end, each place of it: it waits for the event count of endpoint changes, which messages do not touch.</summary>
internal sealed class EndWatch(ChannelEnd end)
{
    private readonly Lock _gate = new();
    private EventHandler<PeerChangedEventArgs>? _handlers;
    private Round? _round;

    internal void Add(EventHandler<PeerChangedEventArgs>? handler)
    {
        lock (_gate)
        {
            _handlers += handler;
        }

        Start();
    }

    internal void Remove(EventHandler<PeerChangedEventArgs>? handler)
    {
        lock (_gate)
        {
            _handlers -= handler;
        }
    }

    /// <summary>Begins to watch, if it does not yet.</summary>
    internal void Start()
    {
        lock (_gate)
        {
            if (_round is null && end.Act is not (EndAct.Disposed or EndAct.Corrupt))
            {
                _round = new(this, end.Endpoint);
                _round.Start(isNew: false);
            }
        }
    }

    /// <summary>The end has moved to another endpoint: the other side of that one, if it is there, has just come.</summary>
    internal void Restart()
    {
        lock (_gate)
        {
            if (_round is { } former)
            {
                former.Stop();
                _round = new(this, end.Endpoint);
                _round.Start(isNew: true);
            }
        }
    }

    internal void Stop()
    {
        lock (_gate)
        {
            _round?.Stop();
        }
    }

    /// <summary>Raises the event. What a handler throws is nobody's to catch, and does not end the watch, on which completion depends.</summary>
    private void Raise(EndpointView peer)
    {
        try
        {
            Volatile.Read(ref _handlers)?.Invoke(end.Owner ?? end, new(peer.Describe()));
        }
        catch (Exception e)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static thrown => thrown.Throw(), ExceptionDispatchInfo.Capture(e), preferLocal: false);
        }
    }

    /// <summary>The watch over one endpoint.</summary>
    private sealed class Round(EndWatch watch, Endpoint endpoint)
    {
        private volatile bool _isStopped;

        internal void Start(bool isNew)
        {
            var seen = isNew ? new (uint, PeerState)[endpoint.Peers.Length] : Array.ConvertAll(endpoint.Peers, Look);
            _ = Task.Run(() => RunAsync(seen));
        }

        internal void Stop() => _isStopped = true;

        /// <summary>The generation first: whatever is opened between the two looks differs from it the next time.</summary>
        private static (uint Generation, PeerState State) Look(EndpointView peer)
        {
            var generation = peer.Generation;
            return (generation, peer.Look());
        }

        private async Task RunAsync((uint Generation, PeerState State)[] seen)
        {
            try
            {
                while (!_isStopped)
                {
                    var key = endpoint.Changes.PrepareWait();
                    watch.LookAtEnd();
                    if (FindChange(seen) is { } changed)
                    {
                        endpoint.Changes.CancelWait(key);
                        if (!_isStopped)
                        {
                            watch.Raise(changed);
                        }

                        // A peer that changes without a pause keeps no thread.
                        await Task.Yield();
                        continue;
                    }

                    await endpoint.Changes.WaitAsync(key).ConfigureAwait(false);
                }
            }
            catch (ObjectDisposedException) when (_isStopped || watch.IsOver)
            {
                // The end was closed, or has moved to another endpoint, while this waited.
            }
        }

        private EndpointView? FindChange((uint Generation, PeerState State)[] seen)
        {
            foreach (var (index, peer) in endpoint.Peers.Index())
            {
                var now = Look(peer);
                if (now != seen[index])
                {
                    seen[index] = now;
                    return peer;
                }
            }

            return null;
        }
    }

    private bool IsOver => end.Act is EndAct.Disposed or EndAct.Corrupt;

    private void LookAtEnd() => end.OnChange();
}
