using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels;

/// <summary>What all readers of messages have in common: they lend payloads, and take them back by their tickets.</summary>
internal abstract unsafe class LendingEnd : ChannelEnd
{
    private readonly byte* _data;
    private readonly ulong _mask;
    private readonly ulong _prefix;

    protected LendingEnd(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Data;
        _mask = (ulong)header.Capacity - 1;
        _prefix = (ulong)header.Prefix;
    }

    /// <summary>Gets the data as memory, for messages that are read asynchronously.</summary>
    internal ChannelBytes Bytes => field ??= new(Endpoint);

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
    internal abstract bool IsRedelivered(ulong at);

    /// <summary>The endpoint that wrote a record that is lent.</summary>
    internal virtual EndpointInfo DescribeWriter(ulong header) => Endpoint.Peer.Describe();

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

    /// <summary>Goes past the record that is lent, and lets the writer have its room.</summary>
    protected abstract void PassBorrowed();
}
