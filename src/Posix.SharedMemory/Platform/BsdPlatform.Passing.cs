using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;

namespace Posix.SharedMemory;

// Descriptors on their way to other processes.
internal abstract partial class BsdPlatform
{
    /// <summary>Gets what <c>sendmsg</c> needs so that a socket without a reader is an error and not a signal, beside <c>MSG_DONTWAIT</c>.</summary>
    private protected abstract int SendFlags { get; }

    /// <summary>Gets what <c>recvmsg</c> needs so that descriptors come close-on-exec, beside <c>MSG_DONTWAIT</c>.</summary>
    private protected abstract int ReceiveFlags { get; }

    private protected override int SocketLevel => SOL_SOCKET;

    // All that one message can carry: the kernels give this process its descriptors before they look for room to tell their numbers.
    private protected override int RoomForOthers => 2560;

    private protected override unsafe nint SendMessage(SafeHandle socket, ref IoVector vector, byte* control, int controlLength)
    {
        // SAFETY: the vector stands on the caller's stack, and what it points to is pinned there.
        fixed (IoVector* vectors = &vector)
        {
            var header = new BsdMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = (nint)control, msg_controllen = (uint)controlLength };
            // SAFETY: as above, for the header.
            return Fails(nameof(Libc.sendmsg)) ? -1 : Libc.sendmsg(socket, &header, MSG_DONTWAIT | SendFlags);
        }
    }

    private protected override unsafe nint ReceiveMessage(
        SafeHandle socket, ref IoVector vector, byte* control, ref int controlLength, out bool controlTruncated, out bool dataTruncated)
    {
        // SAFETY: the vector stands on the caller's stack, and what it points to is pinned there.
        fixed (IoVector* vectors = &vector)
        {
            var header = new BsdMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = (nint)control, msg_controllen = (uint)controlLength };
            // SAFETY: as above, for the header.
            var result = Fails(nameof(Libc.recvmsg)) ? -1 : Libc.recvmsg(socket, &header, MSG_DONTWAIT | ReceiveFlags);
            controlLength = (int)header.msg_controllen;
            controlTruncated = (header.msg_flags & MSG_CTRUNC) != 0;
            dataTruncated = (header.msg_flags & MSG_TRUNC) != 0;
            return result;
        }
    }

    private protected override void WriteHeader(Span<byte> control, in ControlHeader header) =>
        MemoryMarshal.Write(control, new BsdControlHeader { cmsg_len = (uint)header.Length, cmsg_level = header.Level, cmsg_type = header.Type });

    private protected override ControlHeader ReadHeader(ReadOnlySpan<byte> control)
    {
        var header = MemoryMarshal.Read<BsdControlHeader>(control);
        return new(header.cmsg_len, header.cmsg_level, header.cmsg_type);
    }

    /// <summary>Asks for one of a local socket's options, all of it.</summary>
    private protected unsafe Errno GetLocalOption(SafeHandle socket, int option, Span<byte> value)
    {
        value.Clear();
        var length = (uint)value.Length;
        // SAFETY: the span is pinned for the length of the call and the kernel writes at most its length.
        fixed (byte* pointer = value)
        {
            return ErrorOf(Fails(nameof(Libc.getsockopt)) ? -1 : Libc.getsockopt(socket, SOL_LOCAL, option, pointer, ref length));
        }
    }
}
