namespace Posix.SharedMemory.Bridge;

/// <summary>A token that is cancelled after a time, or with another token, and is made again for each wait.</summary>
internal sealed class Renewable : IDisposable
{
    private CancellationTokenSource? _source;

    internal CancellationToken In(int milliseconds, CancellationToken other)
    {
        _source?.Dispose();
        _source = CancellationTokenSource.CreateLinkedTokenSource(other);
        _source.CancelAfter(milliseconds);
        return _source.Token;
    }

    public void Dispose() => _source?.Dispose();
}
