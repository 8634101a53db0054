using System.Buffers;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>A frame in shared memory: loaned by a publisher to be filled and sent, or read by a subscriber where it is. Dispose gives it back.</summary>
/// <remarks>
/// <para>
/// A frame must not be used after it was sent or disposed: it throws <see cref="ObjectDisposedException"/>, and a second <see cref="Dispose"/> has no effect. Nothing is allocated for a frame, so the
/// object is another frame one day: not before 64 others of its end were sent or disposed after it. Whoever keeps it longer than that uses, or gives back, a frame that is not theirs.
/// Any thread may use and dispose it; it is for one thread at a time.
/// </para>
/// <para>
/// Spans and memory that were taken from it are valid until it is sent or disposed: the bytes stay mapped as long as the frame or the memory is referenced, but the publisher fills them with
/// the next frame. A publisher that is not trusted can change them at any time.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var camera = FrameChannel.Open("camera");
/// using var reader = camera.OpenReader();
/// while (reader.WaitToRead(TimeSpan.FromSeconds(1)))
/// {
///     // A frame that waited may have been dropped for a newer one before it is read.
///     while (reader.TryRead(out var frame))
///     {
///         using (frame)
///         {
///             Console.WriteLine($"frame {frame.Sequence}: {frame.Header.Width} × {frame.Header.Height}, {frame.ReadOnlySpan.Length} bytes where they are");
///         }
///     }
/// }
/// ]]></code>
/// </example>
public sealed class Frame : IMemoryOwner<byte>
{
    private readonly IFrameKeeper _keeper;
    private readonly FrameBytes _bytes;
    private FrameHeader _header;
    private int _use;
    private int _length;
    private long _sequence;
    private long _timestamp;
    private ushort _type;

    internal Frame(IFrameKeeper keeper, FrameSlots slots)
    {
        _keeper = keeper;
        _bytes = new(this, slots);
    }

    /// <summary>Gets the bytes, to be filled.</summary>
    /// <exception cref="InvalidOperationException">The frame was read: its bytes are mapped for reading only. Use <see cref="ReadOnlySpan"/>.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            RequireLoan();
            return _bytes.Room[.._length];
        }
    }

    /// <summary>Gets the bytes as memory, to be filled.</summary>
    /// <inheritdoc cref="Span"/>
    public Memory<byte> Memory
    {
        get
        {
            RequireLoan();
            return _bytes.First(_length);
        }
    }

    /// <summary>Gets the bytes.</summary>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public ReadOnlySpan<byte> ReadOnlySpan
    {
        get
        {
            RequireUse();
            return _bytes.Room[.._length];
        }
    }

    /// <summary>Gets the bytes as memory.</summary>
    /// <inheritdoc cref="ReadOnlySpan"/>
    public ReadOnlyMemory<byte> ReadOnlyMemory
    {
        get
        {
            RequireUse();
            return _bytes.First(_length);
        }
    }

    /// <summary>Gets or sets how many bytes it has: as many as were loaned, until it is set. No more than <see cref="Capacity"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than the slot has.</exception>
    /// <exception cref="InvalidOperationException">It is set, and the frame was read.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public int Length
    {
        get
        {
            RequireUse();
            return _length;
        }

        set
        {
            RequireLoan();
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, _bytes.Length);
            _length = value;
        }
    }

    /// <summary>Gets how many bytes its slot has.</summary>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public int Capacity
    {
        get
        {
            RequireUse();
            return _bytes.Length;
        }
    }

    /// <summary>Gets its number, of one that was read: 0 for the first frame that the publisher sent, and one more for each.</summary>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public long Sequence
    {
        get
        {
            RequireUse();
            return _sequence;
        }
    }

    /// <summary>
    /// Gets or sets when it was taken: nanoseconds of <c>CLOCK_MONOTONIC</c>, which all processes of the machine share. If it is not set, that is when it was sent.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is set, and the frame was read.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/clock_gettime.2.html">clock_gettime(2)</see></remarks>
    public long Timestamp
    {
        get
        {
            RequireUse();
            return _timestamp;
        }

        set
        {
            RequireLoan();
            _timestamp = value;
        }
    }

    /// <summary>Gets or sets a number below 0xFF00 of the user's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The type is reserved: 0xFF00 or more.</exception>
    /// <exception cref="InvalidOperationException">It is set, and the frame was read.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public ushort Type
    {
        get
        {
            RequireUse();
            return _type;
        }

        set
        {
            RequireLoan();
            _type = value < ChannelLayout.FirstReservedType ? value
                : throw new ArgumentOutOfRangeException(nameof(value), value, $"Types from 0x{ChannelLayout.FirstReservedType:X4} are reserved.");
        }
    }

    /// <summary>Gets what the frame is. Of a loaned frame it is sent with it; of one that was read it is a copy.</summary>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public ref FrameHeader Header
    {
        get
        {
            RequireUse();
            return ref _header;
        }
    }

    internal int Slot { get; private set; }

    /// <summary>Gets in which life its slot is.</summary>
    internal uint Generation { get; private set; }

    internal bool IsUsed => Volatile.Read(ref _use) != (int)FrameUse.None;

    /// <summary>Gives the frame back: of one that was loaned nothing is sent; of one that was read the publisher may use the slot again. Further calls have no effect.</summary>
    public void Dispose()
    {
        var use = (FrameUse)Interlocked.Exchange(ref _use, (int)FrameUse.None);
        if (use != FrameUse.None)
        {
            _keeper.GiveBack(this);
        }
    }

    /// <summary>Whether it is one of these.</summary>
    internal bool IsOf(IFrameKeeper keeper) => ReferenceEquals(_keeper, keeper);

    /// <summary>It is loaned from now on.</summary>
    internal void Lend(int slot, uint generation, int length)
    {
        _bytes.MoveTo(slot);
        (_header, _length, _timestamp, _type, _sequence, Slot, Generation) = (default, length, 0, 0, 0, slot, generation);
        Volatile.Write(ref _use, (int)FrameUse.Loaned);
    }

    /// <summary>It is read from now on.</summary>
    internal void Show(FrameEntry entry, in SlotHeader header)
    {
        _bytes.MoveTo(entry.Slot);
        (_header, _length, _timestamp, _type, _sequence, Slot, Generation) = (header.User, (int)header.Length, (long)header.Timestamp, header.Type, (long)header.Sequence, entry.Slot, entry.Generation);
        Volatile.Write(ref _use, (int)FrameUse.Read);
    }

    /// <summary>It is nobody's from now on.</summary>
    /// <returns>Whether it was somebody's.</returns>
    internal bool TryEnd() => Interlocked.Exchange(ref _use, (int)FrameUse.None) != (int)FrameUse.None;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void RequireUse()
    {
        if (Volatile.Read(ref _use) == (int)FrameUse.None)
        {
            throw Ended();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RequireLoan()
    {
        if (Volatile.Read(ref _use) != (int)FrameUse.Loaned)
        {
            throw IsUsed ? new InvalidOperationException("The frame was read, and its bytes are mapped for reading only: use ReadOnlySpan or ReadOnlyMemory.") : Ended();
        }
    }

    private static ObjectDisposedException Ended() => new(nameof(Frame), "The frame was sent or disposed, or its end was.");

    private enum FrameUse
    {
        None,
        Loaned,
        Read,
    }
}
