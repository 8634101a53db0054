using System.Buffers;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The reading end of a <see cref="MessageChannel"/>. It is for one thread at a time.</summary>
/// <remarks>
/// <para>
/// A message that was read and not released when the reader's process died comes again to the next reader, marked by <see cref="MessageLease.IsRedelivered"/>.
/// </para>
/// <para>
/// All members but <see cref="Writer"/>, <see cref="PeerChanged"/>, <see cref="Completion"/> and <see cref="Available"/> throw <see cref="InvalidOperationException"/> while another call is under way,
/// and while a lease or enumeration is open; <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; <see cref="ChannelCorruptException"/> if the writer stored what
/// no correct writer stores.
/// </para>
/// </remarks>
public sealed class MessageReader : IDisposable
{
    private readonly RingReader _ring;

    internal MessageReader(RingReader ring)
    {
        _ring = ring;
        ring.Owner = this;
    }

    /// <summary>The writer was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _ring.PeerChanged += value;
        remove => _ring.PeerChanged -= value;
    }

    internal RingReader Ring => _ring;

    /// <summary>Gets what has become of the writer.</summary>
    public PeerState Writer => _ring.Peer;

    /// <summary>
    /// Gets a task that completes when the writer has completed the channel and everything was read. It fails with <see cref="ChannelException"/> if the writer ended the channel
    /// with an error, and with <see cref="ChannelCorruptException"/>. The death of a writer does not complete it: another writer may come.
    /// </summary>
    public Task Completion => _ring.Completion;

    /// <summary>Gets how many bytes of the ring are waiting to be read: messages with their headers and alignment. Any thread may read it.</summary>
    public long Available
    {
        get
        {
            var (head, tail) = _ring.Waiting;
            return (long)(tail - head);
        }
    }

    /// <summary>Reads the next message in place, if there is one.</summary>
    /// <param name="message">To be disposed: the next message can be read afterwards.</param>
    /// <returns>False: there is none now.</returns>
    public bool TryRead(out MessageLease message)
    {
        if (!_ring.TryBorrow(out var record, out var ticket))
        {
            message = default;
            return false;
        }

        message = new(_ring, record.At, record.Header, ticket);
        return true;
    }

    /// <summary>Copies the next message, if there is one. What a peer changes later does not matter.</summary>
    /// <param name="destination">Where the message goes.</param>
    /// <param name="length">The message's length in bytes; 0 if there is none.</param>
    /// <param name="type">The type that it was written with.</param>
    /// <returns>False: there is none now, or it is longer than <paramref name="destination"/> and stays; <paramref name="length"/> is its length then.</returns>
    public bool TryRead(Span<byte> destination, out int length, out ushort type) => _ring.TryRead(destination, out length, out type);

    /// <summary>Copies the next message, if there is one.</summary>
    /// <param name="destination">Gets the message. If it throws, the message stays.</param>
    /// <param name="type">The type that it was written with.</param>
    /// <returns>False: there is none now.</returns>
    public bool TryRead(IBufferWriter<byte> destination, out ushort type)
    {
        ArgumentNullException.ThrowIfNull(destination);
        _ring.Begin(EndAct.Call);
        try
        {
            if (!_ring.TryFind(out var record))
            {
                type = 0;
                return false;
            }

            destination.Write(_ring.PayloadOf(record));
            type = record.Type;
            _ring.Advance(record);
            _ring.Publish();
            return true;
        }
        finally
        {
            _ring.Finish(EndAct.Call);
        }
    }

    /// <summary>The messages that are in the ring now, to be read in place by <see langword="foreach"/>: the fastest way to read many.</summary>
    /// <remarks>Where the ring is empty it pauses for some tens of cycles, more each time, so that a loop that polls does not slow the writer down.</remarks>
    public MessageSequence ReadAvailable() => new(_ring);

    /// <summary>Waits until there is a message. No thread waits.</summary>
    /// <returns>False: the channel was completed, and everything was read.</returns>
    /// <exception cref="PeerDiedException">The writer's process died, and everything it had committed was read. Thrown once for each writer, and not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">The writer has left without completing, and everything was read. Thrown as above.</exception>
    /// <exception cref="ChannelException">The writer ended the channel with an error, and everything was read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _ring.WaitAsync(0, cancellationToken);

    /// <summary>Blocks until there is a message.</summary>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up; or the channel was completed and everything was read, and then <see cref="Completion"/> has completed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="ChannelException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public bool WaitToRead(TimeSpan timeout) => _ring.Wait(0, timeout) == EndLook.Ready;

    /// <summary>All messages, until the channel was completed and everything was read. Each is valid until the next is asked for. What stands for an object of a connection is passed over.</summary>
    /// <inheritdoc cref="WaitToReadAsync"/>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _ring.WaitAsync(0, cancellationToken).ConfigureAwait(false))
        {
            while (_ring.TryBorrow(out var record, out var ticket))
            {
                if (record.Type >= ChannelLayout.FirstReservedType)
                {
                    _ring.Release(ticket);
                    continue;
                }

                try
                {
                    yield return _ring.MemoryOf(record);
                }
                finally
                {
                    _ring.Release(ticket);
                }
            }
        }
    }

    /// <summary>Leaves: another reader may go on. A message whose lease is open was not read.</summary>
    public void Dispose() => _ring.Dispose();
}
