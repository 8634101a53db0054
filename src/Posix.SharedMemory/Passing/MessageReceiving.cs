using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Receives a message with its descriptors, now or when one arrives, and gives each descriptor a handle.</summary>
internal static class MessageReceiving
{
    internal static ValueTask<HandleReceiveResult> ReceiveAsync(
        Platform platform, Socket socket, Memory<byte> buffer, int maxHandles, CancellationToken cancellationToken)
    {
        var error = TryReceive(platform, socket.SafeHandle, buffer.Span, maxHandles, out var result);
        return result is not null ? new(result)
            : error == Errno.EAGAIN ? ReceiveWhenReadyAsync(platform, socket, buffer, maxHandles, cancellationToken)
            : ValueTask.FromException<HandleReceiveResult>(CannotReceive(error));
    }

    internal static ValueTask<HandleReceipt> ReceiveAsync(
        Platform platform, Socket socket, Memory<byte> buffer, Memory<SafeFileHandle?> handles, CancellationToken cancellationToken)
    {
        var error = TryReceive(platform, socket.SafeHandle, buffer.Span, handles.Span, out var receipt);
        return error.IsSuccess ? new(receipt)
            : error == Errno.EAGAIN ? ReceiveWhenReadyAsync(platform, socket, buffer, handles, cancellationToken)
            : ValueTask.FromException<HandleReceipt>(CannotReceive(error));
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
    internal static async ValueTask<HandleReceiveResult> WaitForAnythingAsync(Socket socket, CancellationToken cancellationToken)
    {
        await WaitUntilReadableAsync(socket, cancellationToken).ConfigureAwait(false);
        return new(default);
    }

    internal static async ValueTask<HandleReceipt> WaitForReceiptAsync(Socket socket, CancellationToken cancellationToken)
    {
        await WaitUntilReadableAsync(socket, cancellationToken).ConfigureAwait(false);
        return default;
    }

    private static async ValueTask<HandleReceipt> ReceiveWhenReadyAsync(
        Platform platform, Socket socket, Memory<byte> buffer, Memory<SafeFileHandle?> handles, CancellationToken cancellationToken)
    {
        while (true)
        {
            await WaitUntilReadableAsync(socket, cancellationToken).ConfigureAwait(false);
            var error = TryReceive(platform, socket.SafeHandle, buffer.Span, handles.Span, out var receipt);
            if (error.IsSuccess)
            {
                return receipt;
            }

            // Another receiver was faster.
            if (error != Errno.EAGAIN)
            {
                throw CannotReceive(error);
            }
        }
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
            throw DescriptorPassing.Translate(e, "recvmsg");
        }
    }

    private static Errno TryReceive(Platform platform, SafeHandle socket, Span<byte> buffer, int maxHandles, out HandleReceiveResult? result)
    {
        Span<int> descriptors = stackalloc int[maxHandles];
        var error = platform.Wire.ReceiveMessage(socket, buffer, descriptors, out var message);
        result = error.IsSuccess ? Wrap(platform, message, descriptors[..message.Descriptors]) : null;
        return error;
    }

    private static Errno TryReceive(Platform platform, SafeHandle socket, Span<byte> buffer, Span<SafeFileHandle?> handles, out HandleReceipt receipt)
    {
        Span<int> descriptors = stackalloc int[handles.Length];
        var error = platform.Wire.ReceiveMessage(socket, buffer, descriptors, out var message);
        receipt = default;
        if (error.IsSuccess)
        {
            Own(platform, descriptors[..message.Descriptors], handles);
            receipt = new(message.Bytes, message.Descriptors, message.DescriptorsDropped, message.DataTruncated);
        }

        return error;
    }

    private static HandleReceiveResult Wrap(Platform platform, in ReceivedMessage message, ReadOnlySpan<int> descriptors)
    {
        HandleReceiveResult? result = null;
        try
        {
            result = new(message);
        }
        finally
        {
            if (result is null)
            {
                Close(platform, descriptors);
            }
        }

        Own(platform, descriptors, result.Places);
        return result;
    }

    /// <summary>Makes a handle for each descriptor. If there is no memory for that, all of them are closed.</summary>
    private static void Own(Platform platform, ReadOnlySpan<int> descriptors, Span<SafeFileHandle?> handles)
    {
        var owned = 0;
        try
        {
            while (owned < descriptors.Length)
            {
                handles[owned] = new(descriptors[owned], ownsHandle: true);
                owned++;
            }
        }
        finally
        {
            if (owned < descriptors.Length)
            {
                foreach (var handle in handles[..owned])
                {
                    handle!.Dispose();
                }

                Close(platform, descriptors[owned..]);
            }
        }
    }

    private static void Close(Platform platform, ReadOnlySpan<int> descriptors)
    {
        foreach (var descriptor in descriptors)
        {
            platform.Wire.Close(descriptor);
        }
    }

    private static SharedMemoryException CannotReceive(Errno error) =>
        SystemCalls.FailureOf(error, "recvmsg", null, error == Errno.ECONNRESET ? "the peer has closed and left bytes unread" : error == Errno.EINVAL || error == Errno.ENOTCONN ? "the socket is not connected" : null);
}
