using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>What the readers of a stream of records have in common: they see the end of the channel.</summary>
internal abstract class ReadingEnd : LendingEnd
{
    private volatile bool _isEnding;
    private volatile bool _isLost;

    protected ReadingEnd(Endpoint endpoint)
        : base(endpoint)
    {
        Ending = new(endpoint.Channel, endpoint.Direction);
    }

    /// <summary>Gets what completes when the channel has been completed and drained.</summary>
    internal Task Completion
    {
        get
        {
            var task = Ending.Task;
            EndIfDrained();
            if (!task.IsCompleted)
            {
                RequireSeat();
                Watch();
                EndIfDrained();
            }

            return task;
        }
    }

    /// <summary>Gets the end of the channel, as this side sees it.</summary>
    protected ChannelCompletion Ending { get; }

    /// <summary>Gets the place before which records may have been seen by an earlier reader.</summary>
    protected ulong RedeliveredBefore { get; set; }

    /// <inheritdoc/>
    internal sealed override bool IsRedelivered(ulong at) => at < RedeliveredBefore;

    internal override void OnChange()
    {
        // A state that cannot be is for the reader to find, on its own thread.
        if (Ending.State == 0 && !(_isLost = _isLost || HasLostPeer()))
        {
            return;
        }

        _isEnding = true;
        // SYNC ring.ending: pairs with EndIfEnding, which passes no fence of its own.
        Interlocked.MemoryBarrierProcessWide();
        EndIfDrained();
    }

    /// <summary>Whether everything that was published was passed. The watch asks too, on its thread: it reads shared memory only.</summary>
    protected abstract bool IsDrained();

    /// <summary>Refuses what needs a seat where the end has none.</summary>
    protected internal virtual void RequireSeat()
    {
    }

    /// <summary>Completes the task, if the last record was just passed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void EndIfEnding()
    {
        // SYNC ring.ending: pairs with OnChange, which imposes the fence between this look and the store of the place before.
        if (_isEnding)
        {
            EndIfDrained();
        }
    }

    /// <summary>Completes the task if the channel has been completed and drained. The state comes first: it was stored after the last tail.</summary>
    private void EndIfDrained()
    {
        if (Ending.State != 0)
        {
            if (IsDrained())
            {
                Ending.EndIfCompleted();
            }
        }
        else if (_isLost && IsDrained())
        {
            Ending.Fail(Loss(Endpoint.Peer.Look()));
        }
    }

    /// <summary>Whether the other side has ended and no other one comes: there will be no completion.</summary>
    private bool HasLostPeer()
    {
        try
        {
            return Endpoint.IsForTwo && Endpoint.Peer.LookAndConfirm() is (PeerState.Died or PeerState.Left);
        }
        catch (Exception e) when (e is InvalidDataException || (e is InvalidOperationException and not ObjectDisposedException))
        {
            // An endpoint that was overwritten is for the reader to find, on its own thread.
            return false;
        }
    }

    protected override void OnCorrupt(ChannelCorruptException corruption) => Ending.Fail(corruption);

    protected override bool HasEnded()
    {
        var state = Ending.State;
        if (state == 0)
        {
            return false;
        }

        if (state > (uint)ChannelState.Continued)
        {
            throw Corrupt("the writer's state", Endpoint.Place(ChannelLayout.WriterLine) + ChannelLayout.StateInLine, $"is {state}");
        }

        // The state was stored after the last tail.
        if (!Poll(0))
        {
            EndIfDrained();
            if (state == (uint)ChannelState.Aborted)
            {
                throw Ending.Abortion();
            }
        }

        return true;
    }
}
