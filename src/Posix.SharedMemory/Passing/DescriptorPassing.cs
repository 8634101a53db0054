using System.Net.Sockets;
using System.Runtime.Versioning;

namespace Posix.SharedMemory;

/// <summary>Passes descriptors, and memory through them, to other processes over a socket of <see cref="AddressFamily.Unix"/>.</summary>
/// <remarks>
/// The socket is a stream, seqpacket or datagram socket, connected for sending. No thread of the caller is blocked; for full sockets a thread of the library waits. As with everything
/// that the base library awaits, a socket is <c>O_NONBLOCK</c> once it was waited for; <see cref="Socket.Blocking"/> stays the same.
/// <see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see>
/// </remarks>
[UnsupportedOSPlatform("windows")]
public static partial class DescriptorPassing
{
    /// <summary>The maximum number of handles in one message: the limit of the Linux kernel.</summary>
    internal const int MaxHandles = 253;

    /// <summary>Returns which process is at the other end of a connection.</summary>
    /// <param name="socket">A connected stream or seqpacket socket, or one of a pair.</param>
    /// <returns>The process, user and group that the kernel recorded when the connection was made. The peer cannot forge them.</returns>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOTCONN"/>: not connected, or a datagram socket that is not one of a pair.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see>, <c>SO_PEERCRED</c></remarks>
    public static PeerCredentials GetPeerCredentials(this Socket socket)
    {
        CheckSocket(socket);
        var error = Platform.Current.Wire.GetPeerCredentials(socket.SafeHandle, out var credentials);
        return error.IsSuccess ? credentials : throw SystemCalls.FailureOf(error, "getsockopt(SO_PEERCRED)");
    }

    private static void CheckSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            throw new ArgumentException("Descriptors are passed over sockets of AddressFamily.Unix.", nameof(socket));
        }
    }

    /// <summary>Converts the base library's error of a socket to this library's.</summary>
    internal static Exception Translate(SocketException failure, string operation) =>
        failure.SocketErrorCode == SocketError.OperationAborted
            ? new ObjectDisposedException(typeof(Socket).FullName, failure)
            : new SharedMemoryException(ErrnoNumbers.Read(failure.NativeErrorCode), operation);
}
