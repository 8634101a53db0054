namespace Posix.SharedMemory.Channels;

/// <summary>What ends a pending wait of a pipe's half from another thread: once for each request, and also where it comes before the wait.</summary>
internal sealed class PipeWake
{
    private readonly Lock _gate = new();
    private CancellationTokenSource? _source;
    private bool _isRequested;

    /// <summary>Ends the wait that is pending, or the next one.</summary>
    internal void Request()
    {
        lock (_gate)
        {
            _isRequested = true;
            _source?.Cancel();
        }
    }

    /// <summary>Whether it was requested since it was last taken.</summary>
    internal bool Take()
    {
        lock (_gate)
        {
            var wasRequested = _isRequested;
            _isRequested = false;
            return wasRequested;
        }
    }

    /// <summary>Waits for what a function waits for, until it is requested.</summary>
    /// <returns>The function's result; <see langword="null"/>: it was requested.</returns>
    internal async ValueTask<bool?> WaitAsync(Func<CancellationToken, ValueTask<bool>> wait, CancellationToken cancellationToken)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            lock (_gate)
            {
                if (_isRequested)
                {
                    _isRequested = false;
                    return null;
                }

                _source = source;
            }

            try
            {
                return await wait(source.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                Take();
                return null;
            }
            catch (OperationCanceledException e) when (e.CancellationToken != cancellationToken)
            {
                throw new OperationCanceledException(e.Message, e, cancellationToken);
            }
        }
        finally
        {
            lock (_gate)
            {
                _source = null;
            }

            source.Dispose();
        }
    }
}
