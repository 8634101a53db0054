namespace Posix.SharedMemory.Bridge;

/// <summary>A channel whose writer does not wait for a bridge that may lose messages: what is missing between two messages was lost in the ring. The next message is taken ahead to know that.</summary>
internal abstract class GappySource : ExportSource
{
    private (int Length, MessageMark Mark, bool IsThere) _found;
    private (long First, long Last) _missed;
    private long _next;

    internal sealed override long Next => _missed.First > 0 ? _missed.First : _next;

    /// <inheritdoc/>
    /// <remarks>A reader that is killed is not waited for by the writer any more: what it had taken is in the history, if there is one, or nowhere.</remarks>
    internal sealed override bool Waits => false;

    /// <summary>Gets the bytes of the message that was taken.</summary>
    protected abstract ReadOnlySpan<byte> Ahead { get; }

    /// <summary>Gets whether a message was taken ahead.</summary>
    protected bool HasAhead => _found.IsThere;

    /// <summary>Gets how many bytes it has.</summary>
    protected int AheadLength => _found.Length;

    internal sealed override async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) =>
        _found.IsThere || _missed.First > 0 || await WaitForNextAsync(cancellationToken).ConfigureAwait(false);

    internal sealed override bool WaitToRead(TimeSpan timeout) => _found.IsThere || _missed.First > 0 || WaitForNext(timeout);

    /// <inheritdoc/>
    internal sealed override (long First, long Last) TakeMissed()
    {
        var missed = _missed;
        _missed = default;
        return missed;
    }

    /// <inheritdoc/>
    /// <remarks>Where messages are missing before it, there is none until they were reported: the messages of a batch follow each other.</remarks>
    internal sealed override bool TryRead(Span<byte> destination, out int length, out MessageMark mark)
    {
        if (!TryLookAhead() || _missed.First > 0)
        {
            (length, mark) = (0, default);
            return false;
        }

        (length, mark) = (_found.Length, _found.Mark);
        if (length > destination.Length)
        {
            return false;
        }

        Ahead.CopyTo(destination);
        Leave();
        return true;
    }

    internal sealed override bool TryDrop()
    {
        if (!TryLookAhead() || _missed.First > 0)
        {
            return false;
        }

        Leave();
        return true;
    }

    /// <summary>Begins with the first message that is there, or else the one that comes after those that were written.</summary>
    protected void Begin(Func<long> written)
    {
        // Counted before the look: what comes in between is found by it.
        var next = written() + 1;
        if (!TryLookAhead())
        {
            _next = next;
        }
    }

    /// <summary>Waits for a message that was not taken ahead.</summary>
    protected abstract ValueTask<bool> WaitForNextAsync(CancellationToken cancellationToken);

    /// <summary>Waits for a message that was not taken ahead, for a while.</summary>
    protected abstract bool WaitForNext(TimeSpan timeout);

    /// <summary>Takes the next message, and keeps it until <see cref="Release"/>.</summary>
    protected abstract bool TryTake(out int length, out MessageMark mark);

    /// <summary>The message that was taken is not needed any more.</summary>
    protected virtual void Release()
    {
    }

    private void Leave()
    {
        Release();
        _found = default;
        _next++;
    }

    private bool TryLookAhead()
    {
        if (_found.IsThere)
        {
            return true;
        }

        if (!TryTake(out var length, out var mark))
        {
            return false;
        }

        if (_next > 0 && mark.Sequence > _next)
        {
            _missed = (_next, mark.Sequence - 1);
        }

        _next = mark.Sequence;
        _found = (length, mark, true);
        return true;
    }
}
