namespace Posix.SharedMemory.Bridge;

/// <summary>A token that is cancelled after a time, with another token, or by <see cref="Interrupt"/>, and is made again for each wait.</summary>
internal sealed class Renewable : IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource? _source;

    internal CancellationToken In(int milliseconds, CancellationToken other)
    {
        lock (_gate)
        {
            _source?.Dispose();
            _source = CancellationTokenSource.CreateLinkedTokenSource(other);
            _source.CancelAfter(milliseconds);
            return _source.Token;
        }
    }

    /// <summary>Ends the wait of now, if there is one. May be called from any thread.</summary>
    internal void Interrupt()
    {
        lock (_gate)
        {
            // What waits goes on elsewhere: this thread may be one that reads from the network.
            _source?.CancelAfter(0);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _source?.Dispose();
            _source = null;
        }
    }
}
