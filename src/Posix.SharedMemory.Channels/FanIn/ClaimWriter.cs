using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// A writing end of a fan-in: claims lines by the claim word, one compare-exchange for each message, and commits its record by the header. Each claim can be put down to its
/// writer at every instant. The model is tests/models/fanin.pml.
/// </summary>
internal sealed unsafe class ClaimWriter : WritingEnd
{
    /// <summary>A compare-exchange fails only when another writer has claimed: so many failures in a row are no accident.</summary>
    private const int MostAttempts = 1_000_000;

    /// <summary>How many lines a batch claims at once, if the ring is not a small one.</summary>
    private const ulong BatchLines = 32;

    private readonly ulong* _claim;
    private readonly byte* _endpoints;
    private readonly byte* _readerLine;
    private readonly int _me, _writers;
    private readonly ulong _lines, _mask;
    private readonly SharedEventCount _readerWakes;
    private ulong _head, _position, _claimed, _used, _first;

    private ClaimWriter(Endpoint endpoint)
        : base(endpoint)
    {
        var channel = endpoint.Channel;
        _claim = (ulong*)(channel.First + ChannelLayout.ClaimAt);
        _endpoints = channel.First + channel.Header.EndpointsOffset;
        _readerLine = channel.First + ChannelLayout.ReaderLine;
        _me = endpoint.Index;
        _writers = channel.Header.Endpoints - 1;
        _lines = (ulong)channel.Header.Capacity / ChannelLayout.LineSize;
        _mask = _lines - 1;
        _readerWakes = endpoint.PeerWakes;
    }

    /// <summary>Gets how many bytes are free now.</summary>
    internal long Free
    {
        get
        {
            RefuseIfClosed();
            return (long)(_lines - Math.Min(_lines, ClaimWord.Distance(LoadHead(), LoadClaim().End))) * ChannelLayout.LineSize;
        }
    }

    /// <summary>Opens a writer.</summary>
    internal static ClaimWriter Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new ClaimWriter(Endpoint.Enter(channel, EndpointRole.Writer, options));
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

    /// <summary>Writes a message, if there is room.</summary>
    internal bool TryWrite(ReadOnlySpan<byte> message, ushort type)
    {
        RequireMessage(message.Length, type);
        Begin(EndAct.Call);
        var isWritten = TryPut(message, type);
        Finish(EndAct.Call);
        return isWritten;
    }

    internal override bool TryReserve(int length, out int place, out int ticket)
    {
        ticket = BeginWithTicket(EndAct.Borrow);
        if (TryClaim(ClaimRecord.LinesFor((uint)length), out _position, out _claimed))
        {
            place = PlaceOf(_position);
            return true;
        }

        FinishWithTicket();
        (place, ticket) = (0, 0);
        return false;
    }

    internal override void Commit(int length, ushort type)
    {
        Commit(_position, _claimed, length, type);
        FinishWithTicket();
    }

    /// <summary>Begins a batch, which claims lines for several messages at once.</summary>
    internal int BeginBatch()
    {
        var ticket = BeginWithTicket(EndAct.Batch);
        (_claimed, _used, _first) = (0, 0, 0);
        return ticket;
    }

    /// <summary>Finds room for one more message of a batch. Nothing is taken of it before <see cref="Add"/>.</summary>
    internal bool TryPlace(int length, out int place)
    {
        var need = ClaimRecord.LinesFor((uint)length);
        if (_used + need > _claimed)
        {
            // One claim at a time: only the last one of a writer can be put down to it.
            CommitBatch();
            if (!TryClaim(Math.Max(need, Math.Min(BatchLines, _lines / 8)), out _position, out _claimed) && !TryClaim(need, out _position, out _claimed))
            {
                (place, _claimed) = (0, 0);
                return false;
            }
        }

        place = PlaceOf(_position + _used);
        return true;
    }

    /// <summary>Whether a place that was found is still that of the next message: nothing was added since, through a copy of the batch.</summary>
    internal bool IsNext(int place) => _used < _claimed && place == PlaceOf(_position + _used);

    /// <summary>Adds the message that was written to the room that was found. The reader reaches it once the first one of the claim is committed.</summary>
    internal void Add(int length, ushort type)
    {
        var (at, header) = (_position + _used, HeaderOf(_position + _used, length, type));
        if (_used == 0)
        {
            _first = header;
        }
        else
        {
            // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
            *(ulong*)At(at) = header;
        }

        _used += ClaimRecord.LinesFor((uint)length);
    }

    internal override void Return(int ticket)
    {
        if (IsOpen(ticket))
        {
            if (Act == EndAct.Batch)
            {
                CommitBatch();
            }
            else if (_claimed != 0)
            {
                CommitPadding(_position, _claimed);
                _readerWakes.NotifyAll();
            }

            FinishWithTicket();
        }
    }

    /// <summary>Closes the end. A message that is still being written, and what a batch has not sent, becomes padding.</summary>
    internal override void Dispose()
    {
        _used = 0;
        if (Act is EndAct.Borrow or EndAct.Batch)
        {
            Return(OpenTicket);
        }

        base.Dispose();
    }

    protected override bool Poll(int length)
    {
        // SYNC fanin.room: pairs with ClaimHead.Publish. The head comes after the claim word: a head past the claims that were seen is one that is newer than they are.
        var used = ClaimWord.Distance(_head, LoadClaim().End);
        var total = TotalFor(ClaimRecord.LinesFor((uint)length), LoadClaim().End, out _);
        if (used + total <= _lines)
        {
            return true;
        }

        _head = LoadHead();
        return ClaimWord.Distance(_head, LoadClaim().End) + total <= _lines;
    }

    protected override bool TryPut(ReadOnlySpan<byte> message, ushort type)
    {
        if (!TryClaim(ClaimRecord.LinesFor((uint)message.Length), out var position, out var claimed))
        {
            return false;
        }

        message.CopyTo(RoomAt(PlaceOf(position), message.Length));
        Commit(position, claimed, message.Length, type);
        return true;
    }

    private void TakeOver()
    {
        // The mutex was entered, and what a dead predecessor had claimed was passed. Its last claim may be so old that it would compare as newer than the next one.
        Volatile.Write(ref LastOf(_me), ClaimWord.NoneAt(LoadClaim().End));
        _head = LoadHead();
        Endpoint.Occupy();
    }

    private bool TryClaim(ulong need, out ulong position, out ulong claimed)
    {
        (position, claimed) = (0, 0);
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var seen = LoadClaim();
            if (seen.Lines != 0 && !Help(seen))
            {
                continue;
            }

            var at = seen.End;
            var total = TotalFor(need, at, out var lines);
            if (ClaimWord.Distance(_head, at) + total > _lines && !HasRoom(seen, total, out var isStale))
            {
                if (isStale)
                {
                    continue;
                }

                return false;
            }

            KillWindow.Pass(KillWindow.BeforeClaim);
            // SAFETY: the claim word lies in the bytes that the channel holds.
            if (Interlocked.CompareExchange(ref *_claim, new ClaimWord(at, lines, _me).Value, seen.Value) != seen.Value)
            {
                SpinBudget.Pause(1);
                continue;
            }

            KillWindow.Pass(KillWindow.AfterClaim);
            if (lines == need)
            {
                // Not before: what fails leaves the caller nothing to commit.
                (position, claimed) = (at, lines);
                return true;
            }

            // What was left before the end of the data: the message is at its beginning, if there is still room.
            CommitPadding(at, lines);
            KillWindow.Pass(KillWindow.BeforePaddingIsNotified);
            _readerWakes.NotifyAll();
        }

        throw Corrupt("the claim word", ChannelLayout.ClaimAt, $"changed {MostAttempts} times before a claim");
    }

    /// <summary>Makes the last claim stand in its owner's endpoint, before the claim word moves on.</summary>
    /// <returns>False: the claim word has moved on already.</returns>
    private bool Help(ClaimWord seen)
    {
        if (seen.Writer >= _writers)
        {
            throw Corrupt("the claim word", ChannelLayout.ClaimAt, $"names writer {seen.Writer} of {_writers}");
        }

        ref var last = ref LastOf(seen.Writer);
        var current = Volatile.Read(ref last);
        // SYNC claim.help: pairs with ClaimHead.FindOwner. Monotone: a late helper changes nothing.
        while (ClaimWord.IsLater(seen.Last, current))
        {
            if (seen.Writer == _me)
            {
                // Helpers know only this claim, or earlier ones.
                Volatile.Write(ref last, seen.Last);
                return true;
            }

            if (LoadClaim().Value != seen.Value)
            {
                return false;
            }

            var found = Interlocked.CompareExchange(ref last, seen.Last, current);
            if (found == current)
            {
                return true;
            }

            current = found;
        }

        return true;
    }

    /// <summary>Looks again how far the reader is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool HasRoom(ClaimWord seen, ulong total, out bool isStale)
    {
        // SYNC fanin.room: pairs with ClaimHead.Publish. What the reader has released may be overwritten.
        _head = LoadHead();
        var used = ClaimWord.Distance(_head, seen.End);
        isStale = used > _lines && LoadClaim().Value != seen.Value;
        if (used > _lines && !isStale)
        {
            throw Corrupt("the head", ChannelLayout.ReaderLine, $"is {_head}, and claims go on at {seen.End}");
        }

        // A writer that has been idle for long comes here before it claims: its last claim must not be so old that it compares as a later one.
        var last = Volatile.Read(ref LastOf(_me));
        if (seen.Writer != _me && ClaimWord.Distance(ClaimWord.PositionOfLast(last), seen.End) > 1UL << 40)
        {
            Volatile.Write(ref LastOf(_me), ClaimWord.NoneAt(seen.End));
        }

        return !isStale && used + total <= _lines;
    }

    private ulong TotalFor(ulong need, ulong position, out ulong claimed)
    {
        var room = _lines - (position & _mask);
        claimed = Math.Min(need, room);
        return need <= room ? need : room + need;
    }

    private void Commit(ulong position, ulong claimed, int length, ushort type)
    {
        var used = ClaimRecord.LinesFor((uint)length);
        if (used < claimed)
        {
            // First, since the reader goes on there once it sees the record before it.
            CommitPadding(position + used, claimed - used);
        }

        Publish(position, HeaderOf(position, length, type));
    }

    /// <summary>Sends what a batch has in its claim: the first header comes last, and the reader sees all of them or none.</summary>
    private void CommitBatch()
    {
        var (claimed, used) = (_claimed, _used);
        if (claimed == 0)
        {
            return;
        }

        // First: where waking the reader fails, nothing is committed a second time.
        (_claimed, _used) = (0, 0);
        if (used < claimed)
        {
            CommitPadding(_position + used, claimed - used);
        }

        if (used > 0)
        {
            Publish(_position, _first);
        }
        else
        {
            _readerWakes.NotifyAll();
        }
    }

    private ulong HeaderOf(ulong position, int length, ushort type)
    {
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
        *(ulong*)(At(position) + sizeof(ulong)) = type;
        return new ClaimRecord(position, _me, (uint)length, isPadding: false).Value;
    }

    private void Publish(ulong position, ulong header)
    {
        KillWindow.Pass(KillWindow.BeforeCommit);
        // SYNC fanin.commit: pairs with ClaimHead.TryFind. A reader that sees the header sees the whole record, and the others of a batch.
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
        Volatile.Write(ref *(ulong*)At(position), header);
        KillWindow.Pass(KillWindow.AfterCommit);
        _readerWakes.NotifyAll();
    }

    private void CommitPadding(ulong position, ulong lines) =>
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)At(position), new ClaimRecord(position, _me, ClaimRecord.PaddingOf(lines), isPadding: true).Value);

    private int PlaceOf(ulong position) => ((int)(position & _mask) * ChannelLayout.LineSize) + ChannelLayout.WidePrefix;

    private byte* At(ulong position) => Data + ((long)(position & _mask) * ChannelLayout.LineSize);

    private ref ulong LastOf(int writer) =>
        // SAFETY: the callers' writers are below the number of writers, so the word lies in the endpoints, which the channel holds, at a multiple of 8.
        ref *(ulong*)(_endpoints + (ChannelLayout.EndpointSize * (long)writer) + ChannelLayout.LastClaimInEndpoint);

    private ClaimWord LoadClaim() =>
        // SAFETY: the claim word lies in the bytes that the channel holds.
        new(Volatile.Read(ref *_claim));

    private ulong LoadHead() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine)) & ClaimWord.PositionMask;
}
