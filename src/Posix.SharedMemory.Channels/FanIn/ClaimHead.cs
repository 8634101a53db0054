using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The head of a fan-in, as its reader keeps it: finds records in the order of their claims, passes over those of dead writers, and gives lines back. Nothing that stands there is trusted.</summary>
internal abstract unsafe class ClaimHead : LendingEnd
{
    /// <summary>The claims in a ring are fewer, and each look passes one or finds that one was committed meanwhile.</summary>
    private const int MostLooks = 1_000_000;

    private readonly byte* _data;
    private readonly byte* _line;
    private readonly byte* _skipped;
    private readonly ulong* _claim;
    private readonly ulong _lines;
    private readonly ulong _mask;
    private readonly ulong _quarter;
    private readonly ulong _most;
    private readonly int _writers;
    private readonly SharedEventCount _writerWakes;
    private ulong _head;
    private ulong _released;
    private ulong _redelivered;
    private long _messages;
    private long _bytes;
    private long _waits;
    private long _allSkipped;
    private long _lostBytes;

    protected ClaimHead(Endpoint endpoint)
        : base(endpoint)
    {
        var channel = endpoint.Channel;
        _data = channel.First + channel.Header.DataOffset;
        _line = channel.First + ChannelLayout.ReaderLine;
        _skipped = channel.First + ChannelLayout.SkippedAt;
        _claim = (ulong*)(channel.First + ChannelLayout.ClaimAt);
        _lines = (ulong)channel.Header.Capacity / ChannelLayout.LineSize;
        _mask = _lines - 1;
        _quarter = _lines / 4;
        _most = (ulong)channel.Header.MaxMessage;
        _writers = endpoint.Peers.Length;
        _writerWakes = endpoint.PeerWakes;
    }

    /// <summary>Gets how many claims of dead writers were passed over since the reader was opened.</summary>
    internal long LostClaims { get; private set; }

    /// <summary>Gets how many bytes are claimed and not read. Any thread may read it.</summary>
    internal long Available
    {
        get
        {
            RefuseIfClosed();
            // The head first: claims only go on.
            return (long)Math.Min(_lines, ClaimWord.Distance(Volatile.Read(ref _head), LoadClaim().End)) * ChannelLayout.LineSize;
        }
    }

    /// <summary>Gets whether nothing is claimed that was not read.</summary>
    protected bool IsEmpty => LoadClaim().End == _head;

    /// <summary>Gets whether lines that were read are to be given back now: there are many, or a writer sleeps.</summary>
    protected bool IsReleaseDue => ClaimWord.Distance(_released, _head) >= _quarter || _writerWakes.HasWaiters;

    /// <inheritdoc/>
    internal sealed override bool IsRedelivered(ulong at) => ClaimWord.Distance(at / ChannelLayout.LineSize, _redelivered) is > 0 and < 1UL << 45;

    /// <summary>The payload of a message that was found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ReadOnlySpan<byte> PayloadAt(ulong position, ulong header) =>
        // SAFETY: the record was found inside the data, which the channel holds.
        MemoryMarshal.CreateReadOnlySpan(ref *(At(position) + ChannelLayout.WidePrefix), (int)new ClaimRecord(header).Length);

    /// <inheritdoc cref="PayloadAt(ulong, ulong)"/>
    internal ReadOnlySpan<byte> PayloadOf(in ClaimedMessage message) => PayloadAt(message.Position, message.Header);

    /// <summary>The type of a message that was found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ushort TypeOf(ulong position) =>
        // SAFETY: as above.
        *(ushort*)(At(position) + sizeof(ulong));

    /// <summary>Where the record begins that ends at a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong StartOf(ulong end, ulong header) => (end - new ClaimRecord(header).Lines) & ClaimWord.PositionMask;

    /// <summary>Where a message's payload begins in the data.</summary>
    protected int PlaceOf(in ClaimedMessage message) => ((int)(message.Position & _mask) * ChannelLayout.LineSize) + ChannelLayout.WidePrefix;

    protected override bool Poll(int length) => TryFindHeader(out _);

    protected override bool HasEnded() => false;

    /// <summary>Writers come and go: none of them ends a wait.</summary>
    protected override (uint Generation, PeerState State) LookAtPeer() => (0, PeerState.Alive);

    protected override void CountWait() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)(_line + ChannelLayout.WaitsInLine), ++_waits);

    protected void TakeOver()
    {
        // The mutex was entered: a former reader has confirmed its end, and stores nothing more.
        _head = _released = Load(ChannelLayout.IndexInLine) & ClaimWord.PositionMask;
        var releasing = Load(ChannelLayout.ReleasingInLine) & ClaimWord.PositionMask;
        var claimed = ClaimWord.Distance(_head, LoadClaim().End);
        if (claimed > _lines || ClaimWord.Distance(_head, releasing) > claimed)
        {
            throw Corrupt("the head", ChannelLayout.ReaderLine, $"is {_head}, releasing {releasing}, and claims go on at {LoadClaim().End}");
        }

        (_messages, _bytes, _waits) = ((long)Load(ChannelLayout.MessagesInLine), (long)Load(ChannelLayout.BytesInLine), (long)Load(ChannelLayout.WaitsInLine));
        // SAFETY: the line lies in the bytes that the channel holds.
        (_allSkipped, _lostBytes) = (Volatile.Read(ref *(long*)_skipped), Volatile.Read(ref *(long*)(_skipped + sizeof(long))));
        if (releasing != _head)
        {
            // A living writer has long committed these, and would be waited for.
            Release(ClaimWord.Distance(_head, releasing));
        }

        Endpoint.Occupy();
        _redelivered = Endpoint.HadPredecessor ? LoadClaim().End : _head;
    }

    /// <summary>Finds the next record that is a message.</summary>
    protected bool TryFind(out ClaimedMessage message)
    {
        var isFound = TryFindHeader(out var header);
        message = isFound ? new(_head, header, TypeOf(_head)) : default;
        return isFound;
    }

    /// <summary>Finds the next record that is a message; it is at the head then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected bool TryFindHeader(out ulong header)
    {
        // SYNC fanin.commit: pairs with ClaimTail.Publish. One load: what is stored later changes nothing.
        // SAFETY: the line lies in the data, which the channel holds, at a multiple of 64.
        var record = new ClaimRecord(Volatile.Read(ref *(ulong*)At(_head)));
        if (record.IsMessageAt(_head) && IsPossible(record))
        {
            header = record.Value;
            return true;
        }

        return TryFindSlowly(out header);
    }

    /// <summary>Whether a record's length and writer can be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsPossible(ClaimRecord record) =>
        record.Lines <= _lines - (_head & _mask) && (uint)record.Writer < (uint)_writers && (record.IsPadding || record.Length <= _most);

    /// <summary>Passes padding and the claims of the dead before the next message: no further than what was claimed when it began. Whoever claims later also notifies later.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryFindSlowly(out ulong header)
    {
        ulong end = 0;
        header = 0;
        for (var looks = 0; looks == 0 || _head != end; looks++)
        {
            if (looks == MostLooks)
            {
                throw Corrupt("the claims", ChannelLayout.ClaimAt, $"changed {MostLooks} times while the record at {_head} was looked for");
            }

            // SYNC fanin.commit: pairs with ClaimTail.Publish. One load: what is stored later changes nothing.
            // SAFETY: the line lies in the data, which the channel holds, at a multiple of 64.
            var record = new ClaimRecord(Volatile.Read(ref *(ulong*)At(_head)));
            if (looks == 0)
            {
                // After the record: what is committed was claimed before.
                end = LoadClaim().End;
            }

            if (!record.IsCommitted)
            {
                if (TryPassDead())
                {
                    continue;
                }

                return false;
            }

            if (!record.IsAt(_head) || !IsPossible(record))
            {
                throw Corrupt("a record", Header.DataOffset + ((long)(_head & _mask) * ChannelLayout.LineSize), $"has the header {record.Value:x16}, and its position is {_head}");
            }

            if (!record.IsPadding)
            {
                header = record.Value;
                return true;
            }

            if (record.Lines > ClaimWord.Distance(_head, end))
            {
                throw Corrupt("a record", Header.DataOffset + ((long)(_head & _mask) * ChannelLayout.LineSize), $"has the header {record.Value:x16}, and claims go on at {end}");
            }

            Release(record.Lines);
        }

        return false;
    }

    /// <summary>Looks whose the claim at the head is, and passes over it if its writer will never commit it.</summary>
    /// <returns>Whether the head is worth another look.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryPassDead()
    {
        var seen = LoadClaim();
        if (seen.End == _head)
        {
            return false;
        }

        if (FindOwner(seen) is not { } claim)
        {
            // It has been committed, and its writer has claimed again.
            return IsCommitted() || LoadClaim().Value != seen.Value ? true
                : throw Corrupt("the claims", ChannelLayout.ClaimAt, $"go on at {seen.End}, and no writer owns the one at {_head}");
        }

        PeerState state;
        try
        {
            state = Endpoint.Peers[claim.Writer].LookAndConfirm();
        }
        catch (Exception e) when (e is InvalidDataException || (e is InvalidOperationException and not ObjectDisposedException))
        {
            throw Corrupt("an endpoint's mutex", Endpoint.Peers[claim.Writer].Offset, $"was overwritten ({e.Message})");
        }

        // It may have committed, and died or left then.
        if (IsCommitted())
        {
            return true;
        }

        if (state == PeerState.Alive)
        {
            return false;
        }

        if (claim.Lines > _lines - (_head & _mask))
        {
            throw Corrupt("a claim", ChannelLayout.ClaimAt, $"has {claim.Lines} lines at {_head}, past the end of the data");
        }

        LostClaims++;
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)_skipped, ++_allSkipped);
        // SAFETY: as above.
        Volatile.Write(ref *(long*)(_skipped + sizeof(long)), _lostBytes += (long)claim.Lines * ChannelLayout.LineSize);
        KillWindow.Pass(KillWindow.AfterSkipIsCounted);
        Release(claim.Lines);
        return true;
    }

    private (int Writer, ulong Lines)? FindOwner(ClaimWord seen)
    {
        if (seen.Position == _head && seen.Lines != 0)
        {
            return seen.Writer < Endpoint.Peers.Length ? (seen.Writer, seen.Lines)
                : throw Corrupt("the claim word", ChannelLayout.ClaimAt, $"names writer {seen.Writer} of {Endpoint.Peers.Length}");
        }

        foreach (var peer in Endpoint.Peers)
        {
            // SYNC claim.help: pairs with ClaimTail.Help. Whoever sees that the claim word has moved on sees the claim before in its owner's endpoint.
            var last = Volatile.Read(ref peer.LastClaim);
            if (ClaimWord.PositionOfLast(last) == _head && ClaimWord.LinesOfLast(last) != 0)
            {
                return (peer.Index, ClaimWord.LinesOfLast(last));
            }
        }

        return null;
    }

    private bool IsCommitted() =>
        // SAFETY: the line lies in the data, which the channel holds.
        new ClaimRecord(Volatile.Read(ref *(ulong*)At(_head))).IsCommitted;

    protected void Pass(ulong position, int length)
    {
        if (position == _head)
        {
            Advance(length);
            Publish();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected ulong Advance(int length)
    {
        _messages++;
        _bytes += length;
        return _head = (_head + ClaimRecord.LinesFor((uint)length)) & ClaimWord.PositionMask;
    }

    /// <summary>Passes lines without a message.</summary>
    private void Release(ulong lines)
    {
        _head = (_head + lines) & ClaimWord.PositionMask;
        Publish();
    }

    protected void PublishIfRead()
    {
        if (_head != _released)
        {
            Publish();
        }
    }

    /// <summary>Gives the lines before the head back to the writers. Their headers must be zero before.</summary>
    private void Publish()
    {
        KillWindow.Pass(KillWindow.BeforeReleasing);
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(ulong*)(_line + ChannelLayout.ReleasingInLine), _head);
        KillWindow.Pass(KillWindow.AfterReleasing);
        for (var line = _released; line != _head; line = (line + 1) & ClaimWord.PositionMask)
        {
            // SAFETY: the lines lie in the data, which the channel holds.
            *(ulong*)At(line) = 0;
            KillWindow.Pass(KillWindow.BetweenZeros);
        }

        // SAFETY: as above.
        *(long*)(_line + ChannelLayout.MessagesInLine) = _messages;
        // SAFETY: as above.
        *(long*)(_line + ChannelLayout.BytesInLine) = _bytes;
        _released = _head;
        KillWindow.Pass(KillWindow.BeforeHead);
        // SYNC fanin.room: pairs with ClaimTail.HasRoom. A writer that sees the head sees the zeros.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(_line + ChannelLayout.IndexInLine), _head);
        KillWindow.Pass(KillWindow.AfterHead);
        _writerWakes.NotifyAll();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* At(ulong position) => _data + ((long)(position & _mask) * ChannelLayout.LineSize);

    private ulong Load(int offset) =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(ulong*)(_line + offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected ClaimWord LoadClaim() =>
        // SAFETY: the claim word lies in the bytes that the channel holds.
        new(Volatile.Read(ref *_claim));
}
