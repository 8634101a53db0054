using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.FreeBsd;

namespace Posix.SharedMemory;

/// <summary>FreeBSD: <c>sendfile</c> to sockets only, and credentials with a process number.</summary>
internal sealed class FreeBsdWire(SystemCalls calls) : BsdWire(calls)
{
    private readonly SystemCalls _calls = calls;

    private protected override ControlLayout Control => ControlLayout.FreeBsd;

    private protected override int SendFlags => MSG_NOSIGNAL;

    private protected override int ReceiveFlags => MSG_CMSG_CLOEXEC;

    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent)
    {
        sent = 0;
        if (range.Length == 0)
        {
            // To sendfile no bytes means all up to the end.
            return default;
        }

        nint result;
        do
        {
            result = _calls.Fails("sendfile") ? -1 : SendFile(target.Handle, destination, range, out sent);
        }
        while (SystemCalls.IsInterrupted(result) && sent == 0);

        // A call that fails half-way reports what it sent; the next one meets the failure again.
        var error = sent > 0 ? default : SystemCalls.ErrorOf(result);
        return error == Errno.ENOTSOCK ? Errno.EINVAL : error;
    }

    internal override void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer) => Pipes.Open(_calls, O_CLOEXEC, out reader, out writer);

    internal override Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials)
    {
        Span<byte> record = stackalloc byte[FreeBsdCredentials.Size];
        var error = GetLocalOption(socket, LOCAL_PEERCRED, record);
        credentials = new(
            MemoryMarshal.Read<int>(record[FreeBsdCredentials.cr_pid..]),
            MemoryMarshal.Read<uint>(record[FreeBsdCredentials.cr_uid..]),
            MemoryMarshal.Read<uint>(record[FreeBsdCredentials.cr_groups..]));
        return error;
    }

    private static unsafe nint SendFile(SafeFileHandle source, SafeHandle destination, ByteRange range, out long sent)
    {
        // SAFETY: no header or trailer is passed.
        return Libc.sendfile_freebsd(source, destination, range.Offset, checked((nuint)range.Length), null, out sent, 0);
    }
}
