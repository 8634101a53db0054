using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The writer of a <see cref="LatestValue{T}"/>.</summary>
/// <remarks>
/// <para>It is for one thread at a time, and never waits. A value that was begun and not published when the writer ends was never there: readers keep the last one.</para>
/// <para>
/// All members throw <see cref="InvalidOperationException"/> while another call is under way or a reservation is open, and after <see cref="Complete"/>; and
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>.
/// </para>
/// </remarks>
public sealed class LatestWriter<T> : IDisposable
    where T : unmanaged
{
    private readonly ValueWriter _value;

    internal LatestWriter(ValueWriter value)
    {
        _value = value;
        value.Owner = this;
    }

    /// <summary>Publishes a value. It never waits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Publish(in T value)
    {
        _value.Begin(EndAct.Call);
        _value.Mark();
        // SAFETY: the marked buffer has room for the type, whose size the header was compared with.
        *(T*)_value.Payload = value;
        _value.Publish(Unsafe.SizeOf<T>());
        _value.Finish(EndAct.Call);
    }

    /// <summary>Begins a value that is written in place, and published by <see cref="LatestReservation{T}.Commit"/>.</summary>
    public LatestReservation<T> Begin() => new(_value, _value.Borrow());

    /// <summary>Says that there will be no newer value. Readers keep the newest one. Final: no writer can be opened any more.</summary>
    /// <param name="error">0, or a number that the readers' <see cref="ChannelException.Error"/> returns.</param>
    public void Complete(int error = 0) => _value.Complete(error);

    /// <summary>Leaves without completing: another writer may go on.</summary>
    public void Dispose() => _value.Dispose();
}
