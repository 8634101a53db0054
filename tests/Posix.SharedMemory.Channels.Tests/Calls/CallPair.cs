using System.Buffers.Binary;
using System.Text;
using Posix.SharedMemory.Channels.Tests.Connections;

namespace Posix.SharedMemory.Channels.Tests.Calls;

/// <summary>Both sides of a connection of calls in this process; the peer's side is a plain connection until it is asked for.</summary>
internal sealed class CallPair : IDisposable
{
    private readonly Both _both;

    private CallPair(Both both)
    {
        _both = both;
        Mine = both.Creator.AsCalls();
    }

    /// <summary>Gets this side.</summary>
    internal MessageCalls Mine { get; }

    /// <summary>Gets the other side.</summary>
    internal MessageCalls Theirs => _both.Receiver.AsCalls();

    /// <summary>Gets the other side's rings.</summary>
    internal MessageConnection Raw => _both.Receiver;

    internal Both Both => _both;

    internal static async Task<CallPair> OpenAsync(long capacity = 4096) => new(await Both.OpenAsync(new() { Capacity = capacity }));

    /// <summary>Calls, and returns the reply as text.</summary>
    internal static async Task<string> AskAsync(MessageCalls calls, string request, ushort type = 0, CancellationToken cancellationToken = default)
    {
        using var reply = await calls.CallAsync(Encoding.UTF8.GetBytes(request), type, cancellationToken);
        return Encoding.UTF8.GetString(reply.Span);
    }

    /// <summary>Waits for a call of the peer.</summary>
    internal static async Task<IncomingCall> ReceiveAsync(MessageCalls calls)
    {
        IncomingCall call;
        while (!calls.TryReceive(out call))
        {
            Assert.True(await calls.WaitToReceiveAsync().AsTask().WaitAsync(Watchdog.Limit));
        }

        return call;
    }

    /// <summary>Stores a record as a hostile peer may.</summary>
    internal void Send(ushort recordType, ulong number, ushort place, ushort word = 0, uint value = 0, int length = 0)
    {
        var record = new byte[16 + length];
        BinaryPrimitives.WriteUInt64LittleEndian(record, number);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(8), place);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(10), word);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12), value);
        Send(recordType, record);
    }

    /// <inheritdoc cref="Send(ushort, ulong, ushort, ushort, uint, int)"/>
    internal void Send(ushort recordType, byte[] record)
    {
        var ring = Raw.Output.Ring;
        Assert.True(ring.TryReserve(record.Length, out var place, out _));
        record.CopyTo(ring.RoomAt(place, record.Length));
        ring.Commit(record.Length, recordType);
    }

    /// <summary>Stores a header alone.</summary>
    internal void SendHeader(ulong header)
    {
        var tail = Both.U64(1280);
        Both.U64((long)Both.U64(40) + (long)Both.U64(48) + (long)(tail & (Both.U64(48) - 1))) = header;
        Volatile.Write(ref Both.U64(1280), tail + 24);
        Raw.Output.Ring.Endpoint.Notify();
    }

    public void Dispose()
    {
        Mine.Dispose();
        _both.Dispose();
    }
}
