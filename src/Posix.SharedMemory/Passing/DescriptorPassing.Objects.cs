using System.Net.Sockets;

namespace Posix.SharedMemory;

public static partial class DescriptorPassing
{
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
            return MessageSending.SendInTurnAsync(platform, socket, turn, message.ToArray(), [memory.SafeFileHandle], cancellationToken);
        }

        var isOver = true;
        try
        {
            var error = MessageSending.TrySendOne(platform, socket.SafeHandle, message, memory.SafeFileHandle, out var sent);
            if (!error.IsSuccess && error != Errno.EAGAIN)
            {
                return ValueTask.FromException(MessageSending.CannotSend(error, message.Length, 1));
            }

            if (error.IsSuccess && sent == message.Length)
            {
                return default;
            }

            // Code that continues passes the turn on.
            var copy = message.ToArray();
            isOver = false;
            return error.IsSuccess
                ? MessageSending.SendRestAsync(socket, turn, copy, sent, cancellationToken)
                : MessageSending.SendWhenReadyAsync(platform, socket, turn, copy, [memory.SafeFileHandle], cancellationToken);
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
        ObjectSealing.Check(required, nameof(required));
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<SharedMemoryObject>(cancellationToken);
        }

        return ObjectReception.CollectAsync(Platform.Current, socket, required, cancellationToken);
    }
}
