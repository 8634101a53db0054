using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: <c>sendfile</c>, <c>copy_file_range</c> and <c>splice</c>, and its own message header.</summary>
internal class LinuxWire(SystemCalls calls, SystemSeals seals, LinuxFiles files) : PosixWire(calls)
{
    /// <summary>What an unconnected socket has in place of a user: (uid_t)−1.</summary>
    private const uint Nobody = uint.MaxValue;

    /// <summary>One call moves at most 2 GiB less a page.</summary>
    private const long Most = 0x7FFFF000;

    private readonly SystemCalls _calls = calls;

    private protected override ControlLayout Control => ControlLayout.Linux;

    private protected override int SocketLevel => SOL_SOCKET;

    // Credentials, a security label, a process's descriptor, times: where the socket is set to have them, they precede the descriptors.
    private protected override int RoomForOthers => 512;

    private protected override (int Control, int Data) TruncatedFlags => (MSG_CTRUNC, MSG_TRUNC);

    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent)
    {
        // The destination may be a file, to which the limit applies.
        FileSizeLimit.Guard();
        var result = _calls.Repeat("sendfile", (destination, target.Handle, range.Offset, Count: (nuint)Math.Min(range.Length, Most)), static (ref a) =>
            Libc.sendfile_linux(a.destination, a.Handle, ref a.Offset, a.Count));
        sent = Math.Max(result, 0);
        // What a filter forbids goes another way. A destination that is sealed refuses that too.
        return ErrorOf(result) is var error && error == Errno.EPERM ? Errno.ENOSYS : error;
    }

    internal override Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received)
    {
        received = 0;
        FileSizeLimit.Guard();
        var arguments = (source, target.Handle, range.Offset, Count: (nuint)range.Length);
        var result = _calls.Repeat(nameof(Libc.copy_file_range), ref arguments, static (ref a) => CopyFileRange(a.source, a.Handle, ref a.Offset, a.Count));
        var error = ErrorOf(result);
        if (error == Errno.EINVAL)
        {
            // Not a file: a pipe has a call of its own.
            error = EmptyPipe(target, source, range, out var spliced);
            result = (nint)spliced;
        }

        received = Math.Max(result, 0);
        if (error == Errno.EFBIG)
        {
            throw FileSizeLimit.Exceeded(nameof(Libc.copy_file_range), target, range.End);
        }

        // What no seal forbids, a filter does: it goes another way.
        return error != Errno.EPERM ? error
            : seals.FindRefusal(error, target, SystemSeals.AgainstWriting) == MemorySeals.None ? Errno.ENOSYS
            : throw seals.Refused(error, nameof(Libc.copy_file_range), target, SystemSeals.AgainstWriting);
    }

    internal override Errno FillPipe(SafeFileHandle source, SafeFileHandle pipe, long count, out long filled)
    {
        var result = _calls.Repeat(nameof(Libc.splice), (source, pipe, Count: (nuint)Math.Min(count, Most)), static (ref a) =>
            // SAFETY: a pipe has no offsets; the null reference becomes the null pointer that says so, and is not read.
            Splice(a.source, a.pipe, ref Unsafe.NullRef<long>(), a.Count));
        filled = Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override Errno EmptyPipe(in OpenObject target, SafeFileHandle pipe, ByteRange range, out long moved)
    {
        FileSizeLimit.Guard();
        var result = _calls.Repeat(nameof(Libc.splice), (pipe, target.Handle, range.Offset, Count: (nuint)Math.Min(range.Length, Most)), static (ref a) => Splice(a.pipe, a.Handle, ref a.Offset, a.Count));
        moved = Math.Max(result, 0);
        return ErrorOf(result);
    }

    // What was sent and not asked for may be an object that the caller has open and locked.
    internal override void Close(int descriptor) => files.CloseUnseen(new(descriptor, ownsHandle: true));

    internal override void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer) => Pipes.Open(_calls, O_CLOEXEC, out reader, out writer);

    internal override unsafe Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials)
    {
        LinuxCredentials found = default;
        var length = (uint)sizeof(LinuxCredentials);
        // SAFETY: the kernel writes at most the length, which is the struct's.
        nint result = _calls.Fails(nameof(Libc.getsockopt)) ? -1 : Libc.getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, ref length);
        credentials = new(found.pid, found.uid, found.gid);
        return result != -1 && found.uid == Nobody ? Errno.ENOTCONN : ErrorOf(result);
    }

    private protected override unsafe nint Send(SafeHandle socket, ref MessageBuffers buffers)
    {
        // SAFETY: the buffers are on the caller's stack, and what they point to is pinned there.
        fixed (IoVector* vectors = &buffers.Bytes)
        {
            var header = new LinuxMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = buffers.Control, msg_controllen = (nuint)buffers.ControlLength };
            // SAFETY: as above, for the header.
            return Libc.sendmsg_linux(SYS_sendmsg, socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }

    private protected override unsafe nint Receive(SafeHandle socket, ref MessageBuffers buffers)
    {
        // SAFETY: the buffers are on the caller's stack, and what they point to is pinned there.
        fixed (IoVector* vectors = &buffers.Bytes)
        {
            var header = new LinuxMessageHeader { msg_iov = (nint)vectors, msg_iovlen = 1, msg_control = buffers.Control, msg_controllen = (nuint)buffers.ControlLength };
            // SAFETY: as above, for the header.
            var result = Libc.recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            buffers.ControlLength = (int)header.msg_controllen;
            buffers.Flags = header.msg_flags;
            return result;
        }
    }

    // A socket that somebody set to SO_PASSPIDFD delivers the sender's pidfd, too.
    private protected override bool HasDescriptors(in ControlHeader header) =>
        base.HasDescriptors(header) || (header.Level == SOL_SOCKET && header.Type == SCM_PIDFD);

    // SAFETY: without an address for its offset, the source is read at its own position.
    private static unsafe nint CopyFileRange(SafeFileHandle source, SafeFileHandle target, ref long offset, nuint count)
    {
        // SAFETY: as above.
        return Libc.copy_file_range(SYS_copy_file_range, source, null, target, ref offset, count, 0);
    }

    private static unsafe nint Splice(SafeFileHandle source, SafeFileHandle target, ref long offset, nuint count)
    {
        // SAFETY: as above.
        return Libc.splice(source, null, target, ref offset, count, 0);
    }
}
