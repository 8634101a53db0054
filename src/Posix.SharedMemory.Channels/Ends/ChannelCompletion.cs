namespace Posix.SharedMemory.Channels;

/// <summary>The end of a channel as its reader sees it, and the task that completes with it. The reader and its watch look at it, each on its thread: it reads shared memory only.</summary>
internal sealed unsafe class ChannelCompletion(Endpoint endpoint)
{
    private readonly byte* _writerLine = endpoint.Line(ChannelLayout.WriterLine);
    private readonly Lock _gate = new();
    private TaskCompletionSource? _source;

    /// <summary>Gets what the writer has stored: more than <see cref="ChannelState.Continued"/> is corrupt.</summary>
    internal uint State =>
        // SYNC ring.complete: pairs with WritingEnd.StoreEnd. The state was stored after the last tail.
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(uint*)(_writerLine + ChannelLayout.StateInLine));

    /// <summary>Gets the task.</summary>
    internal Task Task
    {
        get
        {
            lock (_gate)
            {
                _source ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                return _source.Task;
            }
        }
    }

    /// <summary>Completes the task if the writer has completed the channel. The caller has looked at a state first, and then whether it has drained what was published.</summary>
    internal void EndIfCompleted()
    {
        var state = State;
        if (state is 0 or > (uint)ChannelState.Continued)
        {
            return;
        }

        lock (_gate)
        {
            if (state == (uint)ChannelState.Aborted)
            {
                _source?.TrySetException(Abortion());
            }
            else
            {
                _source?.TrySetResult();
            }
        }
    }

    /// <summary>Fails the task.</summary>
    internal void Fail(ChannelException failure)
    {
        lock (_gate)
        {
            _source?.TrySetException(failure);
        }
    }

    /// <summary>What the writer ended the channel with.</summary>
    internal ChannelException Abortion()
    {
        // SAFETY: as above.
        var error = Volatile.Read(ref *(int*)(_writerLine + ChannelLayout.ErrorInLine));
        return new($"The writer of {endpoint.Channel.Subject} has ended the channel with error {error}.", error);
    }
}
