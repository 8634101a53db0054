using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>The asynchronous wait of an end as one for a frame, or for how many readers one has reached.</summary>
/// <param name="wait">The wait.</param>
/// <param name="found">Returns the frame, where it was one for a frame.</param>
/// <param name="reached">Returns the number, where it was one for that.</param>
internal sealed class FrameWait(EndWait wait, Func<Frame> found, Func<int> reached) : IValueTaskSource<Frame>, IValueTaskSource<int>
{
    public ValueTaskSourceStatus GetStatus(short token) => wait.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => wait.OnCompleted(continuation, state, token, flags);

    Frame IValueTaskSource<Frame>.GetResult(short token)
    {
        wait.GetResult(token);
        return found();
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        wait.GetResult(token);
        return reached();
    }
}
