using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Receives the message that <see cref="DescriptorPassing.SendObjectAsync"/> sends, and accepts the object that it carries or refuses it.</summary>
internal static class ObjectReception
{
    /// <summary>Receives a whole message before checking it, so that after a refusal the next message on a stream can be received.</summary>
    internal static async ValueTask<SharedMemoryObject> CollectAsync(
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
}
