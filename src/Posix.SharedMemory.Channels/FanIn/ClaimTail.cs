using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The claims of a fan-in, as one of its writers makes them: claims lines by the claim word, one compare-exchange for each message, and commits its record by the header. Each claim
/// can be put down to its writer at every instant. Nothing here waits. The model is tests/models/fanin.pml.
/// </summary>
internal abstract unsafe class ClaimTail : WritingEnd
{
    /// <summary>A compare-exchange fails only when another writer has claimed: so many failures in a row are no accident.</summary>
    private const int MostAttempts = 1_000_000;

    private readonly ulong* _claim;
    private readonly byte* _endpoints;
    private readonly byte* _readerLine;
    private readonly int _me;
    private readonly int _writers;
    private readonly ulong _lines;
    private readonly ulong _mask;
    private readonly SharedEventCount _readerWakes;
    private ulong _head;

    protected ClaimTail(Endpoint endpoint)
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

    /// <summary>Gets how many bytes are free now. Any thread may read it.</summary>
    internal long Free
    {
        get
        {
            RefuseIfClosed();
            return (long)(_lines - Math.Min(_lines, ClaimWord.Distance(LoadHead(), LoadClaim().End))) * ChannelLayout.LineSize;
        }
    }

    /// <summary>Gets how many lines the ring has.</summary>
    protected ulong Lines => _lines;

    /// <summary>Writes a message, if there is room.</summary>
    internal bool TryWrite(ReadOnlySpan<byte> message, ushort type)
    {
        RequireMessage(message.Length, type);
        Begin(EndAct.Call);
        var isWritten = TryPut(message, type);
        Finish(EndAct.Call);
        return isWritten;
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

        // SAFETY: the claim lies in the data, which the channel holds, with room for prefix and length.
        MessageCopy.Copy(message, At(position) + ChannelLayout.WidePrefix);
        Commit(position, claimed, message.Length, type);
        return true;
    }

    protected void TakeOver()
    {
        // The mutex was entered, and what a dead predecessor had claimed was passed. Its last claim may be so old that it would compare as newer than the next one.
        Volatile.Write(ref LastOf(_me), ClaimWord.NoneAt(LoadClaim().End));
        _head = LoadHead();
        Endpoint.Occupy();
    }

    /// <summary>Claims lines in one piece. What was left before the end of the data, where they did not fit, is padding.</summary>
    /// <param name="need">How many.</param>
    /// <param name="position">Where they begin.</param>
    /// <param name="claimed">As many; 0 where there is no room now.</param>
    protected bool TryClaim(ulong need, out ulong position, out ulong claimed)
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong TotalFor(ulong need, ulong position, out ulong claimed)
    {
        var room = _lines - (position & _mask);
        claimed = Math.Min(need, room);
        return need <= room ? need : room + need;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Commit(ulong position, ulong claimed, int length, ushort type)
    {
        var used = ClaimRecord.LinesFor((uint)length);
        if (used < claimed)
        {
            // First, since the reader goes on there once it sees the record before it.
            CommitPadding(position + used, claimed - used);
        }

        Publish(position, HeaderOf(position, length, type));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected ulong HeaderOf(ulong position, int length, ushort type)
    {
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
        *(ulong*)(At(position) + sizeof(ulong)) = type;
        return new ClaimRecord(position, _me, (uint)length, isPadding: false).Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Publish(ulong position, ulong header)
    {
        KillWindow.Pass(KillWindow.BeforeCommit);
        // SYNC fanin.commit: pairs with ClaimHead.TryFind. A reader that sees the header sees the whole record, and the others of a batch.
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
        Volatile.Write(ref *(ulong*)At(position), header);
        KillWindow.Pass(KillWindow.AfterCommit);
        _readerWakes.NotifyAll();
    }

    protected void CommitPadding(ulong position, ulong lines) =>
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)At(position), new ClaimRecord(position, _me, ClaimRecord.PaddingOf(lines), isPadding: true).Value);

    /// <summary>Makes the reader look again.</summary>
    protected void NotifyReader() => _readerWakes.NotifyAll();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected int PlaceOf(ulong position) => ((int)(position & _mask) * ChannelLayout.LineSize) + ChannelLayout.WidePrefix;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected byte* At(ulong position) => Data + ((long)(position & _mask) * ChannelLayout.LineSize);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong LastOf(int writer) =>
        // SAFETY: the callers' writers are below the number of writers, so the word lies in the endpoints, which the channel holds, at a multiple of 8.
        ref *(ulong*)(_endpoints + (ChannelLayout.EndpointSize * (long)writer) + ChannelLayout.LastClaimInEndpoint);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ClaimWord LoadClaim() =>
        // SAFETY: the claim word lies in the bytes that the channel holds.
        new(Volatile.Read(ref *_claim));

    private ulong LoadHead() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine)) & ClaimWord.PositionMask;
}
