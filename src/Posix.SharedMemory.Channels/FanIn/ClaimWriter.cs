using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// A writing end of a fan-in: claims lines by the claim word, one compare-exchange for each message, and commits its record by the header. Each claim can be put down to its
/// writer at every instant. The model is tests/models/fanin.pml.
/// </summary>
internal sealed unsafe class ClaimWriter : ChannelEnd
{
    /// <summary>A compare-exchange fails only when another writer has claimed: so many failures in a row are no accident.</summary>
    private const int MostAttempts = 1_000_000;

    private readonly byte* _data;
    private readonly ulong* _claim;
    private readonly byte* _endpoints;
    private readonly byte* _readerLine;
    private readonly int _me;
    private readonly int _writers;
    private readonly ulong _lines;
    private readonly ulong _mask;
    private readonly uint _most;
    private readonly SharedEventCount _readerWakes;
    private ulong _head;
    private int _ticket;
    private ulong _position;
    private ulong _claimed;
    private ReadOnlyMemory<byte> _message;
    private ushort _type;
    private bool _hasMessage;

    private ClaimWriter(Endpoint endpoint)
        : base(endpoint)
    {
        var channel = endpoint.Channel;
        _data = channel.First + channel.Header.DataOffset;
        _claim = (ulong*)(channel.First + ChannelLayout.ClaimAt);
        _endpoints = channel.First + channel.Header.EndpointsOffset;
        _readerLine = channel.First + ChannelLayout.ReaderLine;
        _me = endpoint.Index;
        _writers = channel.Header.Endpoints - 1;
        _lines = (ulong)channel.Header.Capacity / ChannelLayout.LineSize;
        _mask = _lines - 1;
        _most = (uint)channel.Header.MaxMessage;
        _readerWakes = endpoint.PeerWakes;
    }

    internal int MaxMessage => (int)_most;

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
        var isWritten = TryStore(message, type);
        Finish(EndAct.Call);
        return isWritten;
    }

    /// <summary>Begins a message that is written in place.</summary>
    internal bool TryBorrow(int length, out int ticket)
    {
        Begin(EndAct.Borrow);
        if (TryClaim(length, out _position, out _claimed))
        {
            ticket = ++_ticket;
            return true;
        }

        Finish(EndAct.Borrow);
        ticket = 0;
        return false;
    }

    internal bool IsBorrowed(int ticket) => ticket == _ticket && Act == EndAct.Borrow;

    /// <summary>The room of the message that is written in place.</summary>
    internal Span<byte> PayloadOf(int length) =>
        // SAFETY: the claim is contiguous and lies in the data, which the channel holds.
        new(At(_position) + ChannelLayout.WidePrefix, length);

    /// <summary>Sends it.</summary>
    internal void Commit(int length, ushort type)
    {
        Commit(_position, _claimed, length, type);
        Act = EndAct.Idle;
    }

    /// <summary>Gives it up: its lines are padding.</summary>
    internal void Return(int ticket)
    {
        if (IsBorrowed(ticket))
        {
            CommitPadding(_position, _claimed);
            _readerWakes.NotifyAll();
            Act = EndAct.Idle;
        }
    }

    /// <summary>Waits for room for a message.</summary>
    internal ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken)
    {
        RequireLength(length);
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

        return WaitAsync(length, cancellationToken);
    }

    /// <summary>Waits for room for a message, and writes it.</summary>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> message, ushort type, CancellationToken cancellationToken)
    {
        Begin(EndAct.Wait);
        (_message, _type, _hasMessage) = (message, type, true);
        return new(Pending, Pending.Start(message.Length, cancellationToken));
    }

    internal void RequireLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        RequireMessage(length, 0);
    }

    internal void RequireMessage(int length, ushort type)
    {
        if ((uint)length > _most)
        {
            throw new ArgumentException($"The message has {length} bytes, and the longest that this channel carries has {_most}.", nameof(length));
        }

        if (type >= ChannelLayout.FirstReservedType)
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, $"Types from 0x{ChannelLayout.FirstReservedType:X4} are reserved.");
        }
    }

    /// <summary>Closes the end. A message that is still being written becomes padding.</summary>
    internal override void Dispose()
    {
        Return(_ticket);
        base.Dispose();
    }

    internal override void FinishWait()
    {
        (_message, _hasMessage) = (default, false);
        base.FinishWait();
    }

    protected override bool Poll(int length)
    {
        // SYNC fanin.room: pairs with ClaimReader.Release. The head comes after the claim word: a head past the claims that were seen is one that is newer than they are.
        var used = ClaimWord.Distance(_head, LoadClaim().End);
        var total = TotalFor(ClaimRecord.LinesFor((uint)length), LoadClaim().End, out _);
        if (used + total <= _lines)
        {
            return true;
        }

        _head = LoadHead();
        return ClaimWord.Distance(_head, LoadClaim().End) + total <= _lines;
    }

    protected override bool HasEnded()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        return Volatile.Read(ref *(uint*)(_readerLine + ChannelLayout.StateInLine)) switch
        {
            0 => false,
            1 => true,
            var state => throw Corrupt("the reader's state", ChannelLayout.ReaderLine + ChannelLayout.StateInLine, $"is {state}"),
        };
    }

    protected override bool TryDeliver() => !_hasMessage || TryStore(_message.Span, _type);

    protected override void RefuseEnd()
    {
        if (_hasMessage)
        {
            throw TakesNoMore();
        }
    }

    internal static InvalidOperationException TakesNoMore() => new("The reader takes no more messages.");

    private bool TryStore(ReadOnlySpan<byte> message, ushort type)
    {
        if (!TryClaim(message.Length, out var position, out var claimed))
        {
            return false;
        }

        // SAFETY: the claim is contiguous and lies in the data, which the channel holds.
        message.CopyTo(new(At(position) + ChannelLayout.WidePrefix, message.Length));
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

    private bool TryClaim(int length, out ulong position, out ulong claimed)
    {
        var need = ClaimRecord.LinesFor((uint)length);
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var seen = LoadClaim();
            if (seen.Lines != 0 && !Help(seen))
            {
                continue;
            }

            position = seen.End;
            var total = TotalFor(need, position, out claimed);
            if (ClaimWord.Distance(_head, position) + total > _lines && !HasRoom(seen, total, out var isStale))
            {
                if (isStale)
                {
                    continue;
                }

                return false;
            }

            // SAFETY: the claim word lies in the bytes that the channel holds.
            if (Interlocked.CompareExchange(ref *_claim, new ClaimWord(position, claimed, _me).Value, seen.Value) != seen.Value)
            {
                SpinBudget.Pause(1);
                continue;
            }

            if (claimed == need)
            {
                return true;
            }

            // What was left before the end of the data: the message is at its beginning, if there is still room.
            CommitPadding(position, claimed);
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
        // SYNC claim.help: pairs with ClaimReader.FindOwner. Monotone: a late helper changes nothing.
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
        // SYNC fanin.room: pairs with ClaimReader.Release. What the reader has released may be overwritten.
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

        var record = At(position);
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
        *(ulong*)(record + sizeof(ulong)) = type;
        // SYNC fanin.commit: pairs with ClaimReader.TryFind. A reader that sees the header sees the whole record.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)record, new ClaimRecord(position, _me, (uint)length, isPadding: false).Value);
        _readerWakes.NotifyAll();
    }

    private void CommitPadding(ulong position, ulong lines) =>
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)At(position), new ClaimRecord(position, _me, ClaimRecord.PaddingOf(lines), isPadding: true).Value);

    private byte* At(ulong position) => _data + ((long)(position & _mask) * ChannelLayout.LineSize);

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
