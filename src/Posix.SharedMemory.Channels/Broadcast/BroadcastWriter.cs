using System.Buffers;

namespace Posix.SharedMemory.Channels;

/// <summary>The writer of a <see cref="Broadcast"/>. It is for one thread at a time.</summary>
/// <remarks>
/// <para>
/// It waits for the slowest of the readers that lose nothing, as long as the process of that one lives; <see cref="Evict"/> ends that. Readers that may lose messages never hold it up.
/// What was committed stays, whatever becomes of the writer: if its process is killed, readers get everything that was committed, and nothing of the message in the making.
/// </para>
/// <para>
/// All members but <see cref="Readers"/>, <see cref="Evict"/>, <see cref="PeerChanged"/>, the capacities and <see cref="Free"/> throw <see cref="InvalidOperationException"/> while another call is under way, while a
/// reservation or batch is open, and after <see cref="Complete"/>; <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; <see cref="ChannelCorruptException"/> if a reader
/// stored what no correct reader stores.
/// </para>
/// </remarks>
public sealed class BroadcastWriter : IBufferWriter<byte>, IDisposable
{
    private readonly BroadcastTail _tail;
    private MessageBuilder? _builder;

    internal BroadcastWriter(BroadcastTail tail)
    {
        _tail = tail;
        tail.Owner = this;
    }

    /// <summary>A reader was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _tail.PeerChanged += value;
        remove => _tail.PeerChanged -= value;
    }

    /// <summary>Gets what can be seen of the readers now: those that were ever opened. One that is just being opened is not there yet: messages reach those that are alive here.</summary>
    public IReadOnlyList<EndpointInfo> Readers => _tail.Readers.Describe();

    /// <summary>Gets how many bytes the ring has. A message takes 16 bytes more than its length, rounded up to the record alignment.</summary>
    public long Capacity => _tail.Header.Capacity;

    /// <summary>Gets the longest message, in bytes.</summary>
    public int MaxMessageLength => _tail.MaxMessage;

    /// <summary>Gets how many bytes of the ring no reader needs now that loses nothing. Any thread may read it.</summary>
    public long Free => _tail.Free;

    private MessageBuilder Builder => _builder ??= new(_tail);

    /// <summary>Writes a message, if there is room for it.</summary>
    /// <param name="message">Up to <see cref="MaxMessageLength"/> bytes; none at all is a message too.</param>
    /// <param name="type">Any number below 0xFF00, which readers get with the message.</param>
    /// <returns>False: a reader that loses nothing still needs the room.</returns>
    /// <exception cref="ArgumentException">The message is longer than <see cref="MaxMessageLength"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The type is reserved: 0xFF00 or more.</exception>
    public bool TryWrite(ReadOnlySpan<byte> message, ushort type = 0) => _tail.TryWrite(message, type);

    /// <inheritdoc cref="TryWrite(ReadOnlySpan{byte}, ushort)"/>
    public bool TryWrite(in ReadOnlySequence<byte> message, ushort type = 0) => _tail.TryWrite(in message, type);

    /// <summary>Writes a message, waiting for room if there is none. No thread waits.</summary>
    /// <param name="message">As in <see cref="TryWrite(ReadOnlySpan{byte}, ushort)"/>; it must stay unchanged until the task has completed.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <param name="cancellationToken">Ends the wait; nothing was written then.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, ushort type = 0, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return _tail.TryWrite(message.Span, type) ? default : _tail.WriteAsync(message, type, cancellationToken);
    }

    /// <summary>Writes a message, and blocks while there is no room for it.</summary>
    /// <param name="message">As in <see cref="TryWrite(ReadOnlySpan{byte}, ushort)"/>.</param>
    /// <param name="type">Any number below 0xFF00.</param>
    /// <param name="timeout"><see langword="null"/>: as long as it takes.</param>
    /// <exception cref="TimeoutException">The time is up; nothing was written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, or the type is reserved: 0xFF00 or more.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public void Write(ReadOnlySpan<byte> message, ushort type = 0, TimeSpan? timeout = null)
    {
        if (timeout is { } limit)
        {
            EndTimeout.Require(limit);
        }

        if (!_tail.TryWrite(message, type))
        {
            _tail.WaitAndWrite(message, type, timeout);
        }
    }

    /// <summary>Reserves room for one message, to be written in place.</summary>
    /// <param name="length">The longest that the message will be.</param>
    /// <param name="reservation">To be committed, and disposed.</param>
    /// <returns>False: there is no room now.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxMessageLength"/>, or negative.</exception>
    public bool TryReserve(int length, out MessageReservation reservation) => _tail.TryReserve(length, out reservation);

    /// <summary>Begins a batch: many messages that readers are shown together, when the batch is disposed.</summary>
    public MessageBatch BeginBatch() => new(_tail, _tail.Borrow(EndAct.Batch));

    /// <summary>Returns room for the next part of a message that is built in place; waits until the readers that lose nothing have made enough.</summary>
    /// <param name="sizeHint">How many bytes are needed; 0: at least one.</param>
    /// <exception cref="ArgumentException">The message would be longer than <see cref="MaxMessageLength"/>.</exception>
    /// <remarks>
    /// Call <see cref="WaitToWriteAsync"/> with the expected length first if this must not block. The message is sent by <see cref="EndMessage"/> and dropped by
    /// <see cref="CancelMessage"/>. The span is valid until the next call.
    /// </remarks>
    public Span<byte> GetSpan(int sizeHint = 0) => Builder.GetSpan(sizeHint);

    /// <inheritdoc cref="GetSpan"/>
    public Memory<byte> GetMemory(int sizeHint = 0) => Builder.GetMemory(sizeHint);

    /// <summary>Adds bytes that were written to the last span or memory to the message that is built.</summary>
    /// <exception cref="InvalidOperationException">They are more than the last <see cref="GetSpan"/> or <see cref="GetMemory"/> returned.</exception>
    public void Advance(int count) => Builder.Advance(count);

    /// <summary>Sends the message that was built.</summary>
    /// <param name="type">Any number below 0xFF00.</param>
    public void EndMessage(ushort type = 0) => Builder.End(type);

    /// <summary>Drops the message that was built. Without one it has no effect.</summary>
    public void CancelMessage() => Builder.Cancel();

    /// <summary>Waits until there is room for a message. No thread waits.</summary>
    /// <param name="length">The message's length in bytes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True: there is room. A broadcast always takes more, since readers come and go.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxMessageLength"/>, or negative.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<bool> WaitToWriteAsync(int length = 0, CancellationToken cancellationToken = default) => _tail.WaitToWriteAsync(length, cancellationToken);

    /// <summary>Blocks until there is room for a message.</summary>
    /// <param name="length">The message's length in bytes.</param>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxMessageLength"/>, or negative; or the timeout is negative.</exception>
    public bool WaitToWrite(int length, TimeSpan timeout) => _tail.WaitToWrite(length, timeout);

    /// <summary>
    /// Waits no longer for a reader, which is stopped for example: its calls fail with <see cref="ChannelException"/> from then on. Any thread may call it, also while the writer waits.
    /// </summary>
    /// <param name="endpoint">The reader's <see cref="EndpointInfo.Index"/>. Of one that may lose messages, or that is not open, nothing changes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The broadcast has no such reader.</exception>
    public void Evict(int endpoint) => _tail.Evict(endpoint);

    /// <summary>Ends the broadcast: readers drain it, and then see the end. Final; no writer can be opened any more.</summary>
    /// <param name="error">0, or a number that <see cref="ChannelException.Error"/> returns to the readers.</param>
    public void Complete(int error = 0) => _tail.Complete(error);

    /// <summary>Leaves without completing: another writer may go on. A reservation or batch that is open is dropped.</summary>
    public void Dispose() => _tail.Dispose();
}
