using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>Room for one message, written in place. Without <see cref="Commit"/> nothing is sent.</summary>
/// <remarks>A copy ends with it: only the first <see cref="Commit"/> or <see cref="Dispose"/> of them has an effect.</remarks>
public readonly ref struct MessageReservation : IDisposable
{
    private readonly RingWriter? _writer;
    private readonly ulong _at;
    private readonly int _length;
    private readonly int _ticket;

    internal MessageReservation(RingWriter writer, ulong at, int length, int ticket)
    {
        _writer = writer;
        _at = at;
        _length = length;
        _ticket = ticket;
    }

    /// <summary>Gets the room: what was there before is undefined.</summary>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    [UnscopedRef]
    public Span<byte> Span => Current().PayloadOf(_at, _length);

    /// <summary>Sends the message.</summary>
    /// <param name="length">How many bytes of <see cref="Span"/> it has.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative or longer than what was reserved, or the type is reserved.</exception>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    public void Commit(int length, ushort type = 0)
    {
        var writer = Current();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _length);
        writer.RequireMessage(length, type);
        writer.Store(_at, length, type);
        writer.Return(_ticket);
    }

    /// <summary>Gives the room up, unless the message was committed.</summary>
    public void Dispose() => _writer?.Return(_ticket);

    private RingWriter Current() => _writer is { } writer && writer.IsOpen(_ticket) ? writer
        : throw new InvalidOperationException("The reservation was committed or disposed already, or was never made.");
}
