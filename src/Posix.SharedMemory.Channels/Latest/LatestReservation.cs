using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>A value that is written in place. Without <see cref="Commit"/> nothing is published.</summary>
/// <remarks>A copy ends with it: only the first <see cref="Commit"/> or <see cref="Dispose"/> of them has an effect.</remarks>
/// <example>
/// <code><![CDATA[
/// using var temperature = LatestValue<double>.Open("temperature");
/// using var writer = temperature.OpenWriter();
/// using LatestReservation<double> reservation = writer.Begin();
/// reservation.Value = 21.5;
/// reservation.Commit();
/// ]]></code>
/// </example>
public readonly ref struct LatestReservation<T> : IDisposable
    where T : unmanaged
{
    private readonly ValueWriter? _writer;
    private readonly int _ticket;

    internal LatestReservation(ValueWriter writer, int ticket)
    {
        _writer = writer;
        _ticket = ticket;
    }

    /// <summary>Gets the value: what was there before is undefined.</summary>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    [UnscopedRef]
    public unsafe ref T Value =>
        // SAFETY: the marked buffer has room for the type; the writer, which this references, keeps it mapped, and UnscopedRef bounds the reference by this.
        ref *(T*)Current().Payload;

    /// <summary>Publishes the value.</summary>
    /// <exception cref="InvalidOperationException">The reservation was committed or disposed.</exception>
    public void Commit()
    {
        var writer = Current();
        writer.Publish(Unsafe.SizeOf<T>());
        writer.Return(_ticket);
    }

    /// <summary>Gives the value up, unless it was published.</summary>
    public void Dispose() => _writer?.Return(_ticket);

    private ValueWriter Current() => _writer is { } writer && writer.IsBorrowed(_ticket) ? writer
        : throw new InvalidOperationException("The reservation was committed or disposed already, or was never made.");
}
