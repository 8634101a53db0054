using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.FreeBsd;

namespace Posix.SharedMemory;

// Descriptors on their way to other processes.
internal sealed partial class FreeBsdPlatform
{
    private protected override ControlLayout Control => ControlLayout.FreeBsd;

    private protected override int SendFlags => MSG_NOSIGNAL;

    private protected override int ReceiveFlags => MSG_CMSG_CLOEXEC;

    internal override void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer) => OpenPipe(O_CLOEXEC, out reader, out writer);

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
}
