using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Many messages that readers are shown together, when the batch is disposed.</summary>
/// <remarks>A batch that is not disposed sends nothing. Copies of it are the same batch.</remarks>
/// <example>
/// <code><![CDATA[
/// using var quotes = MessageChannel.Open("quotes");
/// using var writer = quotes.OpenWriter();
/// using (MessageBatch batch = writer.BeginBatch())
/// {
///     for (var i = 0; i < 100 && batch.TryWrite(BitConverter.GetBytes(i)); i++)
///     {
///     }
/// }                                                         // The reader sees all of them now.
/// ]]></code>
/// </example>
public ref struct MessageBatch : IDisposable
{
    // The way to the ring is one load longer than need be: a copy of a field that a finally block uses is not kept in a register.
    private readonly MessageWriter? _writer;
    private readonly WritingEnd? _other;
    private readonly int _ticket;
    private ulong _reserved;
    private int _length;

    internal MessageBatch(MessageWriter writer, int ticket)
    {
        _writer = writer;
        _ticket = ticket;
        _length = -1;
    }

    internal MessageBatch(WritingEnd other, int ticket)
    {
        _other = other;
        _ticket = ticket;
        _length = -1;
    }

    /// <summary>Adds a message.</summary>
    /// <returns>False: there is not enough room now. Dispose the batch, so that the reader can make some.</returns>
    /// <exception cref="ArgumentException">The message is longer than the writer's longest.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The type is reserved: 0xFF00 or more.</exception>
    /// <exception cref="InvalidOperationException">The batch was disposed.</exception>
    /// <exception cref="ChannelCorruptException">A reader stored what no correct reader stores.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryWrite(scoped ReadOnlySpan<byte> m, ushort type = 0)
    {
        if (_writer is null)
        {
            return TryWriteElsewhere(m, type);
        }

        var ring = _writer.Ring;
        if (!ring.IsOpen(_ticket))
        {
            ThrowSpent();
        }

        ring.RequireMessage(m.Length, type);
        _length = -1;
        return ring.TryAdd(m, type);
    }

    /// <summary>Reserves room for a message, to be written in place and committed. A reservation that is followed by anything but <see cref="Commit"/> is given up.</summary>
    /// <returns>False: there is not enough room now.</returns>
    /// <inheritdoc cref="TryWrite"/>
    [UnscopedRef]
    public bool TryReserve(int length, out Span<byte> span)
    {
        var writer = Current();
        writer.RequireLength(length);
        var isFree = writer.TryClaim(length, out _reserved);
        _length = isFree ? length : -1;
        span = isFree ? writer.PayloadOf(_reserved, length) : default;
        return isFree;
    }

    /// <summary>Adds the message that was written to the reserved room.</summary>
    /// <param name="length">How many bytes of the room it has.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative or longer than what was reserved, or the type is reserved.</exception>
    /// <exception cref="InvalidOperationException">Nothing is reserved, or the batch was disposed.</exception>
    public void Commit(int length, ushort type = 0)
    {
        var writer = Current();
        if (_length < 0 || !writer.IsNext(_reserved))
        {
            throw new InvalidOperationException("Nothing is reserved in this batch.");
        }

        writer.RequireCommit(length, _length, type);
        writer.Store(_reserved, length, type);
        _length = -1;
    }

    /// <summary>Sends the messages. Further calls, and calls on a copy, have no effect.</summary>
    public readonly void Dispose() => (_writer?.Ring ?? _other)?.Return(_ticket);

    /// <summary>As <see cref="TryWrite"/>, of a batch that is not one of a ring.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryWriteElsewhere(scoped ReadOnlySpan<byte> m, ushort type)
    {
        var writer = Current();
        writer.RequireMessage(m.Length, type);
        _length = -1;
        return writer.TryStore(m, type);
    }

    private readonly WritingEnd Current()
    {
        var writer = _writer?.Ring ?? _other;
        if (writer is null || !writer.IsOpen(_ticket))
        {
            ThrowSpent();
        }

        return writer;
    }

    [DoesNotReturn]
    private static void ThrowSpent() => throw new InvalidOperationException("The batch was disposed already, or was never begun.");
}
