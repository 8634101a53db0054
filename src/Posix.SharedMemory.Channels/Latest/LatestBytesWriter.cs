using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The writer of a <see cref="LatestBytes"/>.</summary>
/// <remarks>
/// <para>It is for one thread at a time, and never waits. A value that was begun and not published when the writer ends was never there: readers keep the last one.</para>
/// <para>
/// All members throw <see cref="InvalidOperationException"/> while another call is under way or a reservation is open, and after <see cref="Complete"/>; and
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>.
/// </para>
/// </remarks>
public sealed class LatestBytesWriter : IDisposable
{
    private readonly ValueWriter _value;

    internal LatestBytesWriter(ValueWriter value)
    {
        _value = value;
        value.Owner = this;
    }

    /// <summary>Gets how many bytes the longest value has.</summary>
    public int MaxLength => _value.MaxLength;

    /// <summary>Publishes a value. It never waits.</summary>
    /// <param name="value">Up to <see cref="MaxLength"/> bytes; none at all is a value too.</param>
    /// <exception cref="ArgumentException">The value is longer than <see cref="MaxLength"/>.</exception>
    public unsafe void Publish(ReadOnlySpan<byte> value)
    {
        if (value.Length > MaxLength)
        {
            ThrowTooLong(value);
        }

        _value.Begin(EndAct.Call);
        _value.Mark();
        // SAFETY: the marked buffer has room for the longest value.
        MessageCopy.Copy(value, _value.Payload);
        _value.Publish(value.Length);
        _value.Finish(EndAct.Call);
    }

    /// <summary>Begins a value that is written in place, and published by <see cref="LatestBytesReservation.Commit"/>.</summary>
    public LatestBytesReservation Begin() => new(_value, _value.Borrow());

    /// <summary>Says that there will be no newer value. Readers keep the newest one. Final: no writer can be opened any more.</summary>
    /// <param name="error">0, or a number that the readers' <see cref="ChannelException.Error"/> returns.</param>
    public void Complete(int error = 0) => _value.Complete(error);

    /// <summary>Leaves without completing: another writer may go on.</summary>
    public void Dispose() => _value.Dispose();

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowTooLong(ReadOnlySpan<byte> value) => throw new ArgumentException($"The value has {value.Length} bytes, and the longest has {MaxLength}.", nameof(value));
}
