using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;

namespace Posix.SharedMemory;

/// <summary>What macOS and FreeBSD have in common: the message header, and options of local sockets.</summary>
internal abstract class BsdWire(SystemCalls calls) : PosixWire(calls)
{
    private readonly SystemCalls _calls = calls;

    /// <summary>Gets what <c>sendmsg</c> needs so that a socket without a reader is an error and not a signal, beside <c>MSG_DONTWAIT</c>.</summary>
    private protected abstract int SendFlags { get; }

    /// <summary>Gets what <c>recvmsg</c> needs so that descriptors are close-on-exec, beside <c>MSG_DONTWAIT</c>.</summary>
    private protected abstract int ReceiveFlags { get; }

    private protected override int SocketLevel => SOL_SOCKET;

    // All that one message can carry: the kernels give this process its descriptors before they check for room to report their numbers.
    private protected override int RoomForOthers => 2560;

    private protected override (int Control, int Data) TruncatedFlags => (MSG_CTRUNC, MSG_TRUNC);

    internal override Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received)
    {
        // FreeBSD's copy_file_range takes files on disk only, and macOS has none.
        received = 0;
        return Errno.EINVAL;
    }

    private protected override unsafe nint Send(SafeHandle socket, ref MessageBuffers buffers)
    {
        // SAFETY: the buffers are on the caller's stack, and what they point to is pinned there.
        fixed (IoVector* vectors = &buffers.Bytes)
        {
            var header = new BsdMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = buffers.Control, msg_controllen = (uint)buffers.ControlLength };
            // SAFETY: as above, for the header.
            return Libc.sendmsg(socket, &header, MSG_DONTWAIT | SendFlags);
        }
    }

    private protected override unsafe nint Receive(SafeHandle socket, ref MessageBuffers buffers)
    {
        // SAFETY: the buffers are on the caller's stack, and what they point to is pinned there.
        fixed (IoVector* vectors = &buffers.Bytes)
        {
            var header = new BsdMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = buffers.Control, msg_controllen = (uint)buffers.ControlLength };
            // SAFETY: as above, for the header.
            var result = Libc.recvmsg(socket, &header, MSG_DONTWAIT | ReceiveFlags);
            buffers.ControlLength = (int)header.msg_controllen;
            buffers.Flags = header.msg_flags;
            return result;
        }
    }

    /// <summary>Reads one of a local socket's options, all of it.</summary>
    private protected unsafe Errno GetLocalOption(SafeHandle socket, int option, Span<byte> value)
    {
        value.Clear();
        var length = (uint)value.Length;
        // SAFETY: the span is pinned for the length of the call and the kernel writes at most its length.
        fixed (byte* pointer = value)
        {
            return SystemCalls.ErrorOf(_calls.Fails(nameof(Libc.getsockopt)) ? -1 : Libc.getsockopt(socket, SOL_LOCAL, option, pointer, ref length));
        }
    }
}
