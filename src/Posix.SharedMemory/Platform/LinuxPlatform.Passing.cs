using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

// Descriptors on their way to other processes.
internal partial class LinuxPlatform
{
    /// <summary>What an unconnected socket has in place of a user: (uid_t)−1.</summary>
    private const uint Nobody = uint.MaxValue;

    private protected override ControlLayout Control => ControlLayout.Linux;

    private protected override int SocketLevel => SOL_SOCKET;

    // Credentials, a security label, a process's descriptor, times: where the socket is set to have them, they stand before the descriptors.
    private protected override int RoomForOthers => 512;

    internal override void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer) => OpenPipe(O_CLOEXEC, out reader, out writer);

    internal override unsafe Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials)
    {
        LinuxCredentials found = default;
        var length = (uint)sizeof(LinuxCredentials);
        // SAFETY: the kernel writes at most the length, which is the struct's.
        nint result = Fails(nameof(Libc.getsockopt)) ? -1 : Libc.getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, ref length);
        credentials = new(found.pid, found.uid, found.gid);
        return result != -1 && found.uid == Nobody ? Errno.ENOTCONN : ErrorOf(result);
    }

    private protected override unsafe nint SendMessage(SafeHandle socket, ref IoVector vector, byte* control, int controlLength)
    {
        // SAFETY: the vector stands on the caller's stack, and what it points to is pinned there.
        fixed (IoVector* vectors = &vector)
        {
            var header = new LinuxMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = (nint)control, msg_controllen = (nuint)controlLength };
            // SAFETY: as above, for the header.
            return Fails(nameof(Libc.sendmsg)) ? -1 : Libc.sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }

    private protected override unsafe nint ReceiveMessage(
        SafeHandle socket, ref IoVector vector, byte* control, ref int controlLength, out bool controlTruncated, out bool dataTruncated)
    {
        // SAFETY: the vector stands on the caller's stack, and what it points to is pinned there.
        fixed (IoVector* vectors = &vector)
        {
            var header = new LinuxMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = (nint)control, msg_controllen = (nuint)controlLength };
            // SAFETY: as above, for the header.
            var result = Fails(nameof(Libc.recvmsg)) ? -1 : Libc.recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            controlLength = (int)header.msg_controllen;
            controlTruncated = (header.msg_flags & MSG_CTRUNC) != 0;
            dataTruncated = (header.msg_flags & MSG_TRUNC) != 0;
            return result;
        }
    }

    private protected override void WriteHeader(Span<byte> control, in ControlHeader header) =>
        MemoryMarshal.Write(control, new LinuxControlHeader { cmsg_len = (nuint)header.Length, cmsg_level = header.Level, cmsg_type = header.Type });

    private protected override ControlHeader ReadHeader(ReadOnlySpan<byte> control)
    {
        var header = MemoryMarshal.Read<LinuxControlHeader>(control);
        return new((long)header.cmsg_len, header.cmsg_level, header.cmsg_type);
    }

    // A socket that somebody set to SO_PASSPIDFD delivers the sender's pidfd, too.
    private protected override bool HasDescriptors(in ControlHeader header) =>
        base.HasDescriptors(header) || (header.Level == SOL_SOCKET && header.Type == SCM_PIDFD);
}
