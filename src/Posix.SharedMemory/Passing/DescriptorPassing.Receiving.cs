using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
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
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in the type of a required argument: no call fits both.")]
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
            return MessageReceiving.WaitForAnythingAsync(socket, cancellationToken);
        }

        return MessageReceiving.ReceiveAsync(Platform.Current, socket, buffer, maxHandles, cancellationToken);
    }

    /// <summary>Receives bytes, and the handles that were sent with them into places of the caller: without allocating anything but the handles, if data is ready.</summary>
    /// <param name="socket">A socket of <see cref="AddressFamily.Unix"/>; several may receive from it at the same time.</param>
    /// <param name="buffer">Receives the bytes, as in <see cref="ReceiveHandlesAsync(Socket, Memory{byte}, int, CancellationToken)"/>.</param>
    /// <param name="handles">Receives the handles, at most 253: they are close-on-exec, and the caller's to dispose. Extra ones are closed, and the result says so. Places past the last handle keep what is in them.</param>
    /// <param name="cancellationToken">Cancels the wait. Nothing is lost.</param>
    /// <returns>The number of bytes and of handles. 0 bytes from a stream mean that the peer has closed.</returns>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="handles"/> has more than 253 places.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ECONNRESET"/>: the peer has closed with bytes unread. <see cref="Errno.ENOTCONN"/>, <see cref="Errno.EINVAL"/>: not connected.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/recvmsg.2.html">recvmsg(2)</see></remarks>
    /// <example>
    /// <code>
    /// var handles = new SafeFileHandle?[2];   // Used again for each message: only the handles themselves are allocated.
    /// var receipt = await socket.ReceiveHandlesAsync(new byte[256], handles, cancellationToken);
    /// using var first = handles[0];
    /// using var second = handles[1];
    /// if (receipt.BytesReceived == 0 || receipt.HandlesReceived != 2 || receipt.HandlesDropped || receipt.DataTruncated)
    /// {
    ///     throw new InvalidDataException("Expected two handles.");
    /// }
    /// </code>
    /// </example>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in the type of a required argument: no call fits both.")]
    public static ValueTask<HandleReceipt> ReceiveHandlesAsync(
        this Socket socket, Memory<byte> buffer, Memory<SafeFileHandle?> handles, CancellationToken cancellationToken = default)
    {
        CheckSocket(socket);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(handles.Length, MaxHandles, nameof(handles));
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<HandleReceipt>(cancellationToken);
        }

        if (buffer.IsEmpty && socket.SocketType == SocketType.Stream)
        {
            return MessageReceiving.WaitForReceiptAsync(socket, cancellationToken);
        }

        return MessageReceiving.ReceiveAsync(Platform.Current, socket, buffer, handles, cancellationToken);
    }
}
