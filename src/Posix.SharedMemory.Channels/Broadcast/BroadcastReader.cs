using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>A reader of a <see cref="Broadcast"/>. It is for one thread at a time.</summary>
/// <remarks>
/// <para>
/// With <see cref="BroadcastDelivery.Lossless"/> it gets every message that is written from its start on, once and in order. With <see cref="BroadcastDelivery.Lossy"/> it gets
/// what has not been overwritten yet, whole and in order, and how many messages it missed before each.
/// </para>
/// <para>
/// All members but <see cref="Writer"/>, <see cref="Missed"/>, <see cref="PeerChanged"/>, <see cref="Completion"/> and <see cref="Available"/> throw <see cref="InvalidOperationException"/> while another call is under way,
/// and while a lease is open; <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; <see cref="ChannelCorruptException"/> if the writer stored what no correct writer
/// stores; and <see cref="ChannelException"/> once the writer has evicted it (<see cref="BroadcastWriter.Evict"/>).
/// </para>
/// </remarks>
public sealed class BroadcastReader : IDisposable
{
    private readonly BroadcastReading _reading;

    internal BroadcastReader(BroadcastReading reading)
    {
        _reading = reading;
        reading.Owner = this;
    }

    /// <summary>The writer was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    /// <exception cref="NotSupportedException">The object was opened for reading only.</exception>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add
        {
            _reading.RequireSeat();
            _reading.PeerChanged += value;
        }

        remove => _reading.PeerChanged -= value;
    }

    /// <summary>Gets what has become of the writer.</summary>
    public PeerState Writer => _reading.Writer;

    /// <summary>
    /// Gets a task that completes when the writer has completed the broadcast and this reader has read everything. It fails with <see cref="ChannelException"/> if the writer ended it
    /// with an error, and with <see cref="ChannelCorruptException"/>. The death of a writer does not complete it: another writer may come.
    /// </summary>
    /// <exception cref="NotSupportedException">The object was opened for reading only, and the task has not completed yet.</exception>
    public Task Completion => _reading.Completion;

    /// <summary>Gets how many messages it missed since it was opened.</summary>
    public long Missed => _reading.Missed;

    /// <summary>Gets how many bytes of the ring are waiting to be read: messages with their headers and alignment. Any thread may read it.</summary>
    public long Available => _reading.Available;

    /// <summary>Copies the next message, if there is one. It is whole.</summary>
    /// <param name="destination">Where the message goes.</param>
    /// <param name="info">Number, length and type of the message, and how many were missed before it.</param>
    /// <returns>
    /// False: there is none now, and the length is 0; or it is longer than <paramref name="destination"/> and stays, and <paramref name="info"/> describes it. A reader that may lose
    /// messages also returns false, with length 0, where the writer was so fast that none of 1,000 copies was whole.
    /// </returns>
    public bool TryRead(Span<byte> destination, out BroadcastMessage info) => _reading.TryRead(destination, out info);

    /// <summary>Reads the next message in place, if there is one.</summary>
    /// <param name="message">To be disposed: the next message can be read afterwards. If the writer evicts this reader meanwhile, the bytes may change.</param>
    /// <returns>False: there is none now.</returns>
    /// <exception cref="NotSupportedException">The reader may lose messages: it can only copy them.</exception>
    public bool TryRead(out MessageLease message)
    {
        var isRead = _reading.TryBorrow(out var record, out var ticket);
        message = isRead ? new(_reading, record.At, record.Header, ticket) : default;
        return isRead;
    }

    /// <summary>Goes to the newest message, if that has not been read yet. What is skipped does not count as missed.</summary>
    public void SkipToLatest() => _reading.SkipToLatest();

    /// <summary>Waits until there is a message. No thread waits.</summary>
    /// <returns>False: the broadcast was completed, and everything was read. True also where what was there is overwritten by the time it is read.</returns>
    /// <exception cref="PeerDiedException">The writer's process died, and everything it had committed was read. Thrown once for each writer, and not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">The writer has left without completing, and everything was read. Thrown as above.</exception>
    /// <exception cref="ChannelException">The writer ended the broadcast with an error, and everything was read; or it has evicted this reader.</exception>
    /// <exception cref="NotSupportedException">The object was opened for reading only.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _reading.WaitToReadAsync(cancellationToken);

    /// <summary>Blocks until there is a message.</summary>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up; or the broadcast was completed and everything was read, and then <see cref="Completion"/> has completed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="ChannelException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="NotSupportedException">The object was opened for reading only.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public bool WaitToRead(TimeSpan timeout) => _reading.WaitToRead(timeout);

    /// <summary>All messages, until the broadcast was completed and everything was read. Each is valid until the next is asked for.</summary>
    /// <inheritdoc cref="WaitToReadAsync"/>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _reading.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_reading.TryTake(out var message, out var ticket))
            {
                try
                {
                    yield return message;
                }
                finally
                {
                    _reading.Release(ticket);
                }
            }
        }
    }

    /// <summary>Leaves: the writer waits for it no longer.</summary>
    public void Dispose() => _reading.Dispose();
}
