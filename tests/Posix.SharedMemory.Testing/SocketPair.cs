using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Two connected sockets of <see cref="AddressFamily.Unix"/>, close-on-exec: <c>socketpair</c>.</summary>
public sealed partial class SocketPair : IDisposable
{
    private const int CloseOnExec = 0x80000;

    /// <summary>Makes a pair.</summary>
    /// <param name="type">Stream, seqpacket or datagram.</param>
    /// <param name="inheritable">Whether children get both.</param>
    public SocketPair(SocketType type = SocketType.Stream, bool inheritable = false)
    {
        var ends = new int[2];
        var number = type switch { SocketType.Stream => 1, SocketType.Dgram => 2, _ => 5 };
        if (socketpair(1, number | (inheritable ? 0 : CloseOnExec), 0, ends) != 0)
        {
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        }

        Sender = new(new SafeSocketHandle(ends[0], ownsHandle: true));
        Receiver = new(new SafeSocketHandle(ends[1], ownsHandle: true));
    }

    /// <summary>Gets one end.</summary>
    public Socket Sender { get; }

    /// <summary>Gets the other end.</summary>
    public Socket Receiver { get; }

    /// <summary>Sends until the socket takes no more, and leaves its mode as it was.</summary>
    /// <returns>How many bytes it took.</returns>
    public int Fill(int piece = 1000)
    {
        const int DoNotWait = 0x40;
        var filled = 0;
        while (send(Sender.SafeHandle, new byte[piece], (nuint)piece, DoNotWait) is var sent and > 0)
        {
            filled += (int)sent;
        }

        return filled;
    }

    /// <summary>Receives and forgets everything that is there.</summary>
    public void Drain()
    {
        const int DoNotWait = 0x40;
        var buffer = new byte[1 << 16];
        while (recv(Receiver.SafeHandle, buffer, (nuint)buffer.Length, DoNotWait) > 0)
        {
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Sender.Dispose();
        Receiver.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, [Out] int[] ends);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(SafeHandle socket, byte[] bytes, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(SafeHandle socket, [Out] byte[] bytes, nuint length, int flags);
}
