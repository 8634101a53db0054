using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>A reader of a broadcast that gets every message: the writer writes over none that it has not released. The model is tests/models/broadcast.pml.</summary>
internal sealed class LosslessReader(Endpoint endpoint) : BroadcastReading(endpoint)
{
    private readonly SharedEventCount _writerWakes = endpoint.PeerWakes;
    private readonly EndpointView _own = endpoint.Own;
    private RingRecord _borrowed;
    private ulong _borrowedSequence;

    internal override bool TryRead(Span<byte> destination, out BroadcastMessage info)
    {
        Begin(EndAct.Call);
        try
        {
            info = default;
            if (!TryFind(out var record, out var sequence))
            {
                return false;
            }

            info = new((long)sequence, record.Length, RingRecord.TypeOf(record.Header), 0);
            if (record.Length > destination.Length)
            {
                return false;
            }

            PayloadOf(record).CopyTo(destination);
            Volatile.ReadBarrier();
            // Evicted meanwhile: the copy may be mixed with a newer message.
            RequireMode();
            Pass(record, sequence);
            return true;
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    internal override bool TryBorrow(out RingRecord record, out int ticket)
    {
        ticket = BeginWithTicket(EndAct.Borrow);
        if (!TryFind(out record, out _borrowedSequence))
        {
            FinishWithTicket();
            return false;
        }

        _borrowed = record;
        return true;
    }

    internal override bool TryTake(out ReadOnlyMemory<byte> message, out int ticket)
    {
        var isFound = TryBorrow(out var record, out ticket);
        message = isFound ? MemoryOf(record) : default;
        return isFound;
    }

    protected override bool TryGoTo(ulong place)
    {
        RequireMode();
        (Position, Expected) = (place, null);
        return true;
    }

    protected override void PassBorrowed() => Pass(_borrowed, _borrowedSequence);

    protected override bool Poll(int length)
    {
        RequireMode();
        return base.Poll(length);
    }

    /// <summary>An evicted reader drains nothing more: its task fails, unless the channel was completed and it had everything.</summary>
    internal override void OnChange()
    {
        base.OnChange();
        if (Volatile.Read(ref Endpoint.Own.Mode) == EndpointView.EvictedMode)
        {
            Ending.Fail(Eviction());
        }
    }

    /// <summary>Begins at a place that the writer does not write over from now on.</summary>
    protected override void Join(BroadcastStart start)
    {
        var own = Endpoint.Own;
        Volatile.Write(ref own.Mode, 0);
        Volatile.Write(ref own.Missed, 0);
        LoadTail();
        Position = Math.Min(Records.FindLast((ulong)start.Count, 0), Tail);
        Volatile.Write(ref own.Position, Position);
        KillWindow.Pass(KillWindow.BeforeMode);
        Volatile.Write(ref own.Mode, EndpointView.LosslessMode);
        // SYNC broadcast.join: pairs with BroadcastTail.TryRaise. Either the writer's second look finds this reader, or this finds the writer's promise.
        Interlocked.MemoryBarrier();
        KillWindow.Pass(KillWindow.AfterMode);
        var limit = Volatile.Read(ref Records.Limit);
        KillWindow.Pass(KillWindow.AfterLimit);
        LoadTail();
        var least = limit - Math.Min(limit, Records.Capacity);
        if (Position < least)
        {
            Position = Math.Min(Records.FindLast((ulong)start.Count, least), Tail);
        }

        if (least > Tail || Tail - Position > Records.Capacity || !Records.IsAligned(Position))
        {
            // One that was evicted while it joined is far behind.
            Volatile.ReadBarrier();
            RequireMode();
            throw Corrupt("the limit or the history", ChannelLayout.LimitAt, $"is {limit}, the tail {Tail}, and the place to begin {Position}");
        }

        Volatile.Write(ref own.Position, Position);
        // Notifies the writer too: it may wait for the place where this reader began.
        Endpoint.Occupy();
    }

    protected override void ShowPosition()
    {
        KillWindow.Pass(KillWindow.BeforeIndex);
        // SYNC broadcast.release: pairs with BroadcastReaders.Scan. A writer that sees the position may write over what is before it.
        Volatile.Write(ref _own.Position, Position);
        KillWindow.Pass(KillWindow.AfterIndex);
        _writerWakes.NotifyAll();
        EndIfEnding();
    }

    /// <summary>Finds the next record, whole and with the number that comes next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFind(out RingRecord record, out ulong sequence)
    {
        var (at, tail) = (Position, Tail);
        if (at != tail && tail - at <= Records.Capacity)
        {
            var header = Records.HeaderAt(at);
            if (Records.IsRecord(at, header, tail))
            {
                sequence = Records.SequenceAt(at);
                Volatile.ReadBarrier();
                if (Volatile.Read(ref _own.Mode) == EndpointView.LosslessMode && sequence == Expected && sequence <= at / ChannelLayout.WidePrefix)
                {
                    record = new(at, header);
                    return true;
                }
            }
        }

        return TryFindSlowly(out record, out sequence);
    }

    /// <summary>As <see cref="TryFind"/>, where the tail has to be loaded again, there is padding, or something is wrong.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryFindSlowly(out RingRecord record, out ulong sequence)
    {
        try
        {
            (record, sequence) = (default, 0);
            RequireMode();
            if (Position == Tail && !LoadTail())
            {
                return false;
            }

            var at = Position;
            var header = Records.HeaderAt(at);
            if (Records.IsPadding(at, header, Tail))
            {
                at += Records.RoomAt(at);
                Position = at;
                if (at == Tail)
                {
                    return false;
                }

                header = Records.HeaderAt(at);
            }

            if (Tail - Position > Records.Capacity || !Records.IsRecord(at, header, Tail))
            {
                Volatile.ReadBarrier();
                RequireMode();
                throw Nonsense(at, header);
            }

            sequence = Records.SequenceAt(at);
            Volatile.ReadBarrier();
            // Evicted meanwhile: the number may be part of a newer message.
            RequireMode();
            Describe(at, header, sequence, mayMiss: false);
            record = new(at, header);
            return true;
        }
        catch (ChannelException) when (Act == EndAct.Borrow)
        {
            FinishWithTicket();
            throw;
        }
    }

    private void Pass(RingRecord record, ulong sequence)
    {
        Position = record.At + Records.SizeOf(record.Header);
        Expected = sequence + 1;
        ShowPosition();
    }

    /// <summary>Whether the writer still waits for this reader.</summary>
    private void RequireMode()
    {
        // SYNC broadcast.evict: pairs with BroadcastReaders.Evict.
        if (Act is not (EndAct.Disposed or EndAct.Corrupt) && Volatile.Read(ref Endpoint.Own.Mode) != EndpointView.LosslessMode)
        {
            throw Eviction();
        }
    }

    private ChannelException Eviction() =>
        new($"The writer of {Endpoint.Channel.Subject} has evicted this reader: it waits for it no longer, and messages may have been lost. Open another reader.");
}
