using System.Buffers;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>One of the writers of a <see cref="FanIn"/>. It is for one thread at a time.</summary>
/// <remarks>
/// <para>
/// What was committed stays in the fan-in, whatever becomes of the writer. If the writer's process is killed in the middle of a message, the reader passes over that message,
/// and counts it.
/// </para>
/// <para>
/// All members but <see cref="Reader"/>, <see cref="PeerChanged"/>, the capacities and <see cref="Free"/> throw <see cref="InvalidOperationException"/> while another call is under way, while a
/// reservation or batch is open; and after <see cref="Complete"/>; <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; <see cref="ChannelCorruptException"/> if
/// a peer stored what no correct peer stores.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var log = FanIn.Open("log");
/// using var writer = log.OpenWriter(new() { Label = "service" });
/// writer.Advance(System.Text.Encoding.UTF8.GetBytes("started", writer.GetMemory(64).Span));
/// writer.EndMessage();
/// ]]></code>
/// </example>
public sealed class FanInWriter : IBufferWriter<byte>, IDisposable
{
    private readonly ClaimWriter _claims;
    private ArrayBufferWriter<byte>? _builder;

    internal FanInWriter(ClaimWriter claims)
    {
        _claims = claims;
        claims.Owner = this;
    }

    /// <summary>The reader was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _claims.PeerChanged += value;
        remove => _claims.PeerChanged -= value;
    }

    /// <summary>Gets what has become of the reader.</summary>
    public PeerState Reader => _claims.Peer;

    /// <summary>Gets how many bytes the ring has. A message takes 16 bytes more than its length, rounded up to 64.</summary>
    public long Capacity => _claims.Header.Capacity;

    /// <summary>Gets the longest message, in bytes.</summary>
    public int MaxMessageLength => _claims.MaxMessage;

    /// <summary>Gets how many bytes of the ring are free now. Any thread may read it.</summary>
    public long Free => _claims.Free;

    private ArrayBufferWriter<byte> Builder => _builder ??= new();

    /// <summary>Writes a message, if there is room for it.</summary>
    /// <param name="message">Up to <see cref="MaxMessageLength"/> bytes; none at all is a message too.</param>
    /// <param name="type">Any number below 0xFF00, which the reader gets with the message.</param>
    /// <returns>False: there is no room now.</returns>
    /// <exception cref="ArgumentException">The message is longer than <see cref="MaxMessageLength"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The type is reserved: 0xFF00 or more.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryWrite(ReadOnlySpan<byte> message, ushort type = 0) => _claims.TryWrite(message, type);

    /// <inheritdoc cref="TryWrite(ReadOnlySpan{byte}, ushort)"/>
    public bool TryWrite(in ReadOnlySequence<byte> message, ushort type = 0) => _claims.TryWrite(in message, type);

    /// <summary>Writes a message, waiting for room if there is none. No thread waits.</summary>
    /// <param name="message">As in <see cref="TryWrite(ReadOnlySpan{byte}, ushort)"/>; it must stay unchanged until the task has completed.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <param name="cancellationToken">Ends the wait; nothing was written then.</param>
    /// <exception cref="PeerDiedException">There is no room, and the reader's process died.</exception>
    /// <exception cref="PeerLeftException">There is no room, and the reader has left.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, ushort type = 0, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return _claims.TryWrite(message.Span, type) ? default : _claims.WriteAsync(message, type, cancellationToken);
    }

    /// <summary>Writes a message, and blocks while there is no room for it.</summary>
    /// <param name="message">As in <see cref="TryWrite(ReadOnlySpan{byte}, ushort)"/>.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <param name="timeout"><see langword="null"/>: as long as it takes.</param>
    /// <exception cref="TimeoutException">The time is up; nothing was written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, or the type is reserved: 0xFF00 or more.</exception>
    /// <exception cref="PeerDiedException">There is no room, and the reader's process died.</exception>
    /// <exception cref="PeerLeftException">There is no room, and the reader has left.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public void Write(ReadOnlySpan<byte> message, ushort type = 0, TimeSpan? timeout = null)
    {
        if (timeout is { } limit)
        {
            EndTimeout.Require(limit);
        }

        if (!_claims.TryWrite(message, type))
        {
            _claims.WaitAndWrite(message, type, timeout);
        }
    }

    /// <summary>Reserves room for one message, to be written in place.</summary>
    /// <param name="length">The longest that the message will be.</param>
    /// <param name="reservation">To be committed, and disposed.</param>
    /// <returns>False: there is no room now.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxMessageLength"/>, or negative.</exception>
    public bool TryReserve(int length, out MessageReservation reservation) => _claims.TryReserve(length, out reservation);

    /// <summary>Begins a batch: many messages that are claimed together. While it is open, the reader waits for it before it reads messages that were claimed later.</summary>
    public FanInBatch BeginBatch() => new(_claims, _claims.BeginBatch());

    /// <summary>Returns room for the next part of a message whose length is not known yet.</summary>
    /// <param name="sizeHint">How many bytes are needed; 0: at least one.</param>
    /// <remarks>
    /// A claim must know its length, so the message is built in memory of this process, which is used again, and copied by <see cref="EndMessage"/>. The span is valid until the next call.
    /// </remarks>
    public Span<byte> GetSpan(int sizeHint = 0) => Builder.GetSpan(sizeHint);

    /// <inheritdoc cref="GetSpan"/>
    public Memory<byte> GetMemory(int sizeHint = 0) => Builder.GetMemory(sizeHint);

    /// <summary>Adds bytes that were written to the last span or memory to the message that is built.</summary>
    /// <exception cref="InvalidOperationException">They are more than the last <see cref="GetSpan"/> or <see cref="GetMemory"/> returned.</exception>
    public void Advance(int count) => Builder.Advance(count);

    /// <summary>Sends the message that was built, and blocks while there is no room for it.</summary>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <exception cref="ArgumentException">The message is longer than <see cref="MaxMessageLength"/>; it can only be dropped.</exception>
    /// <exception cref="PeerDiedException">There is no room, and the reader's process died.</exception>
    /// <exception cref="PeerLeftException">There is no room, and the reader has left.</exception>
    public void EndMessage(ushort type = 0)
    {
        Write(Builder.WrittenSpan, type);
        Builder.ResetWrittenCount();
    }

    /// <summary>Drops the message that was built. Without one it has no effect.</summary>
    public void CancelMessage() => _builder?.ResetWrittenCount();

    /// <summary>Waits until there is room for a message. No thread waits.</summary>
    /// <param name="length">The message's length in bytes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False: the reader will take no more.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxMessageLength"/>, or negative.</exception>
    /// <exception cref="PeerDiedException">There is no room, and the reader's process died. Thrown once for each reader, and not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">There is no room, and the reader has left. Thrown as above.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<bool> WaitToWriteAsync(int length = 0, CancellationToken cancellationToken = default) => _claims.WaitToWriteAsync(length, cancellationToken);

    /// <summary>Blocks until there is room for a message.</summary>
    /// <param name="length">The message's length in bytes.</param>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up, or the reader will take no more.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxMessageLength"/>, or negative; or the timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToWriteAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToWriteAsync"/>.</exception>
    public bool WaitToWrite(int length, TimeSpan timeout) => _claims.WaitToWrite(length, timeout);

    /// <summary>Leaves, as <see cref="Dispose"/> does: a fan-in has other writers, and never completes. What is open is given up.</summary>
    /// <param name="error">Not used: there is nobody to tell.</param>
    public void Complete(int error = 0) => _claims.Leave();

    /// <summary>Leaves; another writer may have the place. A message that was reserved and not committed was never sent.</summary>
    public void Dispose() => _claims.Dispose();
}
