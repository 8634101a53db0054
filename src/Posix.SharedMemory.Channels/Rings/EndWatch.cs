using System.Runtime.ExceptionServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Watches the other side of an end: it waits for the event count of endpoint changes, which messages do not touch.</summary>
internal sealed class EndWatch(RingEnd end)
{
    private volatile bool _isStopped;

    internal void Start()
    {
        var (state, generation) = (end.Peer, end.Endpoint.Peer.Generation);
        _ = Task.Run(() => RunAsync(state, generation));
    }

    internal void Stop() => _isStopped = true;

    /// <summary>Raises the event. What a handler throws is nobody's to catch, and does not end the watch, on which completion depends.</summary>
    private void Raise()
    {
        try
        {
            end.RaisePeerChanged();
        }
        catch (Exception e)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static thrown => thrown.Throw(), ExceptionDispatchInfo.Capture(e), preferLocal: false);
        }
    }

    private async Task RunAsync(PeerState state, uint generation)
    {
        try
        {
            while (!_isStopped)
            {
                var key = end.Endpoint.Changes.PrepareWait();
                end.OnChange();
                // The generation first: whatever is opened between the two looks differs from it the next time.
                var (newGeneration, newState) = (end.Endpoint.Peer.Generation, end.Peer);
                if (newState != state || newGeneration != generation)
                {
                    end.Endpoint.Changes.CancelWait(key);
                    (state, generation) = (newState, newGeneration);
                    if (!_isStopped)
                    {
                        Raise();
                    }

                    continue;
                }

                await end.Endpoint.Changes.WaitAsync(key).ConfigureAwait(false);
            }
        }
        catch (ObjectDisposedException) when (end.Act is EndAct.Disposed or EndAct.Corrupt)
        {
            // The end was closed while this waited.
        }
    }
}
