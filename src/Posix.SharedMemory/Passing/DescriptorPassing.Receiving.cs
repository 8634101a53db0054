using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

public static partial class DescriptorPassing
{
    /// <summary>Receives bytes and the handles that were sent with them: <c>recvmsg</c> with <c>SCM_RIGHTS</c>. It waits, without blocking a thread, until something arrives.</summary>
    /// <param name="socket">A socket of <see cref="AddressFamily.Unix"/>; several may receive from it at the same time.</param>
    /// <param name="buffer">
    /// Receives the bytes: from a stream, those that have arrived, up to the next handles; from another socket, as much of the message as fits. With an empty buffer,
    /// the method takes nothing from a stream, and only waits until something arrives.
    /// </param>
    /// <param name="maxHandles">The maximum number of handles to take, at most 253; 0 for none. Extra ones are closed, and the result says so.</param>
    /// <param name="cancellationToken">Cancels the wait. Nothing is lost.</param>
    /// <returns>
    /// The number of bytes and the handles, which are close-on-exec. Disposing the result closes the handles that were not taken. 0 bytes from a stream mean that the
    /// peer has closed.
    /// </returns>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxHandles"/> is negative or more than 253.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ECONNRESET"/>: the peer has closed with bytes unread. <see cref="Errno.ENOTCONN"/>, <see cref="Errno.EINVAL"/>: not connected.
    /// </exception>
    /// <remarks>
    /// On a stream, handles arrive with the first of the bytes that they were sent with. On macOS they become close-on-exec only after they have arrived.
    /// <see href="https://man7.org/linux/man-pages/man2/recvmsg.2.html">recvmsg(2)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// using var received = await socket.ReceiveHandlesAsync(new byte[256], maxHandles: 3, cancellationToken);
    /// if (received.HandlesDropped || received.Handles.Count != 3)
    /// {
    ///     throw new InvalidDataException("Expected three handles.");
    /// }
    ///
    /// using var frames = received.TakeObject(0);
    /// using var control = received.TakeSocket(1);
    /// using var file = received.TakeHandle(2);
    /// </code>
    /// </example>
    public static ValueTask<HandleReceiveResult> ReceiveHandlesAsync(
        this Socket socket, Memory<byte> buffer, int maxHandles, CancellationToken cancellationToken = default)
    {
        CheckSocket(socket);
        ArgumentOutOfRangeException.ThrowIfNegative(maxHandles);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxHandles, MaxHandles);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<HandleReceiveResult>(cancellationToken);
        }

        if (buffer.IsEmpty && socket.SocketType == SocketType.Stream)
        {
            return WaitForAnythingAsync(socket, cancellationToken);
        }

        return ReceiveAsync(Platform.Current, socket, buffer, maxHandles, cancellationToken);
    }

    private static ValueTask<HandleReceiveResult> ReceiveAsync(
        Platform platform, Socket socket, Memory<byte> buffer, int maxHandles, CancellationToken cancellationToken)
    {
        var error = TryReceive(platform, socket.SafeHandle, buffer.Span, maxHandles, out var result);
        return result is not null ? new(result)
            : error == Errno.EAGAIN ? ReceiveWhenReadyAsync(platform, socket, buffer, maxHandles, cancellationToken)
            : ValueTask.FromException<HandleReceiveResult>(CannotReceive(error));
    }

    private static async ValueTask<HandleReceiveResult> ReceiveWhenReadyAsync(
        Platform platform, Socket socket, Memory<byte> buffer, int maxHandles, CancellationToken cancellationToken)
    {
        while (true)
        {
            await WaitUntilReadableAsync(socket, cancellationToken).ConfigureAwait(false);
            var error = TryReceive(platform, socket.SafeHandle, buffer.Span, maxHandles, out var result);
            if (result is not null)
            {
                return result;
            }

            // Another receiver was faster.
            if (error != Errno.EAGAIN)
            {
                throw CannotReceive(error);
            }
        }
    }

    // In the kernel, a read of no bytes takes the handles before the next byte, and leaves the byte.
    private static async ValueTask<HandleReceiveResult> WaitForAnythingAsync(Socket socket, CancellationToken cancellationToken)
    {
        await WaitUntilReadableAsync(socket, cancellationToken).ConfigureAwait(false);
        return new(default, []);
    }

    /// <summary>Waits with the runtime's own receive of no bytes, which takes neither bytes nor handles.</summary>
    private static async ValueTask WaitUntilReadableAsync(Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            _ = await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw Translate(e, "recvmsg");
        }
    }

    private static Errno TryReceive(Platform platform, SafeHandle socket, Span<byte> buffer, int maxHandles, out HandleReceiveResult? result)
    {
        Span<int> descriptors = stackalloc int[maxHandles];
        var error = platform.Wire.ReceiveMessage(socket, buffer, descriptors, out var message);
        result = error.IsSuccess ? Wrap(platform, message, descriptors[..message.Descriptors]) : null;
        return error;
    }

    /// <summary>Makes a handle for each descriptor. If there is no memory for that, all of them are closed.</summary>
    private static HandleReceiveResult Wrap(Platform platform, in ReceivedMessage message, ReadOnlySpan<int> descriptors)
    {
        SafeFileHandle[] handles = [];
        var wrapped = 0;
        HandleReceiveResult? result = null;
        try
        {
            handles = descriptors.IsEmpty ? [] : new SafeFileHandle[descriptors.Length];
            while (wrapped < descriptors.Length)
            {
                handles[wrapped] = new(descriptors[wrapped], ownsHandle: true);
                wrapped++;
            }

            result = new(message, handles);
            return result;
        }
        finally
        {
            if (result is null)
            {
                for (var at = 0; at < descriptors.Length; at++)
                {
                    if (at < wrapped)
                    {
                        handles[at].Dispose();
                    }
                    else
                    {
                        platform.Wire.Close(descriptors[at]);
                    }
                }
            }
        }
    }

    private static SharedMemoryException CannotReceive(Errno error) =>
        SystemCalls.FailureOf(error, "recvmsg", null, error == Errno.ECONNRESET ? "the peer has closed and left bytes unread" : error == Errno.EINVAL || error == Errno.ENOTCONN ? "the socket is not connected" : null);
}
