using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>Sends one message with its handles: at once where the socket has room, and otherwise in turn, when it has.</summary>
internal static class MessageSending
{
    /// <summary>Sends after all earlier sends.</summary>
    internal static async ValueTask SendInTurnAsync(
        Platform platform, Socket socket, SendTurn turn, ReadOnlyMemory<byte> data, SafeHandle[] handles, CancellationToken cancellationToken)
    {
        await turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        await SendWhenReadyAsync(platform, socket, turn, data, handles, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends as soon as there is room, and ends the turn.</summary>
    internal static async ValueTask SendWhenReadyAsync(
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
    internal static async ValueTask SendRestAsync(Socket socket, SendTurn turn, ReadOnlyMemory<byte> data, int sent, CancellationToken cancellationToken)
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
            throw DescriptorPassing.Translate(e, "send");
        }
    }

    internal static Errno TrySend(Platform platform, SafeHandle socket, ReadOnlySpan<byte> data, IReadOnlyList<SafeHandle> handles, out int sent)
    {
        var count = Math.Min(handles.Count, DescriptorPassing.MaxHandles);
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

    internal static Errno TrySendOne(Platform platform, SafeHandle socket, ReadOnlySpan<byte> data, SafeHandle handle, out int sent)
    {
        var isHeld = false;
        try
        {
            handle.DangerousAddRef(ref isHeld);
            return platform.Wire.SendMessage(socket, data, [(int)handle.DangerousGetHandle()], out sent);
        }
        finally
        {
            if (isHeld)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static SafeHandle CheckHandle(IReadOnlyList<SafeHandle> handles, int index)
    {
        var handle = handles[index] ?? throw new ArgumentException($"The handle at {index} is null.", nameof(handles));
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        return handle.IsInvalid ? throw new ArgumentException($"The handle at {index} is invalid.", nameof(handles)) : handle;
    }

    internal static SharedMemoryException CannotSend(Errno error, int bytes, int handles) => SystemCalls.FailureOf(
        error, "sendmsg", null,
        error == Errno.EMSGSIZE ? $"a message of {bytes} bytes is longer than the socket's send buffer"
        : error == Errno.ETOOMANYREFS ? $"sending {handles} more descriptors would exceed what this user may have sent and not yet received (RLIMIT_NOFILE)"
        : error == Errno.EPIPE || error == Errno.ECONNRESET || error == Errno.ECONNREFUSED ? "no process receives at the other end any more, or this socket was shut down for sending"
        : null);
}
