using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>Room for one message, written in place. Without <see cref="Commit"/> nothing is sent.</summary>
/// <remarks>
/// A copy ends with it: only the first <see cref="Commit"/> or <see cref="Dispose"/> of them has an effect. In a <see cref="FanIn"/>, messages that other writers claim later wait for it: keep it short.
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var quotes = MessageChannel.Open("quotes");
/// using var writer = quotes.OpenWriter();
/// if (writer.TryReserve(64, out MessageReservation reservation))
/// {
///     using (reservation)
///     {
///         BitConverter.TryWriteBytes(reservation.Span, 1.5);
///         reservation.Commit(sizeof(double));
///     }
/// }
/// ]]></code>
/// </example>
public readonly ref struct MessageReservation : IDisposable
{
    private readonly WritingEnd? _writer;
    private readonly int _place;
    private readonly int _length;
    private readonly int _ticket;

    internal MessageReservation(WritingEnd writer, int place, int length, int ticket)
    {
        _writer = writer;
        _place = place;
        _length = length;
        _ticket = ticket;
    }

    /// <summary>Gets the room: what was there before is undefined.</summary>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    [UnscopedRef]
    public Span<byte> Span => Current().RoomAt(_place, _length);

    /// <summary>Sends the message.</summary>
    /// <param name="length">How many bytes of <see cref="Span"/> it has.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative or longer than what was reserved, or the type is reserved.</exception>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    public void Commit(int length, ushort type = 0)
    {
        var writer = Current();
        writer.RequireCommit(length, _length, type);
        writer.Commit(length, type);
    }

    /// <summary>Gives the room up, unless the message was committed.</summary>
    public void Dispose() => _writer?.Return(_ticket);

    private WritingEnd Current() => _writer is { } writer && writer.IsOpen(_ticket) ? writer
        : throw new InvalidOperationException("The reservation was committed or disposed already, or was never made.");
}
