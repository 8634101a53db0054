using System.Diagnostics;
using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>What writers and readers of all kinds have in common: one act at a time, waits, the other side's life, and the end. The model is tests/models/ring.pml.</summary>
internal abstract class ChannelEnd
{
    private readonly SpinBudget _spin;
    private ChannelCorruptException? _corruption;
    private ulong _told = ulong.MaxValue;
    private readonly EndWatch _watch;
    private int _tickets;

    protected ChannelEnd(Endpoint endpoint)
    {
        Endpoint = endpoint;
        _spin = new(endpoint.Options.SpinBudget);
        _watch = new(this);
    }

    /// <summary>Gets the endpoint. A reader of frames moves to that of the next publisher's object.</summary>
    internal Endpoint Endpoint { get; private set; }

    /// <summary>Gets the asynchronous wait, of which there is one at a time.</summary>
    protected EndWait Pending => field ??= new(this);

    internal ChannelHeader Header => Endpoint.Channel.Header;

    internal PeerState Peer => Endpoint.Peer.Look();

    /// <summary>Gets or sets what the end is doing. A plain field: two threads that use one end at once get an exception where that can be seen.</summary>
    protected internal EndAct Act { get; protected set; }

    /// <summary>Gets whether it is closed: it touches the channel's memory no more.</summary>
    internal bool IsClosed => Act is EndAct.Disposed or EndAct.Left or EndAct.Corrupt;

    /// <summary>Gets the ticket of the loan, batch or enumeration that is open; 0: none is.</summary>
    protected int OpenTicket { get; private set; }

    /// <summary>Gets the public object that raises events.</summary>
    internal object? Owner { get; set; }

    internal event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _watch.Add(value);
        remove => _watch.Remove(value);
    }

    /// <summary>Gets what the last wait found, where that is a number.</summary>
    internal virtual long Found => 0;

    /// <summary>Begins an act.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Begin(EndAct act)
    {
        if (Act != EndAct.Idle)
        {
            throw Refusal();
        }

        Act = act;
    }

    /// <summary>Ends an act, unless the end was closed meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Finish(EndAct act)
    {
        if (Act == act)
        {
            Act = EndAct.Idle;
        }
    }

    /// <summary>Begins something that is ended by a ticket, so that a copy of a struct cannot end it twice.</summary>
    protected int BeginWithTicket(EndAct act)
    {
        Begin(act);
        _tickets = _tickets == int.MaxValue ? 1 : _tickets + 1;
        return OpenTicket = _tickets;
    }

    /// <summary>Whether what the ticket is for is still open.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsOpen(int ticket) => OpenTicket == ticket;

    /// <summary>Ends it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void FinishWithTicket()
    {
        OpenTicket = 0;
        Act = EndAct.Idle;
    }

    /// <summary>Looks for a message, or for room for one: nothing but the index.</summary>
    protected abstract bool Poll(int length);

    /// <summary>Looks whether the other side will never give what is waited for. Comes before <see cref="Poll"/>.</summary>
    protected abstract bool HasEnded();

    /// <summary>Counts a wait, for the status.</summary>
    protected virtual void CountWait()
    {
    }

    /// <summary>Does what an asynchronous wait is for, where that is more than to know.</summary>
    /// <returns>False: it could not be done yet.</returns>
    protected virtual bool TryDeliver() => true;

    /// <summary>Throws where the end makes impossible what an asynchronous wait is for.</summary>
    protected virtual void RefuseEnd()
    {
    }

    /// <summary>Ends an asynchronous wait, however it went.</summary>
    internal virtual void FinishWait() => Finish(EndAct.Wait);

    /// <summary>Blocks until there is a message, or room for one.</summary>
    /// <returns><see cref="EndLook.Pending"/>: the time is up.</returns>
    internal EndLook Wait(int length, TimeSpan timeout)
    {
        EndTimeout.Require(timeout);
        Begin(EndAct.Wait);
        try
        {
            return WaitInside(length, timeout);
        }
        finally
        {
            Finish(EndAct.Wait);
        }
    }

    /// <summary>As <see cref="Wait"/>, inside an act that has begun.</summary>
    internal EndLook WaitInside(int length, TimeSpan timeout)
    {
        if (Poll(length))
        {
            return EndLook.Ready;
        }

        var start = Stopwatch.GetTimestamp();
        if (_spin.IsOn && Spin(length, start))
        {
            _spin.Learn(start);
            return EndLook.Ready;
        }

        CountWait();
        while (true)
        {
            KillWindow.Pass(KillWindow.BeforeWait);
            var wakes = Endpoint.Wakes;
            var key = wakes.PrepareWait();
            var look = LookAndCancel(length, wakes, key);
            if (wakes != Endpoint.Wakes)
            {
                continue;
            }

            var left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - Stopwatch.GetElapsedTime(start);
            if (look != EndLook.Pending || (left <= TimeSpan.Zero && left != Timeout.InfiniteTimeSpan))
            {
                wakes.CancelWait(key);
                _spin.Learn(start);
                return look;
            }

            KillWindow.Pass(KillWindow.BeforeSleep);
            wakes.Wait(key, Bound(left));
            RefuseIfClosed();
        }
    }

    /// <summary>As <see cref="Wait"/>; no thread waits.</summary>
    internal ValueTask<bool> WaitAsync(int length, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        Begin(EndAct.Wait);
        try
        {
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

        CountWait();
        return new(Pending, Pending.Start(length, cancellationToken));
    }

    /// <summary>One step of an asynchronous wait.</summary>
    /// <param name="length">The message's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="awaiter">Where the result is <see cref="EndLook.Pending"/>: what the next step waits for.</param>
    internal EndLook Step(int length, CancellationToken cancellationToken, out ValueTaskAwaiter awaiter)
    {
        awaiter = default;
        while (true)
        {
            var wakes = Endpoint.Wakes;
            var key = wakes.PrepareWait();
            var look = LookAndCancel(length, wakes, key);
            if (wakes != Endpoint.Wakes)
            {
                continue;
            }

            if (look == EndLook.Pending)
            {
#pragma warning disable CA2012 // The step that follows uses the awaiter, once.
                awaiter = WaitForWakeAsync(wakes, key, cancellationToken).GetAwaiter();
#pragma warning restore CA2012
                return look;
            }

            wakes.CancelWait(key);
            if (look == EndLook.Ended)
            {
                RefuseEnd();
                return look;
            }

            if (TryDeliver())
            {
                return look;
            }
        }
    }

    /// <summary>Closes the end. Further calls have no effect.</summary>
    internal virtual void Dispose()
    {
        (Act, OpenTicket) = (EndAct.Disposed, 0);
        _watch.Stop();
        Endpoint.Close();
    }

    /// <summary>Closes the end, since the other side has written what no correct one writes.</summary>
    internal ChannelCorruptException Corrupt(string field, long offset, string found) => Corrupt(new ChannelCorruptException(field, offset, found));

    /// <inheritdoc cref="Corrupt(string, long, string)"/>
    private ChannelCorruptException Corrupt(ChannelCorruptException found)
    {
        _corruption ??= found;
        (Act, OpenTicket) = (EndAct.Corrupt, 0);
        _watch.Stop();
        Endpoint.Close();
        OnCorrupt(_corruption);
        return _corruption;
    }

    protected virtual void OnCorrupt(ChannelCorruptException corruption)
    {
    }

    /// <summary>Called when the other side may have changed: what only a watcher notices. It holds the watch up, so it closes nothing and does not call <see cref="Corrupt(string, long, string)"/>.</summary>
    internal virtual void OnChange()
    {
    }

    /// <summary>Watches the other side from now on.</summary>
    internal void Watch() => _watch.Start();

    /// <summary>What a call gets that cannot begin.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal Exception Refusal() => Act switch
    {
        EndAct.Disposed => new ObjectDisposedException(Owner?.GetType().Name ?? GetType().Name),
        EndAct.Corrupt => new ChannelCorruptException(_corruption!.Field, _corruption.Offset, "was found earlier", _corruption),
        EndAct.Completed => new InvalidOperationException("The writer has completed the channel: nothing more can be written."),
        EndAct.Left => new InvalidOperationException("The writer has left the channel: it writes nothing more."),
        EndAct.Borrow => new InvalidOperationException("A reservation or lease of this end has not been disposed yet."),
        EndAct.Batch => new InvalidOperationException("A batch or enumeration of this end has not been disposed yet."),
        EndAct.Building => new InvalidOperationException("A message is being built: call EndMessage or CancelMessage first."),
        _ => new InvalidOperationException("Another call on this end has not ended yet: an end is for one thread at a time."),
    };

    /// <summary>The other side's state, in the order of the model: the end is looked at before the index.</summary>
    private EndLook Look(int length)
    {
        if (Endpoint.Failure is { } failure)
        {
            throw Corrupt(failure);
        }

        Endpoint.ThrowIfRefused();

        var ended = HasEnded();
        var state = PeerState.Alive;
        uint generation = 0;
        if (!ended)
        {
            (generation, state) = LookAtPeer();
            // SYNC ring.end: what has ended may have completed the channel after the first look, and before its end.
            ended = state is PeerState.Died or PeerState.Left && HasEnded();
        }

        if (Poll(length))
        {
            return EndLook.Ready;
        }

        if (ended)
        {
            return EndLook.Ended;
        }

        if (state is PeerState.Died or PeerState.Left && Endpoint.Options.Restart == PeerRestart.Fail && (_told != generation || Endpoint.IsForTwo))
        {
            // Once for each peer: a later wait waits for the next one, where there can be one.
            _told = generation;
            throw Loss(state);
        }

        if (state != PeerState.Alive)
        {
            Follow();
        }

        return EndLook.Pending;
    }

    private EndLook LookAndCancel(int length, SharedEventCount wakes, EventCountKey key)
    {
        try
        {
            return Look(length);
        }
        catch
        {
            wakes.CancelWait(key);
            throw;
        }
    }

    /// <summary>How long a blocking wait sleeps before it looks again by itself.</summary>
    protected virtual TimeSpan Bound(TimeSpan left) => left;

    /// <summary>Sleeps until the end may find what it waits for. May return without cause.</summary>
    protected virtual ValueTask WaitForWakeAsync(SharedEventCount wakes, EventCountKey key, CancellationToken cancellationToken) => wakes.WaitAsync(key, cancellationToken);

    /// <summary>Called when there is no other side, which was reported, or is not to be: moves to what follows it, if there is something.</summary>
    protected virtual void Follow()
    {
    }

    /// <summary>Moves to another endpoint, and closes the former one.</summary>
    protected void MoveTo(Endpoint next)
    {
        var former = Endpoint;
        (Endpoint, _told) = (next, ulong.MaxValue);
        _watch.Restart();
        former.Close();
    }

    /// <summary>The other side's generation and life. Where there are several, none of them ends a wait.</summary>
    protected virtual (uint Generation, PeerState State) LookAtPeer()
    {
        try
        {
            // SYNC ring.end: pairs with Endpoint.Close and the kernel's mark. The generation comes first: a state that belongs to a later one is reported again.
            var generation = Endpoint.Peer.Generation;
            return (generation, Endpoint.Peer.LookAndConfirm());
        }
        catch (Exception e) when (e is InvalidDataException || (e is InvalidOperationException and not ObjectDisposedException))
        {
            throw Corrupt("the endpoint's mutex", Endpoint.Peer.Offset, $"was overwritten ({e.Message})");
        }
    }

    /// <summary>What a wait gets, and whatever else needs the other side.</summary>
    internal ChannelException Loss(PeerState state)
    {
        var peer = Endpoint.Peer.Describe() with { State = state };
        var role = peer.Role == EndpointRole.Writer ? "writer" : "reader";
        return state == PeerState.Died
            ? new PeerDiedException(Endpoint.IsForTwo ? "The peer's process died." : $"The process of the {role} of {Endpoint.Channel.Subject} died.", peer)
            : new PeerLeftException($"The {role} of {Endpoint.Channel.Subject} has left without completing {(Endpoint.IsForTwo ? "it" : "the channel")}.", peer);
    }

    private bool Spin(int length, long start)
    {
        do
        {
            for (var i = 0; i < 16; i++)
            {
                if (Poll(length))
                {
                    return true;
                }

                SpinBudget.Pause(4);
            }
        }
        while (_spin.IsLeft(start));
        return false;
    }

    internal void RefuseIfClosed()
    {
        if (IsClosed)
        {
            throw Refusal();
        }
    }
}
