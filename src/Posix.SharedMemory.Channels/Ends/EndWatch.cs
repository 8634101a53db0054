using System.Runtime.ExceptionServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Watches the other side of an end, each place of it: it waits for the event count of endpoint changes, which messages do not touch.</summary>
internal sealed class EndWatch(ChannelEnd end)
{
    // The end may go over to another endpoint, which another watch watches.
    private readonly Endpoint _endpoint = end.Endpoint;
    private volatile bool _isStopped;

    /// <summary>Begins to watch.</summary>
    /// <param name="isNew">Whether a peer that is there already has just come.</param>
    internal void Start(bool isNew = false)
    {
        var seen = isNew ? new (uint, PeerState)[_endpoint.Peers.Length] : Array.ConvertAll(_endpoint.Peers, Look);
        _ = Task.Run(() => RunAsync(seen));
    }

    internal void Stop() => _isStopped = true;

    /// <summary>Raises the event. What a handler throws is nobody's to catch, and does not end the watch, on which completion depends.</summary>
    private void Raise(EndpointView peer)
    {
        try
        {
            end.RaisePeerChanged(peer);
        }
        catch (Exception e)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static thrown => thrown.Throw(), ExceptionDispatchInfo.Capture(e), preferLocal: false);
        }
    }

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
                var key = _endpoint.Changes.PrepareWait();
                end.OnChange();
                if (FindChange(seen) is { } changed)
                {
                    _endpoint.Changes.CancelWait(key);
                    if (!_isStopped)
                    {
                        Raise(changed);
                    }

                    continue;
                }

                await _endpoint.Changes.WaitAsync(key).ConfigureAwait(false);
            }
        }
        catch (ObjectDisposedException) when (_isStopped || end.Act is EndAct.Disposed or EndAct.Corrupt)
        {
            // The end was closed while this waited.
        }
    }

    private EndpointView? FindChange((uint Generation, PeerState State)[] seen)
    {
        foreach (var (index, peer) in _endpoint.Peers.Index())
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
