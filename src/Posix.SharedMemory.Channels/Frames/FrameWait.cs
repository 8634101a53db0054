using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>The asynchronous wait of an end for a frame, or until one is sent.</summary>
/// <param name="end">The end.</param>
/// <param name="found">Returns the frame, where it was one for a frame.</param>
/// <param name="reached">Returns how many readers the frame reached, where it was one until it is sent.</param>
internal sealed class FrameWait(ChannelEnd end, Func<Frame> found, Func<int> reached) : EndWait(end), IValueTaskSource<Frame>, IValueTaskSource<int>
{
    /// <summary>What a second awaiter gets: the first one has the frame.</summary>
    internal static InvalidOperationException WasAwaited() => new("The frame was taken by another awaiter: the task of a wait is awaited once.");

    Frame IValueTaskSource<Frame>.GetResult(short token)
    {
        GetResult(token);
        return found();
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        GetResult(token);
        return reached();
    }
}
