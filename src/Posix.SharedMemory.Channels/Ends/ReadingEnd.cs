using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels;

/// <summary>What the readers of a stream of records have in common: they lend payloads, and see the end of the channel.</summary>
internal abstract unsafe class ReadingEnd : ChannelEnd
{
    private readonly byte* _data;
    private readonly ulong _mask;
    private readonly ulong _prefix;
    private volatile bool _isEnding;
    private volatile bool _isLost;

    protected ReadingEnd(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Data;
        _mask = (ulong)header.Capacity - 1;
        _prefix = (ulong)header.Prefix;
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

    /// <summary>Gets the data as memory, for messages that are read asynchronously.</summary>
    internal ChannelBytes Bytes => field ??= new(Endpoint);

    /// <summary>Gets the end of the channel, as this side sees it.</summary>
    protected ChannelCompletion Ending { get; }

    /// <summary>Gets the place before which records may have been seen by an earlier reader.</summary>
    protected ulong RedeliveredBefore { get; set; }

    /// <summary>The payload of a record that was found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ReadOnlySpan<byte> PayloadOf(ulong at, ulong header) =>
        // SAFETY: the caller found the record inside the data, which the channel holds.
        MemoryMarshal.CreateReadOnlySpan(ref *(_data + (at & _mask) + _prefix), RingRecord.LengthOf(header));

    /// <inheritdoc cref="PayloadOf(ulong, ulong)"/>
    internal ReadOnlySpan<byte> PayloadOf(RingRecord record) => PayloadOf(record.At, record.Header);

    /// <summary>The payload of a record as memory.</summary>
    internal ReadOnlyMemory<byte> MemoryOf(in RingRecord record) => Bytes.Memory.Slice((int)((record.At & _mask) + _prefix), record.Length);

    /// <summary>Whether the record may have been seen by an earlier reader.</summary>
    internal bool IsRedelivered(ulong at) => at < RedeliveredBefore;

    /// <summary>Ends a loan, once: copies of a lease carry the same ticket.</summary>
    internal void Release(int ticket)
    {
        // A message of an enumeration has the ticket 0: it is not a loan of its own.
        if (ticket != 0 && IsOpen(ticket))
        {
            PassBorrowed();
            FinishWithTicket();
        }
    }

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

    /// <summary>Goes past the record that is lent, and lets the writer have its room.</summary>
    protected abstract void PassBorrowed();

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
