using System.Threading.Channels;

namespace Posix.SharedMemory.Channels;

public sealed partial class MessageConnection
{
    /// <summary>The type of the message that stands where an object was sent, as long as the object was not received: call <see cref="ReceiveObjectAsync"/> then.</summary>
    public const ushort ObjectMessageType = ChannelLayout.ObjectType;

    private const MemorySeals Every = Required | MemorySeals.Write | MemorySeals.FutureWrite | MemorySeals.Exec;

    private ulong _sent;

    /// <summary>Sends an object to the peer, without copying it: it arrives in its place among the messages.</summary>
    /// <param name="o">The object. It still belongs to the caller. The peer gets the access that it was opened with; seal it first where that matters.</param>
    /// <param name="ct">Ends the wait for room; nothing was sent then.</param>
    /// <exception cref="InvalidOperationException">Another call on <see cref="Output"/> is under way, or it was completed.</exception>
    /// <exception cref="PeerDiedException">The peer's process died.</exception>
    /// <exception cref="PeerLeftException">The peer has left.</exception>
    /// <exception cref="ChannelCorruptException">The peer sent what no correct peer sends.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ETOOMANYREFS"/>: this user has sent more descriptors that have not been received than <c>RLIMIT_NOFILE</c> allows.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/sendmsg.2.html">sendmsg(2)</see></remarks>
    public async ValueTask SendObjectAsync(SharedMemoryObject o, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(o);
        ct.ThrowIfCancellationRequested();
        var ring = Output.Ring;
        int place, ticket;
        while (!ring.TryReserve(ChannelLayout.ObjectRecordSize, out place, out ticket))
        {
            if (!await ring.WaitAsync(ChannelLayout.ObjectRecordSize, ct).ConfigureAwait(false))
            {
                throw WritingEnd.TakesNoMore();
            }
        }

        try
        {
            // SYNC connection.object: pairs with PassUnusual in RingHead. The object is under way before the record that names it is seen.
            await _socket.SendAsync(o, ct).ConfigureAwait(false);
            if (!ring.IsOpen(ticket))
            {
                throw ring.Refusal();
            }

            BitConverter.TryWriteBytes(ring.RoomAt(place, ChannelLayout.ObjectRecordSize), ++_sent);
            ring.Commit(ChannelLayout.ObjectRecordSize, ChannelLayout.ObjectType);
        }
        catch (SharedMemoryException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            throw ring.Endpoint.Failure ?? ring.Loss(ring.Peer == PeerState.Died ? PeerState.Died : PeerState.Left);
        }
        finally
        {
            ring.Return(ticket);
        }
    }

    /// <summary>Receives the next object that the peer has sent.</summary>
    /// <param name="required">The seals that the object must have: with <see cref="MemorySeals.Shrink"/> the peer cannot take mapped memory away.</param>
    /// <param name="cancellationToken">Ends the wait; nothing was received then.</param>
    /// <returns>The object; disposing it closes the descriptor.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="required"/> contains bits that are not seals.</exception>
    /// <exception cref="InvalidDataException">What was received is refused and closed: it is not memory, is shorter than announced, or lacks a required seal. The connection goes on.</exception>
    /// <exception cref="PeerDiedException">The peer's process died, and all its objects were received.</exception>
    /// <exception cref="PeerLeftException">The peer has left, and all its objects were received.</exception>
    /// <exception cref="ChannelCorruptException">The peer sent what no correct peer sends.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>
    /// <para>
    /// Objects come in the order in which they were sent, and as soon as they have arrived. What stands for an object among the messages is a message of type <see cref="ObjectMessageType"/>,
    /// which a reader that comes to it gets before the object was received, and does not get afterwards. A program that reads in order calls this when it gets such a message.
    /// </para>
    /// <para><see href="https://man7.org/linux/man-pages/man2/recvmsg.2.html">recvmsg(2)</see></para>
    /// </remarks>
    public async ValueTask<SharedMemoryObject> ReceiveObjectAsync(MemorySeals required = MemorySeals.None, CancellationToken cancellationToken = default)
    {
        if ((required & ~Every) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(required), required, "The value is not a combination of the defined seals.");
        }

        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        ReceivedObject received;
        try
        {
            received = await _socket.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            var ring = Input.Ring;
            throw ring.Endpoint.Failure ?? ring.Loss(ring.Peer == PeerState.Died ? PeerState.Died : PeerState.Left);
        }

        _objects.Take();
        using (received)
        {
            return received.Accept(required);
        }
    }
}
