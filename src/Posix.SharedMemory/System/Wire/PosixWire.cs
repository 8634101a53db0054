using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>The verbs for which Linux, macOS and FreeBSD have the same call, and messages but for the numbers and the layout of their header.</summary>
internal abstract class PosixWire(SystemCalls calls) : SystemWire
{
    /// <summary>Gets how control messages lie in a buffer here.</summary>
    private protected abstract ControlLayout Control { get; }

    /// <summary>Gets the level of <see cref="SCM_RIGHTS"/>: <c>SOL_SOCKET</c>.</summary>
    private protected abstract int SocketLevel { get; }

    /// <summary>Gets the room for control messages that nobody asked for, beside the one with descriptors.</summary>
    private protected abstract int RoomForOthers { get; }

    /// <summary>Gets the flags by which <c>recvmsg</c> reports that control messages, or data, were cut.</summary>
    private protected abstract (int Control, int Data) TruncatedFlags { get; }

    internal override Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written)
    {
        FileSizeLimit.Guard();
        var result = calls.OnBytes(nameof(Libc.write), source, destination, static (ref bytes, length, ref destination) => Libc.write(destination, ref bytes, length));
        written = (int)Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override Errno ReadFrom(SafeFileHandle source, Span<byte> destination, out int read)
    {
        var result = calls.OnBytes(nameof(Libc.read), destination, source, static (ref bytes, length, ref source) => Libc.read(source, ref bytes, length));
        read = (int)Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override Errno Wait(Span<Readiness> descriptors, int milliseconds)
    {
        const int OnStack = 64;
        Span<PollDescriptor> polled = descriptors.Length <= OnStack ? stackalloc PollDescriptor[descriptors.Length] : new PollDescriptor[descriptors.Length];
        for (var at = 0; at < polled.Length; at++)
        {
            polled[at] = new() { fd = descriptors[at].Descriptor, events = descriptors[at].ForWriting ? POLLOUT : POLLIN };
        }

        var result = calls.OnBytes(nameof(Libc.poll), MemoryMarshal.AsBytes(polled), (Count: polled.Length, milliseconds), static (ref first, _, ref a) =>
            Libc.poll(ref first, (nuint)a.Count, a.milliseconds));
        for (var at = 0; at < polled.Length; at++)
        {
            descriptors[at].IsReady = result > 0 && polled[at].revents != 0;
        }

        return ErrorOf(result);
    }

    internal override unsafe Errno SendMessage(SafeHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors, out int sent)
    {
        var payload = MemoryMarshal.AsBytes(descriptors);
        var room = payload.IsEmpty ? 0 : Control.SpaceOf(payload.Length);
        Span<byte> control = stackalloc byte[room];
        if (!payload.IsEmpty)
        {
            // The padding goes to the kernel, too.
            control.Clear();
            Control.Write(control, new(Control.LengthOf(payload.Length), SocketLevel, SCM_RIGHTS));
            payload.CopyTo(control[Control.DataOffset..]);
        }

        // SAFETY: both spans are pinned until the call is over and the kernel reads at most their lengths.
        fixed (byte* bytes = data, messages = control)
        {
            var buffers = new MessageBuffers { Bytes = new() { iov_base = (nint)bytes, iov_len = (nuint)data.Length }, Control = (nint)messages, ControlLength = room };
            var result = calls.Repeat(nameof(Libc.sendmsg), (Wire: this, socket, buffers), static (ref a) => a.Wire.Send(a.socket, ref a.buffers));
            sent = (int)Math.Max(result, 0);
            return ErrorOf(result);
        }
    }

    internal override unsafe Errno ReceiveMessage(SafeHandle socket, Span<byte> buffer, Span<int> descriptors, out ReceivedMessage message)
    {
        Span<byte> control = stackalloc byte[Control.SpaceOf(descriptors.Length * sizeof(int)) + RoomForOthers];
        // SAFETY: both spans are pinned until the call is over and the kernel writes at most their lengths.
        fixed (byte* bytes = buffer, messages = control)
        {
            var buffers = new MessageBuffers { Bytes = new() { iov_base = (nint)bytes, iov_len = (nuint)buffer.Length }, Control = (nint)messages };
            var arguments = (Wire: this, socket, buffers, Room: control.Length);
            var result = calls.Repeat(nameof(Libc.recvmsg), ref arguments, static (ref a) =>
            {
                a.buffers.ControlLength = a.Room;
                return a.Wire.Receive(a.socket, ref a.buffers);
            });
            if (result == -1)
            {
                message = default;
                return ErrorOf(result);
            }

            buffers = arguments.buffers;
            var (controlTruncated, dataTruncated) = TruncatedFlags;
            var count = TakeDescriptors(control[..buffers.ControlLength], descriptors, out var surplus);
            message = new((int)result, count, surplus || (buffers.Flags & controlTruncated) != 0, (buffers.Flags & dataTruncated) != 0);
            return default;
        }
    }

    // No test makes it fail: the descriptor is gone whatever close says, and one that were not would be a leak of the test's own.
    internal override void Close(int descriptor) => _ = Libc.close(descriptor);

    internal override Errno GetInheritable(SafeHandle handle, out bool inheritable)
    {
        var error = GetDescriptorFlags(handle, out var flags);
        inheritable = (flags & FD_CLOEXEC) == 0;
        return error;
    }

    internal override Errno SetInheritable(SafeHandle handle, bool inheritable)
    {
        var error = GetDescriptorFlags(handle, out var flags);
        if (!error.IsSuccess)
        {
            return error;
        }

        // The other flags, where a system has any, stay.
        var wanted = inheritable ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
        using var descriptor = new PinnedDescriptor(handle);
        return ErrorOf(calls.Fails("fcntl(F_SETFD)") ? -1 : SetDescriptorFlags(descriptor.Number, wanted));
    }

    /// <summary>Sends a message with this system's own header.</summary>
    private protected abstract nint Send(SafeHandle socket, ref MessageBuffers buffers);

    /// <summary>Receives a message with this system's own header.</summary>
    private protected abstract nint Receive(SafeHandle socket, ref MessageBuffers buffers);

    /// <summary>Returns whether the data of a control message is descriptors that this process now has, expected or not.</summary>
    private protected virtual bool HasDescriptors(in ControlHeader header) => IsRights(header);

    /// <summary>Makes a descriptor close-on-exec that the kernel could not deliver so.</summary>
    private protected virtual void Secure(int descriptor)
    {
        // MSG_CMSG_CLOEXEC has done it.
    }

    private protected virtual int SetDescriptorFlags(int descriptor, int flags) => Libc.fcntl_number(descriptor, F_SETFD, flags);

    private Errno GetDescriptorFlags(SafeHandle handle, out int flags)
    {
        flags = calls.Fails("fcntl(F_GETFD)") ? -1 : Libc.fcntl(handle, F_GETFD, 0);
        return ErrorOf(flags);
    }

    private bool IsRights(in ControlHeader header) => header.Level == SocketLevel && header.Type == SCM_RIGHTS;

    /// <summary>Takes the descriptors out of control messages, and closes those that there is no room for or that are something else.</summary>
    private int TakeDescriptors(ReadOnlySpan<byte> control, Span<int> descriptors, out bool surplus)
    {
        var taken = 0;
        surplus = false;
        for (var layout = Control; control.Length >= layout.DataOffset;)
        {
            var header = layout.Read(control);
            if (header.Length < layout.DataOffset || header.Length > control.Length)
            {
                break;
            }

            var length = (int)header.Length;
            if (HasDescriptors(header))
            {
                foreach (var descriptor in MemoryMarshal.Cast<byte, int>(control[layout.DataOffset..length]))
                {
                    if (IsRights(header) && taken < descriptors.Length)
                    {
                        Secure(descriptor);
                        descriptors[taken++] = descriptor;
                    }
                    else
                    {
                        surplus |= IsRights(header);
                        Close(descriptor);
                    }
                }
            }

            control = control[Math.Min(layout.Align(length), control.Length)..];
        }

        return taken;
    }
}
