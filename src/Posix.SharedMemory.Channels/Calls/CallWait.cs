using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>Something that a task waits for, used again and again: a wait allocates nothing. As a work item it completes the task.</summary>
internal abstract class CallWait : CallItem, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _source;
    private CancellationTokenRegistration _registration;
    private Exception? _exception;
    private bool _result;

    /// <summary>Gets the token of the task.</summary>
    internal short Token => _source.Version;

    /// <summary>Prepares the next wait.</summary>
    internal void Reset()
    {
        _source.Reset();
        (_exception, _result) = (null, true);
    }

    /// <summary>Calls <see cref="Cancel"/> when the token is cancelled. Comes before the wait begins, so that the end of the wait always finds the registration.</summary>
    internal void Register(CancellationToken cancellationToken) =>
        _registration = cancellationToken.UnsafeRegister(static (wait, token) => ((CallWait)wait!).Cancel(token), this);

    /// <summary>Gives up a wait that has not begun.</summary>
    internal void Unregister()
    {
        _registration.Dispose();
        _registration = default;
    }

    /// <summary>Stores what the task ends with.</summary>
    internal void Set(Exception? exception, bool result = true) => (_exception, _result) = (exception, result);

    /// <summary>Completes the task, and what waits for it goes on here: outside the gate, and as the last thing that the thread does.</summary>
    internal void Complete()
    {
        // Waits for a callback that is under way: it finds that the wait has ended.
        Unregister();
        if (_exception is { } exception)
        {
            _source.SetException(exception);
        }
        else
        {
            _source.SetResult(_result);
        }
    }

    /// <summary>Completes the task on the thread pool.</summary>
    internal void Post() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    void IThreadPoolWorkItem.Execute() => Complete();

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <summary>Refuses to end what has not ended, before anything changes: a result is taken once, when it is there.</summary>
    protected void RequireEnded(short token)
    {
        if (GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("The task has not ended yet.");
        }
    }

    /// <summary>Throws what the task ended with.</summary>
    protected bool Take(short token) => _source.GetResult(token);

    protected abstract void Cancel(CancellationToken cancellationToken);
}
