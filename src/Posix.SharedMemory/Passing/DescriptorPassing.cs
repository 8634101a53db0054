using System.Net.Sockets;

namespace Posix.SharedMemory;

/// <summary>Hands descriptors, and memory by them, to other processes: over a socket of <see cref="AddressFamily.Unix"/>, or to a child.</summary>
/// <remarks>
/// The socket is a stream, seqpacket or datagram socket, connected for sending. No thread of the caller waits; for full sockets one of the library does. As with all
/// that the base library awaits, a socket that was waited for is <c>O_NONBLOCK</c> from then on; <see cref="Socket.Blocking"/> stays as it is.
/// <see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see>
/// </remarks>
public static partial class DescriptorPassing
{
    /// <summary>The most handles that one message carries: what Linux's kernel allows.</summary>
    internal const int MaxHandles = 253;

    /// <summary>Tells who is at the other end of a connection.</summary>
    /// <param name="socket">A connected stream or seqpacket socket, or one of a pair.</param>
    /// <returns>The process, user and group as the kernel noted them when the connection was made: the peer cannot make them up.</returns>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOTCONN"/>: not connected, or a datagram socket that is not one of a pair.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see>, <c>SO_PEERCRED</c></remarks>
    public static PeerCredentials GetPeerCredentials(this Socket socket)
    {
        CheckSocket(socket);
        var error = Platform.Current.Wire.GetPeerCredentials(socket.SafeHandle, out var credentials);
        return error.IsSuccess ? credentials : throw new SharedMemoryException(error, "getsockopt(SO_PEERCRED)");
    }

    private static void CheckSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            throw new ArgumentException("Descriptors are passed over sockets of AddressFamily.Unix.", nameof(socket));
        }
    }

    /// <summary>What the base library says of a socket, as this library says it.</summary>
    private static Exception Translate(SocketException failure, string operation) =>
        failure.SocketErrorCode == SocketError.OperationAborted
            ? new ObjectDisposedException(typeof(Socket).FullName, failure)
            : new SharedMemoryException(ErrnoNumbers.Read(failure.NativeErrorCode), operation);
}
