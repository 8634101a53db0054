namespace Posix.SharedMemory.Channels;

/// <summary>
/// The calls of one connection, both ways. What several threads use is used inside the gate, in which nothing waits and nothing of the caller's runs; the input is read by one thread at a
/// time, <see cref="CallReading"/>.
/// </summary>
#pragma warning disable CA1001 // The owner disposes it by a name.
internal sealed class CallSession
#pragma warning restore CA1001
{
    private readonly ReceiveWait _receiver;
    private readonly CallDeadlines _deadlines;
    private PendingCall? _free;
    private bool _isEnded;
    private int _waiting;

    internal CallSession(RingWriter output, RingReader input)
    {
        input.TakesCalls = true;
        MaxLength = output.MaxMessage - ChannelLayout.CallHeaderSize;
        Output = new(this, output);
        Places = new(output.Header.Capacity);
        Served = new(this, output.Header.Capacity);
        Reading = new(this, input);
        _receiver = new(this);
        _deadlines = new(this);
    }

    internal Lock Gate { get; } = new();

    internal CallOutput Output { get; }

    internal CallPlaces Places { get; }

    internal ServedCalls Served { get; }

    internal CallReading Reading { get; }

    /// <summary>Gets the longest request or reply.</summary>
    internal int MaxLength { get; }

    /// <summary>Gets what makes the exception that everything ends with; <see langword="null"/>: the connection goes on.</summary>
    internal Func<Exception>? Failure { get; private set; }

    /// <summary>Gets whether nothing comes from the peer any more.</summary>
    internal bool IsOver => _isEnded || Failure is not null;

    /// <summary>Gets whether somebody waits for what comes from the peer, and no thread is blocked for it. Inside the gate.</summary>
    internal bool IsWanted => !IsOver && (_waiting > 0 || _receiver.IsPending || Served.Watched > 0);

    /// <summary>Calls the peer. No thread waits.</summary>
    internal ValueTask<CallReply> CallAsync(ReadOnlyMemory<byte> request, ushort type, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Output.Require(request.Span, type, timeout);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<CallReply>(cancellationToken);
        }

        var call = Rent(type, timeout);
        try
        {
            call.Register(cancellationToken);
            lock (Gate)
            {
                RequireGoingOn();
                call.CancelledBy.ThrowIfCancellationRequested();
                Wait(call);
                if (!Output.TrySend(call, request.Span))
                {
                    RequireGoingOn();
                    call.Keep(request);
                    Output.Enqueue(call);
                }
            }
        }
        catch
        {
            Refuse(call);
            throw;
        }

        var token = call.Token;
        Reading.Start();
        return new(call, token);
    }

    /// <summary>Calls the peer, and blocks until it has answered. Where no other thread reads what comes, this one does.</summary>
    internal CallReply Call(ReadOnlySpan<byte> request, ushort type, TimeSpan timeout)
    {
        Output.Require(request, type, timeout);
        var call = Rent(type, timeout);
        try
        {
            lock (Gate)
            {
                RequireGoingOn();
                call.IsLed = Reading.IsFree && Output.TrySend(call, request);
                if (call.IsLed)
                {
                    Reading.Take();
                }
                else
                {
                    RequireGoingOn();
                    Wait(call);
                    if (!Output.TrySend(call, request))
                    {
                        RequireGoingOn();
                        call.KeepCopy(request);
                        Output.Enqueue(call);
                    }
                }
            }
        }
        catch
        {
            Refuse(call);
            throw;
        }

        var token = call.Token;
        if (call.IsLed)
        {
            Reading.Lead(call, timeout);
            return call.Result(token);
        }

        Reading.Start();
        return new ValueTask<CallReply>(call, token).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Waits until a call of the peer is there.</summary>
    internal ValueTask<bool> WaitToReceiveAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        Reading.TryRead();
        if (_receiver.Begin(cancellationToken) is { } waiting)
        {
            Reading.Start();
            return waiting;
        }

        return new(HasCall());
    }

    /// <summary>Blocks until a call of the peer is there.</summary>
    internal bool WaitToReceive(TimeSpan timeout)
    {
        EndTimeout.Require(timeout);
        if (Reading.TryWaitForCall(timeout, out var isOver))
        {
            return isOver && HasCall();
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(Math.Min(timeout.TotalMilliseconds, int.MaxValue)));
        try
        {
            return WaitToReceiveAsync(limit.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    internal bool TryReceive(out IncomingCall call)
    {
        var taken = Take();
        if (taken is null)
        {
            Reading.TryRead();
            taken = Take();
        }

        call = taken is null ? default : new(taken, taken.Generation);
        return taken is not null;
    }

    /// <summary>Gives up a call that goes on. Inside the gate; the caller completes it then.</summary>
    internal bool TryAbandon(PendingCall call)
    {
        switch (call.State)
        {
            case CallState.Queued:
                Output.Calls.Remove(call);
                End(call);
                // Shorter ones may have waited for it.
                Output.Go();
                return true;
            case CallState.Sent:
                call.Place!.Call = null;
                End(call);
                Output.EnqueueUrgent(call.Place);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The peer has answered. Inside the gate.</summary>
    /// <returns>What is to be completed.</returns>
    internal CallWait? Answer(CallPlace place, in CallHeader header, ReadOnlySpan<byte> reply)
    {
        // If this throws, the call is in its place still, and ends with the connection.
        var call = place.Call;
        if (call is not null)
        {
            if (header.Word == (ushort)CallOutcome.Replied)
            {
                call.SetReply(reply);
            }
            else
            {
                call.Set(CallFailedException.Of((int)header.Value, reply));
            }

            End(call);
        }

        Places.Free(place);
        Output.Go();
        return call is { IsLed: false } ? call : null;
    }

    /// <summary>A call of the peer is there. Inside the gate.</summary>
    /// <returns>What is to be completed.</returns>
    internal CallWait? Announce() => _receiver.End(result: true);

    /// <summary>The peer has completed its output: its calls can still be answered.</summary>
    internal void End()
    {
        lock (Gate)
        {
            _isEnded = true;
            Served.OnEnd(ofSocket: false);
            EndCalls(CallFailure.NothingComes);
            _receiver.End(result: false)?.Post();
        }
    }

    /// <summary>The connection has ended: everything ends with it.</summary>
    internal void Fail(Exception cause)
    {
        lock (Gate)
        {
            if (Failure is not null)
            {
                return;
            }

            Failure = () => CallFailure.Again(cause);
            EndCalls(Failure);
            Served.Lose(Failure);
            _receiver.End(result: false, Failure())?.Post();
            Reading.GiveUp(cause);
        }
    }

    /// <summary>Ends everything; nothing is written any more.</summary>
    /// <param name="owner">The public object's name.</param>
    internal void Dispose(string owner)
    {
        Fail(new ObjectDisposedException(owner));
        _deadlines.Dispose();
    }

    internal void ThrowIfFailed()
    {
        if (Failure is { } failure)
        {
            throw failure();
        }
    }

    internal void Recycle(PendingCall call)
    {
        lock (Gate)
        {
            (call.NextFree, _free) = (_free, call);
        }
    }

    private bool HasCall()
    {
        lock (Gate)
        {
            if (Served.HasReady)
            {
                return true;
            }

            // Another thread may have taken it: that is not the end.
            ThrowIfFailed();
            return !_isEnded;
        }
    }

    private ReceivedCall? Take()
    {
        lock (Gate)
        {
            var taken = Served.Take();
            if (taken is null && Failure is { } failure && failure() is ChannelCorruptException or ObjectDisposedException)
            {
                ThrowIfFailed();
            }

            return taken;
        }
    }

    private PendingCall Rent(ushort type, TimeSpan timeout)
    {
        PendingCall? call;
        lock (Gate)
        {
            RequireGoingOn();
            call = _free;
            _free = call?.NextFree;
        }

        call ??= new(this);
        call.Begin(type, timeout);
        return call;
    }

    /// <summary>The call is waited for by a task. Inside the gate.</summary>
    private void Wait(PendingCall call)
    {
        call.State = CallState.Queued;
        _waiting++;
        _deadlines.Add(call);
    }

    /// <summary>The call is over. Inside the gate.</summary>
    private void End(PendingCall call)
    {
        call.State = CallState.Over;
        if (!call.IsLed)
        {
            _waiting--;
        }
    }

    private void EndCalls(Func<Exception> failure)
    {
        foreach (var place in Places.All)
        {
            if (place.Call is { } call)
            {
                place.Call = null;
                Lose(call, failure());
            }
        }

        while (Output.Calls.First is PendingCall call)
        {
            Output.Calls.Remove(call);
            Lose(call, failure());
        }
    }

    private void Lose(PendingCall call, Exception failure)
    {
        End(call);
        call.Set(failure);
        if (!call.IsLed)
        {
            call.Post();
        }
    }

    /// <summary>The call could not begin.</summary>
    private void Refuse(PendingCall call)
    {
        lock (Gate)
        {
            if (call.State == CallState.Queued && call.Queue is null)
            {
                _waiting--;
            }
        }

        call.GiveUp();
    }

    private void RequireGoingOn()
    {
        ThrowIfFailed();
        if (_isEnded)
        {
            throw CallFailure.NothingComes();
        }
    }
}
