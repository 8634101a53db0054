using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.MacOS;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>
/// macOS: the kernel delivers no descriptor close-on-exec. A program that another thread starts between the two calls inherits them.
/// </summary>
internal sealed class MacOSWire(SystemCalls calls, MacOSFiles files) : BsdWire(calls)
{
    private readonly SystemCalls _calls = calls;

    private protected override ControlLayout Control => ControlLayout.MacOS;

    // The runtime ignores SIGPIPE.
    private protected override int SendFlags => 0;

    private protected override int ReceiveFlags => 0;

    /// <remarks>
    /// The kernel ignores <c>MSG_DONTWAIT</c> where the socket is full (XNU's <c>sosend</c>, 6153 to 11417): only <c>O_NONBLOCK</c> keeps the thread from waiting, so it is set before the
    /// first send, as the base library sets it when it first waits.
    /// </remarks>
    internal override Errno SendMessage(SafeHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors, out int sent)
    {
        var error = SetNonBlocking(socket);
        if (!error.IsSuccess)
        {
            sent = 0;
            return error;
        }

        return base.SendMessage(socket, data, descriptors, out sent);
    }

    /// <remarks>sendfile(2) takes only files here: the caller copies through a buffer.</remarks>
    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent)
    {
        sent = 0;
        return Errno.EINVAL;
    }

    internal override unsafe void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer)
    {
        var ends = stackalloc int[2];
        // SAFETY: the kernel fills the two integers.
        SystemCalls.Check(_calls.Fails(nameof(Libc.pipe)) ? -1 : Libc.pipe(ends), nameof(Libc.pipe));
        Secure(ends[0]);
        Secure(ends[1]);
        reader = new(ends[0], ownsHandle: true);
        writer = new(ends[1], ownsHandle: true);
    }

    internal override Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials)
    {
        Span<byte> record = stackalloc byte[MacOSCredentials.Size];
        Span<byte> process = stackalloc byte[sizeof(int)];
        var error = GetLocalOption(socket, LOCAL_PEERCRED, record);
        error = error.IsSuccess ? GetLocalOption(socket, LOCAL_PEERPID, process) : error;
        credentials = error.IsSuccess
            ? new(
                MemoryMarshal.Read<int>(process),
                MemoryMarshal.Read<uint>(record[MacOSCredentials.cr_uid..]),
                MemoryMarshal.Read<uint>(record[MacOSCredentials.cr_groups..]))
            : default;
        return error;
    }

    // It fails only for what is not a descriptor.
    private protected override void Secure(int descriptor) => _ = SetDescriptorFlags(descriptor, FD_CLOEXEC);

    private protected override int SetDescriptorFlags(int descriptor, int flags) =>
        MacOSFiles.IsArm64 ? Libc.fcntl_apple_arm64(descriptor, F_SETFD, 0, 0, 0, 0, 0, 0, flags) : base.SetDescriptorFlags(descriptor, flags);

    private Errno SetNonBlocking(SafeHandle socket)
    {
        var flags = _calls.Fails("fcntl(F_GETFL)") ? -1 : Libc.fcntl(socket, F_GETFL, 0);
        if (flags == -1 || (flags & O_NONBLOCK) != 0)
        {
            return SystemCalls.ErrorOf(flags);
        }

        using var descriptor = new PinnedDescriptor(socket);
        return SystemCalls.ErrorOf(_calls.Fails("fcntl(F_SETFL)") ? -1
            : MacOSFiles.IsArm64 ? Libc.fcntl_apple_arm64(descriptor.Number, F_SETFL, 0, 0, 0, 0, 0, 0, flags | O_NONBLOCK)
            : Libc.fcntl_number(descriptor.Number, F_SETFL, flags | O_NONBLOCK));
    }

    private protected override bool IsRegularFile(SafeFileHandle handle, out long length)
    {
        var stat = files.Stat(new(handle, default));
        length = stat.st_size;
        return (stat.st_mode & S_IFMT) == S_IFREG;
    }
}
