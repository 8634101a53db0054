using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>Many messages of one writer that are claimed together: the fastest way to write many.</summary>
/// <remarks>
/// <para>
/// A batch claims room for several messages at once, and sends them when that room is used up and when the batch is disposed. Those of one claim follow each other in the fan-in, and arrive together
/// or, if the writer's process is killed, not at all; <see cref="FanInReader.LostClaims"/> counts them as one. Messages that other writers claim later wait for them: keep a batch short.
/// </para>
/// <para>Copies of a batch are the same batch.</para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var log = FanIn.OpenOrCreate("log", out _);
/// using var writer = log.OpenWriter(new() { Label = "service" });
/// using (FanInBatch batch = writer.BeginBatch())
/// {
///     batch.TryWrite("the first line"u8);
///     batch.TryWrite("the second line"u8);                  // Arrives next to the first, whatever other writers do.
/// }
/// ]]></code>
/// </example>
public ref struct FanInBatch : IDisposable
{
    private readonly ClaimWriter? _writer;
    private readonly int _ticket;
    private int _place;
    private int _length;

    internal FanInBatch(ClaimWriter writer, int ticket)
    {
        _writer = writer;
        _ticket = ticket;
        _length = -1;
    }

    /// <summary>Adds a message.</summary>
    /// <returns>False: there is not enough room now. Dispose the batch, so that the reader can make some.</returns>
    /// <exception cref="ArgumentException">The message is longer than <see cref="FanInWriter.MaxMessageLength"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The type is reserved: 0xFF00 or more.</exception>
    /// <exception cref="InvalidOperationException">The batch was disposed.</exception>
    /// <exception cref="ChannelCorruptException">A peer stored what no correct peer stores.</exception>
    public bool TryWrite(scoped ReadOnlySpan<byte> m, ushort type = 0)
    {
        var writer = Current();
        writer.RequireMessage(m.Length, type);
        _length = -1;
        return writer.TryStore(m, type);
    }

    /// <summary>Reserves room for a message, to be written in place and committed. A reservation that is followed by anything but <see cref="Commit"/> is given up.</summary>
    /// <returns>False: there is not enough room now.</returns>
    /// <inheritdoc cref="TryWrite"/>
    [UnscopedRef]
    public bool TryReserve(int length, out Span<byte> span)
    {
        var writer = Current();
        writer.RequireLength(length);
        var isFree = writer.TryPlace(length, out _place);
        _length = isFree ? length : -1;
        span = isFree ? writer.RoomAt(_place, length) : default;
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
        if (_length < 0 || !writer.IsNext(_place, _length))
        {
            throw new InvalidOperationException("Nothing is reserved in this batch.");
        }

        writer.RequireCommit(length, _length, type);
        writer.Add(length, type);
        _length = -1;
    }

    /// <summary>Sends the messages. Further calls, and calls on a copy, have no effect.</summary>
    public readonly void Dispose() => _writer?.Return(_ticket);

    /// <summary>The same batch, with the type that the batches of other writers have. What it has reserved and not committed is given up.</summary>
    public static implicit operator MessageBatch(FanInBatch batch) => batch._writer is { } writer ? new(writer, batch._ticket) : default;

    private readonly ClaimWriter Current() => _writer is { } writer && writer.IsOpen(_ticket) ? writer
        : throw new InvalidOperationException("The batch was disposed already, or was never begun.");
}
