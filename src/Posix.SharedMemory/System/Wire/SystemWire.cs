using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Wire: bytes and descriptors on their way to other descriptors and other processes, without waiting unless it is asked for.</summary>
internal class SystemWire
{
    /// <summary>Copies to another descriptor inside the kernel, as far as it goes without waiting.</summary>
    /// <returns>Success with the number copied; <see cref="Errno.EAGAIN"/>: the destination is full; <see cref="Errno.EINVAL"/> and others: not by this way.</returns>
    internal virtual Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent) => throw Platform.NotSupported();

    /// <summary>Copies from another descriptor's current position inside the kernel, at most as many bytes as the range has, which the caller has checked to lie inside the object.</summary>
    /// <returns>Success with the number copied, where 0 does not say whether there is more; <see cref="Errno.EINVAL"/> and others: not by this way.</returns>
    internal virtual Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received) => throw Platform.NotSupported();

    /// <summary>Moves bytes from a file's current position into an empty pipe, at most as many as it holds.</summary>
    internal virtual Errno FillPipe(SafeFileHandle source, SafeFileHandle pipe, long count, out long filled) => throw Platform.NotSupported();

    /// <summary>Moves bytes from a pipe into an object, at most as many as the range has, which the caller has checked to lie inside the object.</summary>
    internal virtual Errno EmptyPipe(in OpenObject target, SafeFileHandle pipe, ByteRange range, out long moved) => throw Platform.NotSupported();

    /// <summary>Writes to another descriptor, as far as it goes without waiting: <c>write</c>.</summary>
    internal virtual Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written) => throw Platform.NotSupported();

    /// <summary>Reads what is there from a descriptor: <c>read</c>.</summary>
    internal virtual Errno ReadFrom(SafeFileHandle source, Span<byte> destination, out int read) => throw Platform.NotSupported();

    /// <summary>Waits until something happens to one of several descriptors: <c>poll</c>.</summary>
    /// <param name="descriptors">What to wait for; afterwards, which of them are ready.</param>
    /// <param name="milliseconds">How long at most; −1 for as long as it takes.</param>
    internal virtual Errno Wait(Span<Readiness> descriptors, int milliseconds) => throw Platform.NotSupported();

    /// <summary>Makes a pipe, both ends close-on-exec.</summary>
    internal virtual void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer) => throw Platform.NotSupported();

    /// <summary>Sends bytes, and descriptors with the first of them, as far as it goes without waiting: <c>sendmsg</c>.</summary>
    /// <returns>Success with the number of bytes sent; <see cref="Errno.EAGAIN"/>: there is no room now.</returns>
    internal virtual Errno SendMessage(SafeHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors, out int sent) => throw Platform.NotSupported();

    /// <summary>Receives bytes, and the descriptors that came with them, without waiting: <c>recvmsg</c>. The descriptors are close-on-exec.</summary>
    /// <returns>Success; <see cref="Errno.EAGAIN"/>: nothing has arrived.</returns>
    internal virtual Errno ReceiveMessage(SafeHandle socket, Span<byte> buffer, Span<int> descriptors, out ReceivedMessage message) => throw Platform.NotSupported();

    /// <summary>Closes a descriptor that has no handle yet.</summary>
    internal virtual void Close(int descriptor) => throw Platform.NotSupported();

    /// <summary>Returns which process is at the other end. <see cref="Errno.ENOTCONN"/>: the kernel has recorded none.</summary>
    internal virtual Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials) => throw Platform.NotSupported();

    /// <summary>Returns whether programs that this process starts inherit a descriptor: <c>fcntl(F_GETFD)</c>.</summary>
    internal virtual Errno GetInheritable(SafeHandle handle, out bool inheritable) => throw Platform.NotSupported();

    /// <summary>Sets whether programs that this process starts inherit a descriptor: <c>fcntl(F_SETFD)</c>.</summary>
    internal virtual Errno SetInheritable(SafeHandle handle, bool inheritable) => throw Platform.NotSupported();

    /// <summary>Waits until a descriptor takes bytes.</summary>
    internal void WaitUntilWritable(SafeHandle destination)
    {
        using var descriptor = new PinnedDescriptor(destination);
        Span<Readiness> one = [new(descriptor.Number, ForWriting: true)];
        SystemCalls.Check(Wait(one, milliseconds: -1), "poll");
    }
}
