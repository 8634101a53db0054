namespace Posix.SharedMemory.Channels;

/// <summary>The end of a channel as its reader sees it, and the task that completes with it. The reader and its watch look at it, each on its thread: it reads shared memory only.</summary>
internal sealed unsafe class ChannelCompletion(ChannelMemory channel)
{
    private ChannelMemory _channel = channel;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _source;

    /// <summary>Stores the end of a channel, as its writer.</summary>
    /// <param name="writerLine">Line W.</param>
    /// <param name="error">0, or what the readers get.</param>
    internal static void Store(byte* writerLine, int error)
    {
        KillWindow.Pass(KillWindow.BeforeError);
        // SAFETY: the caller holds the line mapped.
        Volatile.Write(ref *(int*)(writerLine + ChannelLayout.ErrorInLine), error);
        KillWindow.Pass(KillWindow.BeforeState);
        // SYNC ring.complete: pairs with State. The state comes after what was published last, and after the error.
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(writerLine + ChannelLayout.StateInLine), (uint)(error == 0 ? ChannelState.Completed : ChannelState.Aborted));
        KillWindow.Pass(KillWindow.AfterState);
    }

    /// <summary>Gets what the writer has stored: more than <see cref="ChannelState.Continued"/> is corrupt.</summary>
    internal uint State
    {
        get
        {
            var current = Volatile.Read(ref _channel);
            // SYNC ring.complete: pairs with WritingEnd.StoreEnd. The state was stored after the last tail.
            // SAFETY: the line lies in the bytes that the channel holds, which stays reachable.
            var state = Volatile.Read(ref *(uint*)(current.First + ChannelLayout.WriterLine + ChannelLayout.StateInLine));
            GC.KeepAlive(current);
            return state;
        }
    }

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

    /// <summary>From now on it is the end of another channel, which goes on where the former one broke off.</summary>
    internal void MoveTo(ChannelMemory channel) => Volatile.Write(ref _channel, channel);

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
        var current = Volatile.Read(ref _channel);
        // SAFETY: as above.
        var error = Volatile.Read(ref *(int*)(current.First + ChannelLayout.WriterLine + ChannelLayout.ErrorInLine));
        return new($"The writer of {current.Subject} has ended the channel with error {error}.", error);
    }
}
