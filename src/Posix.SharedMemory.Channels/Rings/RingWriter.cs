namespace Posix.SharedMemory.Channels;

/// <summary>The writing end of a ring: opens it, waits for room, and completes the channel. What a message passes is in <see cref="RingTail"/>.</summary>
internal sealed unsafe class RingWriter : RingTail
{
    private long _waits;
    private ReadOnlyMemory<byte> _message;
    private ushort _type;
    private bool _hasMessage;

    private RingWriter(Endpoint endpoint)
        : base(endpoint)
    {
    }

    /// <summary>Opens the writer.</summary>
    internal static RingWriter Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new RingWriter(Endpoint.Enter(channel, EndpointRole.Writer, options));
        try
        {
            writer.TakeOver();
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Waits for room for a message.</summary>
    internal ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        Begin(EndAct.Wait);
        try
        {
            RequireLength(length);
            if (Poll(length))
            {
                Finish(EndAct.Wait);
                return new(true);
            }
        }
        catch
        {
            Finish(EndAct.Wait);
            throw;
        }

        return WaitAsync(length, cancellationToken);
    }

    /// <summary>Waits for room for a message, and writes it.</summary>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> message, ushort type, CancellationToken cancellationToken)
    {
        RequireMessage(message.Length, type);
        Begin(EndAct.Wait);
        CountWait();
        (_message, _type, _hasMessage) = (message, type, true);
        return new(Pending, Pending.Start(message.Length, cancellationToken));
    }

    /// <summary>Ends the channel: the reader drains it and then sees the end.</summary>
    internal void Complete(int error)
    {
        Begin(EndAct.Completed);
        KillWindow.Pass(KillWindow.BeforeError);
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(int*)(Line + ChannelLayout.ErrorInLine), error);
        KillWindow.Pass(KillWindow.BeforeState);
        // SYNC ring.complete: pairs with RingReader.State. The state comes after the last tail, and after the error.
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(Line + ChannelLayout.StateInLine), (uint)(error == 0 ? ChannelState.Completed : ChannelState.Aborted));
        KillWindow.Pass(KillWindow.AfterState);
        Endpoint.Notify();
    }

    protected override bool HasEnded()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        return Volatile.Read(ref *(uint*)(ReaderLine + ChannelLayout.StateInLine)) switch
        {
            0 => false,
            1 => true,
            var state => throw Corrupt("the reader's state", ChannelLayout.ReaderLine + ChannelLayout.StateInLine, $"is {state}"),
        };
    }

    protected override void CountWait() =>
        // SAFETY: as above.
        Volatile.Write(ref *(long*)(Line + ChannelLayout.WaitsInLine), ++_waits);

    protected override bool TryDeliver()
    {
        if (!_hasMessage)
        {
            return true;
        }

        if (!TryStore(_message.Span, _type))
        {
            return false;
        }

        Publish();
        return true;
    }

    protected override void RefuseEnd()
    {
        if (_hasMessage)
        {
            throw MessageWriter.TakesNoMore();
        }
    }

    internal override void FinishWait()
    {
        (_message, _hasMessage) = (default, false);
        base.FinishWait();
    }

    private void TakeOver()
    {
        // SAFETY: the lines lie in the bytes that the channel holds.
        var state = Volatile.Read(ref *(uint*)(Line + ChannelLayout.StateInLine));
        if (state != 0)
        {
            throw new InvalidOperationException($"{Endpoint.Channel.Subject} was completed by an earlier writer: nothing more can be written to it.");
        }

        TakeOverIndices();
        // SAFETY: as above.
        _waits = Volatile.Read(ref *(long*)(Line + ChannelLayout.WaitsInLine));
        Endpoint.Occupy();
    }
}
