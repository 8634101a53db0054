using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>A value that is written in place. Without <see cref="Commit"/> nothing is published.</summary>
/// <remarks>A copy ends with it: only the first <see cref="Commit"/> or <see cref="Dispose"/> of them has an effect.</remarks>
/// <example>
/// <code><![CDATA[
/// using var picture = LatestBytes.Open("picture");
/// using var writer = picture.OpenWriter();
/// using LatestBytesReservation reservation = writer.Begin();
/// reservation.Span[..100].Fill(255);
/// reservation.Commit(100);
/// ]]></code>
/// </example>
public readonly ref struct LatestBytesReservation : IDisposable
{
    private readonly ValueWriter? _writer;
    private readonly int _ticket;

    internal LatestBytesReservation(ValueWriter writer, int ticket)
    {
        _writer = writer;
        _ticket = ticket;
    }

    /// <summary>Gets the room, as long as the longest value: what was there before is undefined.</summary>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    [UnscopedRef]
    public unsafe Span<byte> Span =>
        // SAFETY: the marked buffer has room for the longest value; the writer, which this references, keeps it mapped, and UnscopedRef bounds the span by this.
        new(Current().Payload, Current().MaxLength);

    /// <summary>Publishes the value.</summary>
    /// <param name="length">How many bytes of <see cref="Span"/> it has.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative or longer than <see cref="Span"/>.</exception>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    public void Commit(int length)
    {
        var writer = Current();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, writer.MaxLength);
        writer.Publish(length);
        writer.Return(_ticket);
    }

    /// <summary>Gives the value up, unless it was published.</summary>
    public void Dispose() => _writer?.Return(_ticket);

    private ValueWriter Current() => _writer is { } writer && writer.IsBorrowed(_ticket) ? writer
        : throw new InvalidOperationException("The reservation was committed or disposed already, or was never made.");
}
