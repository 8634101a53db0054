using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// Descriptors on their way to other processes: by message, and by inheritance.
internal abstract partial class PosixPlatform
{
    /// <summary>Gets how control messages lie in a buffer here.</summary>
    private protected abstract ControlLayout Control { get; }

    /// <summary>Gets the level of <see cref="SCM_RIGHTS"/>: <c>SOL_SOCKET</c>.</summary>
    private protected abstract int SocketLevel { get; }

    /// <summary>Gets the room for control messages that nobody asked for, beside the one with descriptors.</summary>
    private protected abstract int RoomForOthers { get; }

    internal override unsafe Errno SendMessage(SafeHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors, out int sent)
    {
        var payload = MemoryMarshal.AsBytes(descriptors);
        var room = payload.IsEmpty ? 0 : Control.SpaceOf(payload.Length);
        Span<byte> control = stackalloc byte[room];
        if (!payload.IsEmpty)
        {
            // The padding goes to the kernel, too.
            control.Clear();
            WriteHeader(control, new(Control.LengthOf(payload.Length), SocketLevel, SCM_RIGHTS));
            payload.CopyTo(control[Control.DataOffset..]);
        }

        nint result;
        do
        {
            // SAFETY: both spans are pinned for the length of the call and the kernel reads at most their lengths.
            fixed (byte* bytes = data, messages = control)
            {
                var vector = new IoVector { iov_base = (nint)bytes, iov_len = (nuint)data.Length };
                result = SendMessage(socket, ref vector, messages, room);
            }
        }
        while (IsInterrupted(result));
        sent = (int)Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override unsafe Errno ReceiveMessage(SafeHandle socket, Span<byte> buffer, Span<int> descriptors, out ReceivedMessage message)
    {
        Span<byte> control = stackalloc byte[Control.SpaceOf(descriptors.Length * sizeof(int)) + RoomForOthers];
        nint result;
        int used;
        bool controlTruncated, dataTruncated;
        do
        {
            used = control.Length;
            // SAFETY: both spans are pinned for the length of the call and the kernel writes at most their lengths.
            fixed (byte* bytes = buffer, messages = control)
            {
                var vector = new IoVector { iov_base = (nint)bytes, iov_len = (nuint)buffer.Length };
                result = ReceiveMessage(socket, ref vector, messages, ref used, out controlTruncated, out dataTruncated);
            }
        }
        while (IsInterrupted(result));
        if (result == -1)
        {
            message = default;
            return ErrorOf(result);
        }

        var count = TakeDescriptors(control[..used], descriptors, out var surplus);
        message = new((int)result, count, surplus || controlTruncated, dataTruncated);
        return default;
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
        var pinned = false;
        try
        {
            handle.DangerousAddRef(ref pinned);
            return ErrorOf(Fails(nameof(Libc.fcntl)) ? -1 : SetDescriptorFlags((int)handle.DangerousGetHandle(), wanted));
        }
        finally
        {
            if (pinned)
            {
                handle.DangerousRelease();
            }
        }
    }

    internal override unsafe Errno ReadFrom(SafeFileHandle source, Span<byte> destination, out int read)
    {
        nint result;
        do
        {
            // SAFETY: the span is pinned for the length of the call and the kernel writes at most its length.
            fixed (byte* buffer = destination)
            {
                result = Fails(nameof(Libc.read)) ? -1 : Libc.read(source, buffer, (nuint)destination.Length);
            }
        }
        while (IsInterrupted(result));
        read = (int)Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override Errno Poll(Span<PollDescriptor> descriptors, int milliseconds)
    {
        nint result;
        do
        {
            // SAFETY: the reference to the first of them stands for all, whose number goes with it.
            result = Fails(nameof(Libc.poll)) ? -1 : Libc.poll(ref MemoryMarshal.GetReference(descriptors), (nuint)descriptors.Length, milliseconds);
        }
        while (IsInterrupted(result));
        return ErrorOf(result);
    }

    private protected abstract unsafe nint SendMessage(SafeHandle socket, ref IoVector vector, byte* control, int controlLength);

    private protected abstract unsafe nint ReceiveMessage(
        SafeHandle socket, ref IoVector vector, byte* control, ref int controlLength, out bool controlTruncated, out bool dataTruncated);

    private protected abstract void WriteHeader(Span<byte> control, in ControlHeader header);

    private protected abstract ControlHeader ReadHeader(ReadOnlySpan<byte> control);

    /// <summary>Whether the data of a control message is descriptors that this process now has, asked for or not.</summary>
    private protected virtual bool HasDescriptors(in ControlHeader header) => IsRights(header);

    /// <summary>Makes a descriptor close-on-exec that the kernel could not deliver so.</summary>
    private protected virtual void Secure(int descriptor)
    {
        // MSG_CMSG_CLOEXEC has done it.
    }

    private protected virtual int SetDescriptorFlags(int descriptor, int flags) => Libc.fcntl_number(descriptor, F_SETFD, flags);

    private Errno GetDescriptorFlags(SafeHandle handle, out int flags)
    {
        flags = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(handle, F_GETFD, 0);
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
            var header = ReadHeader(control);
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
