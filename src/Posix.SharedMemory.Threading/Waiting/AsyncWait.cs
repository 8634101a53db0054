using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Threading;

/// <summary>One asynchronous wait, of whatever result: what the service thread needs of it.</summary>
internal abstract class AsyncWait
{
    internal WaitState State;
    private volatile bool _isCanceled;

    internal AsyncWait? Next { get; set; }

    internal Deadline Deadline { get; private protected set; }

    internal bool IsCanceled => _isCanceled;

    internal abstract IWaitTarget Target { get; }

    private protected WaitQueue? Queue { get; set; }

    /// <summary>Fixes how the wait ends; <see cref="Publish"/> then tells its awaiter, outside all locks.</summary>
    internal abstract void End(WaitOutcome outcome);

    internal abstract void Fail(Exception exception);

    internal abstract void Publish();

    private protected void RequestCancellation()
    {
        _isCanceled = true;
        Queue!.Disturb();
    }

    private protected void ClearCancellation() => _isCanceled = false;
}

/// <summary>One asynchronous wait and its result; used again once its awaiter has taken it.</summary>
internal sealed class AsyncWait<T> : AsyncWait, IValueTaskSource<T>, IValueTaskSource
{
    private static readonly Action<object?> s_cancel = static wait => ((AsyncWait<T>)wait!).RequestCancellation();

    private ManualResetValueTaskSourceCore<T> _core;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private IWaitTarget<T>? _target;
    private T? _result;
    private Exception? _failure;

    internal short Version => _core.Version;

    internal override IWaitTarget Target => _target!;

    internal void Begin(IWaitTarget<T> target, WaitQueue queue, in WaitState state, Deadline deadline, bool synchronously, CancellationToken token)
    {
        _target = target;
        Queue = queue;
        State = state;
        Deadline = deadline;
        _token = token;
        _core.RunContinuationsAsynchronously = !synchronously;
    }

    /// <summary>After the wait stands in its queue: a token that is cancelled already calls back at once.</summary>
    internal void Register()
    {
        if (_token.CanBeCanceled)
        {
            _registration = _token.UnsafeRegister(s_cancel, this);
        }
    }

    /// <summary>Nobody awaits it: it could not begin.</summary>
    internal void Forget() => _registration.Unregister();

    internal override void End(WaitOutcome outcome)
    {
        try
        {
            _result = _target!.Finish(outcome, ref State);
        }
        catch (Exception e)
        {
            _failure = e;
        }
    }

    internal override void Fail(Exception exception) => _failure = exception is OperationCanceledException ? new OperationCanceledException(_token) : exception;

    internal override void Publish()
    {
        if (_failure is { } failure)
        {
            _core.SetException(failure);
        }
        else
        {
            _core.SetResult(_result!);
        }
    }

    public T GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Recycle();
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Recycle()
    {
        // A callback that could not be withdrawn may still be on its way: it must not cancel the next wait.
        var isFree = !_token.CanBeCanceled || _registration.Unregister();
        var queue = Queue!;
        _registration = default;
        _token = default;
        _target = null;
        _result = default;
        _failure = null;
        if (isFree && !IsCanceled)
        {
            Queue = null;
            _core.Reset();
            queue.Keep(this);
        }
    }
}
