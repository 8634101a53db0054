using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>The asynchronous wait of an end. There is one for each end, used again and again: a wait allocates nothing.</summary>
internal class EndWait : IValueTaskSource<bool>, IValueTaskSource<long>, IValueTaskSource
{
    /// <summary>How many looks follow each other before the thread is given to others.</summary>
    private const int LooksInOneGo = 64;

    private readonly ChannelEnd _end;
    private readonly Action _continue;
    private ManualResetValueTaskSourceCore<bool> _source;
    private ValueTaskAwaiter _awaiter;
    private CancellationToken _cancellationToken;
    private int _length;

    internal EndWait(ChannelEnd end)
    {
        _end = end;
        _continue = Continue;
    }

    /// <summary>Begins a wait inside the act <see cref="EndAct.Wait"/>, which ends with it.</summary>
    /// <returns>The token of the task.</returns>
    internal short Start(int length, CancellationToken cancellationToken)
    {
        _source.Reset();
        (_length, _cancellationToken) = (length, cancellationToken);
        var token = _source.Version;
        Run(first: true);
        return token;
    }

    public bool GetResult(short token) => _source.GetResult(token);

    /// <summary>What the wait found, where that is a number.</summary>
    long IValueTaskSource<long>.GetResult(short token)
    {
        _source.GetResult(token);
        return _end.Found;
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Continue() => Run(first: false);

    private void Run(bool first)
    {
        bool result;
        try
        {
            if (!first)
            {
                _awaiter.GetResult();
                _end.RefuseIfClosed();
            }

            EndLook look;
            var looks = 0;
            while ((look = _end.Step(_length, _cancellationToken, out _awaiter)) == EndLook.Pending)
            {
                // A peer that wakes without a pause keeps no thread.
                if (!_awaiter.IsCompleted || ++looks == LooksInOneGo)
                {
                    _awaiter.UnsafeOnCompleted(_continue);
                    return;
                }

                _awaiter.GetResult();
                _end.RefuseIfClosed();
            }

            result = look == EndLook.Ready;
        }
#pragma warning disable CA1031 // Whatever it is, it is the task's.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _awaiter = default;
            _end.FinishWait();
            _source.SetException(e);
            return;
        }

        _awaiter = default;
        _end.FinishWait();
        _source.SetResult(result);
    }
}
