using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>What <see cref="DescriptorPassing.ReceiveHandlesAsync"/> received. Disposing it closes the handles that were not taken.</summary>
/// <remarks>It is meant for one thread at a time.</remarks>
public sealed class HandleReceiveResult : IDisposable
{
    private readonly SafeFileHandle[] _handles;
    private Marks _taken;

    internal HandleReceiveResult(in ReceivedMessage message, SafeFileHandle[] handles)
    {
        _handles = handles;
        BytesReceived = message.Bytes;
        HandlesDropped = message.DescriptorsDropped;
        DataTruncated = message.DataTruncated;
    }

    /// <summary>Gets how many bytes were received. 0 on a stream: the peer has closed; on the others also: a message without bytes.</summary>
    public int BytesReceived { get; }

    /// <summary>Gets the handles that came with the bytes, in the order in which they were sent. They are close-on-exec.</summary>
    public IReadOnlyList<SafeFileHandle> Handles => _handles;

    /// <summary>Gets whether more handles came than were asked for, or than this process may have (<c>RLIMIT_NOFILE</c>). Those are closed.</summary>
    public bool HandlesDropped { get; }

    /// <summary>Gets whether the message, of a datagram or seqpacket socket, was longer than the buffer. What did not fit is lost.</summary>
    public bool DataTruncated { get; }

    /// <summary>Takes one of <see cref="Handles"/> as memory. Where that is refused, the handle stays in this result, which closes it.</summary>
    /// <param name="index">Which of them, from 0.</param>
    /// <returns>The object; disposing it closes the handle.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer came.</exception>
    /// <exception cref="ArgumentException">Not a memory object: a pipe, a socket, a file on disk; or open for writing only.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public SharedMemoryObject TakeObject(int index)
    {
        CheckIndex(index);
        var memory = SharedMemoryObject.FromHandle(_handles[index]);
        _ = TakeHandle(index);
        return memory;
    }

    /// <summary>Takes one of <see cref="Handles"/> as a socket. Where that is refused, the handle stays in this result, which closes it.</summary>
    /// <param name="index">Which of them, from 0.</param>
    /// <returns>The socket; disposing it closes the handle.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer came.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="ArgumentException">Not a socket.</exception>
    public Socket TakeSocket(int index)
    {
        CheckIndex(index);
        var handle = _handles[index];
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        // A socket that does not own the descriptor, so that a refusal leaves it open. The base library takes any descriptor for one.
        using (var probe = new Socket(new SafeSocketHandle(handle.DangerousGetHandle(), ownsHandle: false)))
        {
            if (probe.AddressFamily is AddressFamily.Unknown or AddressFamily.Unspecified)
            {
                throw new ArgumentException("Not a descriptor of a socket.", nameof(index));
            }
        }

        var socket = new Socket(new SafeSocketHandle(handle.DangerousGetHandle(), ownsHandle: true));
        _ = TakeHandle(index);
        handle.SetHandleAsInvalid();
        return socket;
    }

    /// <summary>Takes one of <see cref="Handles"/>: disposing this result leaves it open, and closing it is the caller's.</summary>
    /// <param name="index">Which of them, from 0.</param>
    /// <returns>The handle.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer came.</exception>
    public SafeFileHandle TakeHandle(int index)
    {
        CheckIndex(index);
        _taken[index / 64] |= 1UL << (index % 64);
        return _handles[index];
    }

    /// <summary>Closes the handles that were not taken.</summary>
    public void Dispose()
    {
        for (var index = 0; index < _handles.Length; index++)
        {
            if ((_taken[index / 64] & (1UL << (index % 64))) == 0)
            {
                _handles[index].Dispose();
            }
        }
    }

    private void CheckIndex(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _handles.Length);
    }

    /// <summary>A bit for each handle that one message can carry.</summary>
    [InlineArray((DescriptorPassing.MaxHandles + 63) / 64)]
    private struct Marks
    {
        private ulong _first;
    }
}
