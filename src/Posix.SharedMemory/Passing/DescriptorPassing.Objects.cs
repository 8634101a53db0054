using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

public static partial class DescriptorPassing
{
    private const MemorySeals Every =
        MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write | MemorySeals.FutureWrite | MemorySeals.Exec;

    /// <summary>Sends an object: its descriptor, with a message of 16 bytes that contains its length. The receiver gets the access that the object was opened with.</summary>
    /// <param name="socket">A connected socket of <see cref="AddressFamily.Unix"/>.</param>
    /// <param name="memory">The object. It still belongs to the caller and must stay open until the method completes.</param>
    /// <param name="cancellationToken">Cancels the wait for room. A stream that accepted a part of the message cannot be used any more.</param>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>.</exception>
    /// <exception cref="ObjectDisposedException">The socket or the object is disposed.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="SendHandlesAsync"/>.</exception>
    /// <remarks>
    /// Seal the object first: a process that has a descriptor open for writing can change and shorten it.
    /// <see href="https://man7.org/linux/man-pages/man2/sendmsg.2.html">sendmsg(2)</see>
    /// </remarks>
    public static ValueTask SendObjectAsync(this Socket socket, SharedMemoryObject memory, CancellationToken cancellationToken = default)
    {
        CheckSocket(socket);
        ArgumentNullException.ThrowIfNull(memory);
        var target = memory.Target;
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        var platform = Platform.Current;
        Span<byte> message = stackalloc byte[ObjectMessage.Bytes];
        ObjectMessage.Write(message, platform.Backing.GetLength(target));
        var turn = SendTurn.Of(socket);
        if (!turn.TryTake())
        {
            return SendInTurnAsync(platform, socket, turn, message.ToArray(), [memory.SafeFileHandle], cancellationToken);
        }

        var isOver = true;
        try
        {
            var error = TrySendOne(platform, socket.SafeHandle, message, memory.SafeFileHandle, out var sent);
            if (!error.IsSuccess && error != Errno.EAGAIN)
            {
                return ValueTask.FromException(CannotSend(error, message.Length, 1));
            }

            if (error.IsSuccess && sent == message.Length)
            {
                return default;
            }

            // Code that continues passes the turn on.
            var copy = message.ToArray();
            isOver = false;
            return error.IsSuccess
                ? SendRestAsync(socket, turn, copy, sent, cancellationToken)
                : SendWhenReadyAsync(platform, socket, turn, copy, [memory.SafeFileHandle], cancellationToken);
        }
        finally
        {
            if (isOver)
            {
                turn.Give();
            }
        }
    }

    /// <summary>Receives an object sent by <see cref="SendObjectAsync"/>, or by another program in the same message format.</summary>
    /// <param name="socket">A socket of <see cref="AddressFamily.Unix"/>. On a stream, only one receiver at a time.</param>
    /// <param name="required">
    /// The seals that the object must have. With <see cref="MemorySeals.Shrink"/> no other process can take mapped memory away; with
    /// <see cref="MemorySeals.Write"/> the bytes never change. Only <see cref="MemorySeals.Seal"/> prevents another process from adding further seals.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait. A stream from which a part of a message was received cannot be used any more.</param>
    /// <returns>The object; disposing it closes the descriptor. It has at least the length that the sender announced.</returns>
    /// <exception cref="ArgumentException">Not a socket of <see cref="AddressFamily.Unix"/>; <paramref name="required"/> contains bits that are not seals.</exception>
    /// <exception cref="InvalidDataException">
    /// What was received is refused and closed: it is not an object message; it has no descriptor or several; the descriptor is not memory, but a pipe, a socket or a file on disk; it is shorter
    /// than announced; it lacks a required seal.
    /// </exception>
    /// <exception cref="EndOfStreamException">The peer has closed.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="ReceiveHandlesAsync(Socket, Memory{byte}, int, CancellationToken)"/>.</exception>
    /// <remarks>
    /// The kernel is asked what the object is, for its length and for its seals. A process that has it open for writing can shorten it afterwards,
    /// unless it is sealed. <see href="https://man7.org/linux/man-pages/man2/recvmsg.2.html">recvmsg(2)</see>
    /// </remarks>
    public static ValueTask<SharedMemoryObject> ReceiveObjectAsync(
        this Socket socket, MemorySeals required = MemorySeals.None, CancellationToken cancellationToken = default)
    {
        CheckSocket(socket);
        if ((required & ~Every) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(required), required, "The value is not a combination of seals.");
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<SharedMemoryObject>(cancellationToken);
        }

        return CollectAsync(Platform.Current, socket, required, cancellationToken);
    }

    /// <summary>Receives a whole message before checking it, so that after a refusal the next message on a stream can be received.</summary>
    private static async ValueTask<SharedMemoryObject> CollectAsync(
        Platform platform, Socket socket, MemorySeals required, CancellationToken cancellationToken)
    {
        var message = new byte[ObjectMessage.Bytes];
        var isStream = socket.SocketType == SocketType.Stream;
        using var first = await MessageReceiving.ReceiveAsync(platform, socket, message, 1, cancellationToken).ConfigureAwait(false);
        ThrowAtEnd(socket, first, collected: 0);
        var isAlone = !first.HandlesDropped;
        var collected = first.BytesReceived;
        while (isStream && collected < message.Length)
        {
            using var part = await MessageReceiving.ReceiveAsync(platform, socket, message.AsMemory(collected), 1, cancellationToken).ConfigureAwait(false);
            ThrowAtEnd(socket, part, collected);
            isAlone &= part.Count == 0 && !part.HandlesDropped;
            collected += part.BytesReceived;
        }

        if (collected != message.Length || first.DataTruncated)
        {
            throw new InvalidDataException($"Not an object message: it has {(first.DataTruncated ? "more than" : $"{collected} bytes, not")} {message.Length} bytes.");
        }

        var announced = ObjectMessage.Read(message);
        if (!isAlone)
        {
            throw new InvalidDataException("The object message arrived with more than one descriptor, or with one that this process may not have: RLIMIT_NOFILE is reached, or a security module (SELinux, AppArmor) withheld it.");
        }

        if (first.Count == 0)
        {
            throw new InvalidDataException("The object message arrived without a descriptor.");
        }

        var accepted = Accept(platform, first[0], announced, required);
        _ = first.TakeHandle(0);
        return accepted;
    }

    /// <summary>Asks the kernel what a descriptor is. If this throws, the caller closes the descriptor.</summary>
    private static SharedMemoryObject Accept(Platform platform, SafeFileHandle handle, long announced, MemorySeals required)
    {
        var target = new OpenObject(handle, default, SharesOpen: true);
        var memory = SharedMemoryObject.OfHandle(platform, target)
            ?? throw new InvalidDataException("The received descriptor is not memory (but a pipe, a socket or a file on disk), or is open for writing only.");
        if (required != MemorySeals.None)
        {
            SystemCalls.Check(platform.Seals.Get(target, out var seals), "fcntl(F_GET_SEALS)");
            seals = ObjectSealing.Kept(seals, seals.HasFlag(MemorySeals.Exec) && platform.Seals.GetPageSize(target) > MemoryPage.Size);
            // A process that cannot write at all cannot start to.
            seals |= seals.HasFlag(MemorySeals.Write) ? MemorySeals.FutureWrite : MemorySeals.None;
            if ((seals & required) != required)
            {
                throw new InvalidDataException($"The received object is not sealed as required: it lacks {required & ~seals}, and has {seals}.");
            }

            memory.Know(seals);
        }

        // After the seals: if Shrink is one of them, the length can no longer fall.
        var length = platform.Backing.GetLength(target);
        return length >= announced
            ? memory
            : throw new InvalidDataException($"The received object has {length} bytes, but the message announces {announced}.");
    }

    private static void ThrowAtEnd(Socket socket, HandleReceiveResult part, int collected)
    {
        if (part.BytesReceived == 0 && part.Count == 0 && !part.HandlesDropped && IsAtEnd(socket))
        {
            throw new EndOfStreamException(collected == 0 ? "The peer has closed." : $"The peer has closed inside an object message, after {collected} bytes.");
        }
    }

    /// <summary>Handles a receive of 0 bytes. From a stream that is the end. From another socket it may be a message without bytes; at the end, another receive returns 0 at once.</summary>
    private static bool IsAtEnd(Socket socket) =>
        socket.SocketType == SocketType.Stream || (socket.SocketType != SocketType.Dgram && socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0);

    private static Errno TrySendOne(Platform platform, SafeHandle socket, ReadOnlySpan<byte> data, SafeHandle handle, out int sent)
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
}
