using System.Runtime.ExceptionServices;
using Posix.SharedMemory.Threading;

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
            if (_round is null && !end.IsClosed)
            {
                _round = new(this, end.Endpoint);
                _round.Start();
            }
        }
    }

    /// <summary>The end has moved to another endpoint: the other side of that one, if it is there, has just come. The former one is still open.</summary>
    internal void Restart()
    {
        lock (_gate)
        {
            if (_round is { } former)
            {
                _round = new(this, end.Endpoint);
                _round.StartAfter(former);
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

    /// <summary>Raises the event with what a peer is now, unless the end was closed meanwhile. What a handler throws is nobody's to catch, and does not end the watch, on which completion depends.</summary>
    private void Raise(EndpointInfo peer)
    {
        if (end.Act is EndAct.Disposed or EndAct.Left)
        {
            return;
        }

        try
        {
            Volatile.Read(ref _handlers)?.Invoke(end.Owner ?? end, new(peer));
        }
        catch (Exception e)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static thrown => thrown.Throw(), ExceptionDispatchInfo.Capture(e), preferLocal: false);
        }
    }

    /// <summary>The watch over one endpoint.</summary>
    private sealed class Round(EndWatch watch, Endpoint endpoint)
    {
        /// <summary>Is held while the memory is looked at: who stops the watch may unmap it then.</summary>
        private readonly Lock _looking = new();
        private (uint Generation, PeerState State)[] _seen = [];
        private Task _running = Task.CompletedTask;
        private bool _isStopped;

        internal void Start()
        {
            _seen = Array.ConvertAll(endpoint.Peers, Look);
            _running = Task.Run(RunAsync);
        }

        /// <summary>Begins once the former watch has ended. What that had not noticed yet, the death that the end moved away from, is raised first.</summary>
        internal void StartAfter(Round former)
        {
            List<EndpointInfo> unnoticed = [];
            lock (former._looking)
            {
                while (unnoticed.Count < former._seen.Length && former.FindChange() is { } changed)
                {
                    unnoticed.Add(changed);
                }

                former.Stop();
            }

            _seen = new (uint, PeerState)[endpoint.Peers.Length];
            // The former watch itself is not kept: it keeps an object mapped that nobody uses any more.
            _running = RunAfterAsync(former._running, unnoticed);
        }

        private async Task RunAfterAsync(Task former, List<EndpointInfo> unnoticed)
        {
            await Task.Yield();
            await former.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            unnoticed.ForEach(watch.Raise);
            await RunAsync().ConfigureAwait(false);
        }

        /// <summary>The memory is not looked at any more once this has returned.</summary>
        internal void Stop()
        {
            lock (_looking)
            {
                _isStopped = true;
            }
        }

        /// <summary>The generation first: whatever is opened between the two looks differs from it the next time.</summary>
        private static (uint Generation, PeerState State) Look(EndpointView peer)
        {
            var generation = peer.Generation;
            return (generation, peer.Look());
        }

        private async Task RunAsync()
        {
            try
            {
                while (LookForChange(out var key, out var changed))
                {
                    if (changed is null)
                    {
                        await endpoint.Changes.WaitAsync(key).ConfigureAwait(false);
                        continue;
                    }

                    watch.Raise(changed);
                    // A peer that changes without a pause keeps no thread.
                    await Task.Yield();
                }
            }
            catch (ObjectDisposedException) when (IsStopped())
            {
                // The end was closed, or has moved to another endpoint, while this waited.
            }
        }

        private bool IsStopped()
        {
            lock (_looking)
            {
                return _isStopped;
            }
        }

        /// <returns>False: the watch was stopped.</returns>
        private bool LookForChange(out EventCountKey key, out EndpointInfo? changed)
        {
            (key, changed) = (default, null);
            lock (_looking)
            {
                if (_isStopped)
                {
                    return false;
                }

                key = endpoint.Changes.PrepareWait();
                watch.LookAtEnd();
                changed = FindChange();
                if (changed is not null)
                {
                    endpoint.Changes.CancelWait(key);
                }

                return true;
            }
        }

        /// <summary>Finds a peer that is not what it was, and has not been told.</summary>
        private EndpointInfo? FindChange()
        {
            foreach (var (index, peer) in endpoint.Peers.Index())
            {
                var now = Look(peer);
                if (now != _seen[index])
                {
                    _seen[index] = now;
                    return peer.Describe();
                }
            }

            return null;
        }
    }

    private void LookAtEnd() => end.OnChange();
}
