using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Answers the calls of the peer by a handler, many at a time.</summary>
internal sealed class CallServing(CallSession session, Func<IncomingCall, ValueTask> handler)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _thrown;
    private int _running = 1;

    /// <summary>Serves until the peer has completed, or the token is cancelled, and then waits for the handlers that run.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await session.WaitToReceiveAsync(cancellationToken).ConfigureAwait(false))
            {
                while (session.TryReceive(out var call))
                {
                    Interlocked.Increment(ref _running);
#pragma warning disable CA2012 // It never fails, and counts itself out.
                    _ = HandleAsync(call);
#pragma warning restore CA2012
                }
            }
        }
        finally
        {
            Leave();
            await _ended.Task.ConfigureAwait(false);
        }

        if (_thrown is { } thrown)
        {
            throw new AggregateException("A handler of calls threw an exception that is not a CallFailedException: the first one.", thrown);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask HandleAsync(IncomingCall call)
    {
        try
        {
            // Of one that was cancelled nobody would get the answer.
            if (!call.IsCancelled)
            {
                await handler(call).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // It is the caller's failure, and where it is a fault of the handler, who serves gets it at the end.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Answer(call, e);
        }

        call.Dispose();
        Leave();
    }

    private void Answer(IncomingCall call, Exception thrown)
    {
        try
        {
            switch (thrown)
            {
                case CallFailedException failed:
                    call.Fail(failed.Error, failed.Message);
                    return;
                case PeerDiedException or PeerLeftException:
                case OperationCanceledException when call.IsCancelled:
                    return;
                default:
                    Interlocked.CompareExchange(ref _thrown, thrown, null);
                    call.Fail(-1, "The handler of the call threw an exception.");
                    return;
            }
        }
        catch (InvalidOperationException)
        {
            // The handler had answered, and threw then.
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _ended.SetResult();
        }
    }
}
