using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

public static partial class DescriptorPassing
{
    /// <summary>Sends bytes, and handles with the first of them: <c>sendmsg</c> with <c>SCM_RIGHTS</c>. While the socket is full it waits, without blocking a thread of the caller.</summary>
    /// <param name="socket">A connected socket of <see cref="AddressFamily.Unix"/>.</param>
    /// <param name="data">The bytes: on a datagram or seqpacket socket one message, which may be empty; on a stream, at least one if there are handles.</param>
    /// <param name="handles">At most 253. They still belong to the caller and must stay open until the method completes; the receiver gets duplicates.</param>
    /// <param name="cancellationToken">Cancels the wait. What a stream has accepted until then is sent.</param>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>; handles without data on a stream; a handle that is null or invalid.</exception>
    /// <exception cref="ArgumentOutOfRangeException">More than 253 handles.</exception>
    /// <exception cref="ObjectDisposedException">The socket or a handle is disposed.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPIPE"/>, <see cref="Errno.ECONNRESET"/>, <see cref="Errno.ECONNREFUSED"/>: the peer is gone. <see cref="Errno.ENOTCONN"/>: not connected.
    /// <see cref="Errno.EMSGSIZE"/>: the message is longer than the socket's send buffer. <see cref="Errno.ETOOMANYREFS"/>: this user has sent more descriptors that
    /// have not been received than <c>RLIMIT_NOFILE</c> allows. <see cref="Errno.EMFILE"/>: the socket is full, and there is no descriptor left to wait with.
    /// <see cref="Errno.ENOBUFS"/>, <see cref="Errno.ENOMEM"/>.
    /// </exception>
    /// <remarks>
    /// Sends by this class on one <see cref="Socket"/> are transmitted in the order of the calls, each as a whole. A concurrent <c>Socket.SendAsync</c> may come in between.
    /// <see href="https://man7.org/linux/man-pages/man2/sendmsg.2.html">sendmsg(2)</see>
    /// </remarks>
    public static ValueTask SendHandlesAsync(
        this Socket socket, ReadOnlyMemory<byte> data, IReadOnlyList<SafeHandle> handles, CancellationToken cancellationToken = default)
    {
        CheckSocket(socket);
        ArgumentNullException.ThrowIfNull(handles);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(handles.Count, MaxHandles, nameof(handles));
        if (data.IsEmpty && handles.Count > 0 && socket.SocketType == SocketType.Stream)
        {
            throw new ArgumentException("A stream socket needs at least one byte of data to carry handles.", nameof(data));
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        var platform = Platform.Current;
        var turn = SendTurn.Of(socket);
        if (!turn.TryTake())
        {
            return MessageSending.SendInTurnAsync(platform, socket, turn, data, [.. handles], cancellationToken);
        }

        var isOver = true;
        try
        {
            var error = MessageSending.TrySend(platform, socket.SafeHandle, data.Span, handles, out var sent);
            if (!error.IsSuccess && error != Errno.EAGAIN)
            {
                return ValueTask.FromException(MessageSending.CannotSend(error, data.Length, handles.Count));
            }

            if (error.IsSuccess && sent == data.Length)
            {
                return default;
            }

            // Code that continues passes the turn on.
            SafeHandle[] again = error.IsSuccess ? [] : [.. handles];
            isOver = false;
            return error.IsSuccess
                ? MessageSending.SendRestAsync(socket, turn, data, sent, cancellationToken)
                : MessageSending.SendWhenReadyAsync(platform, socket, turn, data, again, cancellationToken);
        }
        finally
        {
            if (isOver)
            {
                turn.Give();
            }
        }
    }
}
