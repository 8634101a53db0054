using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The reading end of a fan-in: opens it, lends messages, and says who wrote them. How it finds them is in <see cref="ClaimHead"/>.</summary>
internal sealed class ClaimReader : ClaimHead
{
    /// <summary>Where a lease that all channels have keeps the writer's endpoint, in its header.</summary>
    private const int WriterShift = 48;

    private readonly EndpointInfo?[] _writers;
    private readonly uint[] _generations;
    private ulong _borrowed;
    private int _borrowedLength;
    private int _emptyLooks;

    private ClaimReader(Endpoint endpoint)
        : base(endpoint)
    {
        _writers = new EndpointInfo?[endpoint.Peers.Length];
        _generations = new uint[endpoint.Peers.Length];
    }

    /// <summary>Opens the reader.</summary>
    internal static ClaimReader Open(ChannelMemory channel, EndpointOptions? options)
    {
        var reader = new ClaimReader(Endpoint.Enter(channel, EndpointRole.Reader, options));
        try
        {
            reader.TakeOver();
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    internal override EndpointInfo DescribeWriter(ulong header) => Describe((int)(header >> WriterShift));

    /// <summary>Who wrote a record. Described once for each opening of an endpoint.</summary>
    internal EndpointInfo Describe(int writer)
    {
        var peer = Endpoint.Peers[writer];
        var generation = peer.Generation;
        if (_writers[writer] is { } known && _generations[writer] == generation)
        {
            return known;
        }

        _generations[writer] = generation;
        return _writers[writer] = peer.Describe();
    }

    /// <summary>Copies the next message; the caller's span may be too short.</summary>
    internal bool TryRead(Span<byte> destination, out int length, out ushort type)
    {
        Begin(EndAct.Call);
        if (!TryFind(out var message))
        {
            Finish(EndAct.Call);
            (length, type) = (0, 0);
            return false;
        }

        (length, type) = (message.Length, message.Type);
        var fits = length <= destination.Length;
        if (fits)
        {
            PayloadOf(message).CopyTo(destination);
            Pass(message.Position, length);
        }

        Finish(EndAct.Call);
        return fits;
    }

    /// <summary>Copies the next message.</summary>
    internal bool TryRead(IBufferWriter<byte> destination, out ushort type)
    {
        ArgumentNullException.ThrowIfNull(destination);
        Begin(EndAct.Call);
        try
        {
            if (!TryFind(out var message))
            {
                type = 0;
                return false;
            }

            destination.Write(PayloadOf(message));
            type = message.Type;
            Pass(message.Position, message.Length);
            return true;
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Borrows the next message until <see cref="LendingEnd.Release"/>.</summary>
    internal bool TryBorrow(out ClaimedMessage message, out int ticket)
    {
        ticket = BeginWithTicket(EndAct.Borrow);
        if (!TryFind(out message))
        {
            FinishWithTicket();
            ticket = 0;
            return false;
        }

        (_borrowed, _borrowedLength) = (message.Position, message.Length);
        return true;
    }

    protected override void PassBorrowed() => Pass(_borrowed, _borrowedLength);

    /// <summary>As <see cref="TryBorrow(out ClaimedMessage, out int)"/>, as the lease that all channels have.</summary>
    internal bool TryLend(out MessageLease lease)
    {
        var isFound = TryBorrow(out var message, out var ticket);
        var header = (uint)message.Length | ((ulong)message.Type << ChannelLayout.TypeShift) | ((ulong)(uint)new ClaimRecord(message.Header).Writer << WriterShift);
        lease = isFound ? new(this, message.Position * ChannelLayout.LineSize, header, ticket) : default;
        return isFound;
    }

    /// <summary>Begins an enumeration, which publishes the head rarely.</summary>
    internal int BeginEnumeration()
    {
        var ticket = BeginWithTicket(EndAct.Batch);
        if (IsEmpty)
        {
            // The writers are the faster for not being looked at all the time.
            SpinBudget.Pause(4 << Math.Min(_emptyLooks++, 2));
        }
        else
        {
            _emptyLooks = 0;
        }

        return ticket;
    }

    /// <summary>Goes to the next message of an enumeration. The former one was read; its room is given back from time to time, or at once if a writer sleeps.</summary>
    /// <param name="ticket">The enumeration's.</param>
    /// <param name="head">Gets where the message ends.</param>
    /// <param name="header">Gets its header.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryMove(int ticket, ref ulong head, ref ulong header)
    {
        if (!IsOpen(ticket))
        {
            ThrowEnded();
        }

        if (IsReleaseDue)
        {
            PublishIfRead();
        }

        if (!TryFindHeader(out var found))
        {
            return false;
        }

        header = found;
        head = Advance((int)new ClaimRecord(found).Length);
        return true;
    }

    /// <summary>Ends an enumeration.</summary>
    internal void EndEnumeration(int ticket)
    {
        if (IsOpen(ticket))
        {
            PublishIfRead();
            FinishWithTicket();
        }
    }

    /// <summary>The payload of a message as memory.</summary>
    internal ReadOnlyMemory<byte> MemoryOf(in ClaimedMessage message) => Bytes.Memory.Slice(PlaceOf(message), message.Length);

    [DoesNotReturn]
    private static void ThrowEnded() => throw new InvalidOperationException("The enumeration has ended.");
}
