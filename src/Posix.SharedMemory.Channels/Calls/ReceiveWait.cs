using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>The wait for a call of the peer, of which there is one at a time.</summary>
internal sealed class ReceiveWait(CallSession session) : CallWait, IValueTaskSource<bool>
{
    private bool _isBegun;

    /// <summary>Gets whether it waits. Inside the gate.</summary>
    internal bool IsPending { get; private set; }

    internal override ushort RecordType => 0;

    internal override CallHeader Header => default;

    internal override ReadOnlyMemory<byte> Body => default;

    /// <summary>Begins the wait.</summary>
    /// <returns>The task; <see langword="null"/>: there is no need to wait, or no use.</returns>
    internal ValueTask<bool>? Begin(CancellationToken cancellationToken)
    {
        lock (session.Gate)
        {
            if (_isBegun)
            {
                throw new InvalidOperationException("Another wait for calls has not ended yet.");
            }

            _isBegun = true;
        }

        Reset();
        Register(cancellationToken);
        lock (session.Gate)
        {
            IsPending = !session.Served.HasReady && !session.IsOver && !cancellationToken.IsCancellationRequested;
            if (IsPending)
            {
                return new ValueTask<bool>(this, Token);
            }
        }

        Unregister();
        _isBegun = false;
        cancellationToken.ThrowIfCancellationRequested();
        return null;
    }

    /// <summary>Ends the wait, if there is one. Inside the gate.</summary>
    /// <returns>What is to be completed.</returns>
    internal ReceiveWait? End(bool result, Exception? failure = null)
    {
        if (!IsPending)
        {
            return null;
        }

        IsPending = false;
        Set(failure, result);
        return this;
    }

    internal override void OnWritten()
    {
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        RequireEnded(token);
        try
        {
            return Take(token);
        }
        finally
        {
            // The next wait begins another task.
            Volatile.Write(ref _isBegun, false);
        }
    }

    protected override void Cancel(CancellationToken cancellationToken)
    {
        ReceiveWait? ended;
        lock (session.Gate)
        {
            ended = End(result: false, new OperationCanceledException("The wait for a call was cancelled.", cancellationToken));
        }

        ended?.Post();
    }
}
