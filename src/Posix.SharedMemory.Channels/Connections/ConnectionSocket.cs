using System.Net.Sockets;
using System.Threading.Channels;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The socket that a connection was handed over. It stays: it carries objects, rings for a peer that waits in a loop of its own, and its end is the end of the peer. What comes
/// over it is not trusted. The model is tests/models/connection.pml.
/// </summary>
internal sealed class ConnectionSocket : IDisposable
{
    /// <summary>A doorbell is one byte; an object message is 16 bytes that begin otherwise.</summary>
    private const byte Doorbell = 1;

    private const int MessageSize = 16, LengthInMessage = 8;

    /// <summary>How many objects are kept until they are asked for. The socket is not read meanwhile: the kernel bounds what a peer can have under way.</summary>
    private const int MostObjects = 8;

    /// <summary>How many receives follow each other before the thread is given to others.</summary>
    private const int ReceivesInOneGo = 64;

    /// <summary>How often the end of the socket is looked for while it is not read.</summary>
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(100);

    private static readonly byte[] s_doorbell = [Doorbell];

    private readonly Socket _socket;
    private readonly Channel<ReceivedObject> _objects = Channel.CreateBounded<ReceivedObject>(new BoundedChannelOptions(MostObjects) { SingleWriter = true });
    private readonly CancellationTokenSource _closing = new();
    private readonly byte[] _message = new byte[MessageSize];
    private int _collected;
    private HandleReceiveResult? _carried;
    private long _received;
    private int _isDisposed;

    internal ConnectionSocket(Socket socket) => _socket = socket;

    private static ReadOnlySpan<byte> Magic => "SHMOBJ\0\u0001"u8;

    internal static void Require(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.AddressFamily != AddressFamily.Unix || socket.SocketType != SocketType.Stream)
        {
            throw new ArgumentException("A connection is handed over a connected stream socket of AddressFamily.Unix.", nameof(socket));
        }
    }

    /// <summary>Sends a doorbell, if the socket has room: otherwise one is under way already.</summary>
    internal void Ring()
    {
        try
        {
            _ = _socket.Send(s_doorbell, SocketFlags.None, out _);
        }
        catch (ObjectDisposedException)
        {
            // The connection is closed at the same time: the peer sees its end.
        }
    }

    internal ValueTask SendAsync(SharedMemoryObject memory, CancellationToken cancellationToken) => _socket.SendObjectAsync(memory, cancellationToken);

    /// <summary>Returns the next object message.</summary>
    /// <exception cref="ChannelClosedException">The socket has ended.</exception>
    internal ValueTask<ReceivedObject> ReceiveAsync(CancellationToken cancellationToken) => _objects.Reader.ReadAsync(cancellationToken);

    /// <summary>Begins to receive what comes, on the thread pool: a peer that sends without a pause does not keep the caller's thread.</summary>
    /// <param name="lose">Called when the socket ends, with what the peer sent that no correct one sends.</param>
    internal Task Start(Action<ChannelCorruptException?> lose)
    {
        try
        {
            // A doorbell is never waited for; asynchronous calls do not depend on it.
            _socket.Blocking = false;
        }
        catch (ObjectDisposedException)
        {
            // The pump finds it too.
        }

        return Task.Run(() => PumpAsync(lose));
    }

    private async Task PumpAsync(Action<ChannelCorruptException?> lose)
    {
        ChannelCorruptException? failure = null;
        var bytes = new byte[MessageSize];
        try
        {
            // A message is read up to its last byte: so each receive brings the beginning of one message at most, and its descriptor.
            for (var receives = 1; failure is null; receives++)
            {
                if (receives % ReceivesInOneGo == 0)
                {
                    // Where bytes are always there, a receive never waits: others get the thread from time to time.
                    await Task.Yield();
                }

                var part = await _socket.ReceiveHandlesAsync(bytes.AsMemory(0, MessageSize - _collected), maxHandles: 1, _closing.Token).ConfigureAwait(false);
                if (part.BytesReceived == 0 && part.Handles.Count == 0 && !part.HandlesDropped)
                {
                    break;
                }

                failure = Take(bytes.AsSpan(0, part.BytesReceived), part);
                if (_collected == MessageSize)
                {
                    await DeliverAsync(lose).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It was closed on this side.
        }
        catch (ObjectDisposedException)
        {
            // As above.
        }
        catch (ChannelClosedException)
        {
            // As above, while an object was to be kept.
        }
        catch (SharedMemoryException)
        {
            // The peer closed with bytes unread (ECONNRESET), or the socket cannot be read: the end of it too.
        }
        finally
        {
            _carried?.Dispose();
            lose(failure);
            if (failure is not null)
            {
                // A call that waits for room in the socket ends.
                EndBoth();
            }

            _objects.Writer.TryComplete();
        }
    }

    /// <summary>Ends the socket. Also where a child of this process has inherited it, the peer sees the end.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _closing.Cancel();
        EndBoth();
        _socket.Dispose();
        _objects.Writer.TryComplete();
        while (_objects.Reader.TryRead(out var item))
        {
            item.Dispose();
        }

        _closing.Dispose();
    }

    private void EndBoth()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer has ended it already.
        }
        catch (ObjectDisposedException)
        {
            // It was closed on this side, by who handed it over too.
        }
    }

    /// <summary>Sorts bytes into doorbells and the message that is being collected.</summary>
    private ChannelCorruptException? Take(ReadOnlySpan<byte> bytes, HandleReceiveResult part)
    {
        var isClaimed = false;
        foreach (var value in bytes)
        {
            if (_collected == 0 && value == Doorbell)
            {
                _received++;
                continue;
            }

            if (_collected < LengthInMessage && value != Magic[_collected])
            {
                part.Dispose();
                return new("the socket", _received, $"carried the byte 0x{value:x2}, which belongs neither to a doorbell nor to an object message");
            }

            if (_collected == 0 && (part.Handles.Count != 0 || part.HandlesDropped))
            {
                (_carried, isClaimed) = (part, true);
            }

            _message[_collected++] = value;
            _received++;
        }

        if (isClaimed || (part.Handles.Count == 0 && !part.HandlesDropped))
        {
            return null;
        }

        part.Dispose();
        return new("the socket", _received, "carried a descriptor that does not belong to an object message");
    }

    private async ValueTask DeliverAsync(Action<ChannelCorruptException?> lose)
    {
        var item = new ReceivedObject(_carried, BitConverter.ToInt64(_message, LengthInMessage));
        (_carried, _collected) = (null, 0);
        try
        {
            while (!_objects.Writer.TryWrite(item))
            {
                await WaitForReceiverAsync(lose).ConfigureAwait(false);
            }
        }
        catch
        {
            item.Dispose();
            throw;
        }

        if (Volatile.Read(ref _isDisposed) != 0)
        {
            // It was closed between the two: what was just kept is not seen by Dispose any more.
            while (_objects.Reader.TryRead(out var left))
            {
                left.Dispose();
            }
        }
    }
    /// <summary>Waits until an object was received. The socket is not read meanwhile, and its end stands past what was not read: it is looked for from the side that sends.</summary>
    private async ValueTask WaitForReceiverAsync(Action<ChannelCorruptException?> lose)
    {
        var waiting = _objects.Writer.WaitToWriteAsync(_closing.Token).AsTask();
        for (var isLost = false; !waiting.IsCompleted;)
        {
            if (!isLost && IsPeerGone())
            {
                // What it has sent can still be received.
                isLost = true;
                lose(null);
            }

            await Task.WhenAny(waiting, Task.Delay(isLost ? Timeout.InfiniteTimeSpan : s_betweenLooks, _closing.Token)).ConfigureAwait(false);
        }

        if (!await waiting.ConfigureAwait(false))
        {
            throw new ChannelClosedException();
        }
    }

    /// <summary>Whether the peer receives nothing any more. Sending nothing says so, and leaves nothing in the socket.</summary>
    private bool IsPeerGone()
    {
        _socket.Send(ReadOnlySpan<byte>.Empty, SocketFlags.None, out var error);
        return error is not (SocketError.Success or SocketError.WouldBlock);
    }
}
