using System.Buffers;
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
            return SendInTurnAsync(platform, socket, turn, data, [.. handles], cancellationToken);
        }

        var isOver = true;
        try
        {
            var error = TrySend(platform, socket.SafeHandle, data.Span, handles, out var sent);
            if (!error.IsSuccess && error != Errno.EAGAIN)
            {
                return ValueTask.FromException(CannotSend(error, data.Length, handles.Count));
            }

            if (error.IsSuccess && sent == data.Length)
            {
                return default;
            }

            // Code that continues passes the turn on.
            SafeHandle[] again = error.IsSuccess ? [] : [.. handles];
            isOver = false;
            return error.IsSuccess
                ? SendRestAsync(socket, turn, data, sent, cancellationToken)
                : SendWhenReadyAsync(platform, socket, turn, data, again, cancellationToken);
        }
        finally
        {
            if (isOver)
            {
                turn.Give();
            }
        }
    }

    /// <summary>Sends after all earlier sends.</summary>
    private static async ValueTask SendInTurnAsync(
        Platform platform, Socket socket, SendTurn turn, ReadOnlyMemory<byte> data, SafeHandle[] handles, CancellationToken cancellationToken)
    {
        await turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        await SendWhenReadyAsync(platform, socket, turn, data, handles, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends as soon as there is room, and ends the turn.</summary>
    private static async ValueTask SendWhenReadyAsync(
        Platform platform, Socket socket, SendTurn turn, ReadOnlyMemory<byte> data, SafeHandle[] handles, CancellationToken cancellationToken)
    {
        try
        {
            var error = TrySend(platform, socket.SafeHandle, data.Span, handles, out var sent);
            while (error == Errno.EAGAIN)
            {
                await ReadinessThread.WaitAsync(platform.Wire, socket.SafeHandle, forWriting: true, isOurs: false, cancellationToken).ConfigureAwait(false);
                error = TrySend(platform, socket.SafeHandle, data.Span, handles, out sent);
            }

            if (!error.IsSuccess)
            {
                throw CannotSend(error, data.Length, handles.Length);
            }

            await FinishAsync(socket, data, sent, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turn.Give();
        }
    }

    /// <summary>Sends what a stream did not accept at once, and ends the turn.</summary>
    private static async ValueTask SendRestAsync(Socket socket, SendTurn turn, ReadOnlyMemory<byte> data, int sent, CancellationToken cancellationToken)
    {
        try
        {
            await FinishAsync(socket, data, sent, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turn.Give();
        }
    }

    /// <summary>Sends what a stream did not accept at once. The handles have been sent already.</summary>
    private static async ValueTask FinishAsync(Socket socket, ReadOnlyMemory<byte> data, int sent, CancellationToken cancellationToken)
    {
        try
        {
            while (sent < data.Length)
            {
                sent += await socket.SendAsync(data[sent..], cancellationToken).ConfigureAwait(false);
            }
        }
        catch (SocketException e)
        {
            throw Translate(e, "send");
        }
    }

    private static Errno TrySend(Platform platform, SafeHandle socket, ReadOnlySpan<byte> data, IReadOnlyList<SafeHandle> handles, out int sent)
    {
        var count = Math.Min(handles.Count, MaxHandles);
        Span<int> descriptors = stackalloc int[count];
        // The caller may change the list meanwhile: these are the ones to release.
        var held = count == 0 ? [] : ArrayPool<SafeHandle>.Shared.Rent(count);
        var holds = 0;
        try
        {
            while (holds < count)
            {
                var handle = CheckHandle(handles, holds);
                var isHeld = false;
                handle.DangerousAddRef(ref isHeld);
                descriptors[holds] = (int)handle.DangerousGetHandle();
                held[holds++] = handle;
            }

            return platform.Wire.SendMessage(socket, data, descriptors, out sent);
        }
        finally
        {
            for (var at = 0; at < holds; at++)
            {
                held[at].DangerousRelease();
            }

            if (count > 0)
            {
                held.AsSpan(0, holds).Clear();
                ArrayPool<SafeHandle>.Shared.Return(held);
            }
        }
    }

    private static SafeHandle CheckHandle(IReadOnlyList<SafeHandle> handles, int index)
    {
        var handle = handles[index] ?? throw new ArgumentException($"The handle at {index} is null.", nameof(handles));
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        return handle.IsInvalid ? throw new ArgumentException($"The handle at {index} is invalid.", nameof(handles)) : handle;
    }

    private static SharedMemoryException CannotSend(Errno error, int bytes, int handles) => SystemCalls.FailureOf(
        error, "sendmsg", null,
        error == Errno.EMSGSIZE ? $"a message of {bytes} bytes is longer than the socket's send buffer"
        : error == Errno.ETOOMANYREFS ? $"{handles} descriptors more would be beyond what this user may have sent and not received (RLIMIT_NOFILE)"
        : error == Errno.EPIPE || error == Errno.ECONNRESET || error == Errno.ECONNREFUSED ? "nobody receives at the other end any more, or this socket was shut down for sending"
        : null);
}
