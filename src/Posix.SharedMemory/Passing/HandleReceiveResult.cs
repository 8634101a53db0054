using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>What <see cref="DescriptorPassing.ReceiveHandlesAsync(System.Net.Sockets.Socket, Memory{byte}, int, CancellationToken)"/> received. Disposing it closes the handles that were not taken.</summary>
/// <remarks>Use it from one thread at a time.</remarks>
public sealed class HandleReceiveResult : IDisposable
{
    /// <summary>How many handles one word can mark as taken.</summary>
    private const int MarksInOne = 64;

    private readonly ulong[]? _takenOfMany;
    private SafeFileHandle?[]? _handles;
    private SafeFileHandle? _single;
    private ulong _taken;

    /// <summary>Makes places for the handles of a message. One handle needs no array.</summary>
    internal HandleReceiveResult(in ReceivedMessage message)
    {
        Count = message.Descriptors;
        _handles = Count == 1 ? null : Count == 0 ? [] : new SafeFileHandle[Count];
        _takenOfMany = Count > MarksInOne ? new ulong[(DescriptorPassing.MaxHandles / MarksInOne) + 1] : null;
        BytesReceived = message.Bytes;
        HandlesDropped = message.DescriptorsDropped;
        DataTruncated = message.DataTruncated;
    }

    /// <summary>Gets how many bytes were received. 0 from a stream means that the peer has closed; from another socket it may also be a message without bytes.</summary>
    public int BytesReceived { get; }

    /// <summary>Gets the received handles, in the order in which they were sent. They are close-on-exec.</summary>
    public IReadOnlyList<SafeFileHandle> Handles => (_handles ??= [_single])!;

    /// <summary>Gets whether more handles arrived than requested, or than this process may have: <c>RLIMIT_NOFILE</c> is reached, or a security module (SELinux, AppArmor) withheld one, and those after it. The extra ones are closed.</summary>
    public bool HandlesDropped { get; }

    /// <summary>Gets whether the message, of a datagram or seqpacket socket, was longer than the buffer. What did not fit is lost.</summary>
    public bool DataTruncated { get; }

    /// <summary>Takes one of <see cref="Handles"/> as memory. If that fails, the handle stays in this result, which closes it.</summary>
    /// <param name="index">The index, from 0.</param>
    /// <returns>The object; disposing it closes the handle.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer handles.</exception>
    /// <exception cref="ArgumentException">Not a memory object: a pipe, a socket, a file on disk; or open for writing only.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public SharedMemoryObject TakeObject(int index)
    {
        CheckIndex(index);
        var memory = SharedMemoryObject.FromHandle(this[index]);
        _ = TakeHandle(index);
        return memory;
    }

    /// <summary>Takes one of <see cref="Handles"/> as a socket. If that fails, the handle stays in this result, which closes it.</summary>
    /// <param name="index">The index, from 0.</param>
    /// <returns>The socket; disposing it closes the handle.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer handles.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="ArgumentException">Not a socket.</exception>
    public Socket TakeSocket(int index)
    {
        CheckIndex(index);
        var handle = this[index];
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

    /// <summary>Takes one of <see cref="Handles"/>. Disposing this result does not close it; the caller must.</summary>
    /// <param name="index">The index, from 0.</param>
    /// <returns>The handle.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer handles.</exception>
    public SafeFileHandle TakeHandle(int index)
    {
        CheckIndex(index);
        Taken(index) |= 1UL << (index % MarksInOne);
        return this[index];
    }

    /// <summary>Closes the handles that were not taken.</summary>
    public void Dispose()
    {
        for (var index = 0; index < Count; index++)
        {
            if ((Taken(index) & (1UL << (index % MarksInOne))) == 0)
            {
                // The caller may have the same object open and locked.
                Platform.Current.Membership.CloseUnseen(this[index]);
            }
        }
    }

    /// <summary>Gets how many handles there are; <see cref="Handles"/> may allocate.</summary>
    internal int Count { get; }

    /// <summary>Gets a handle. Every place has been filled before anybody has the result.</summary>
    internal SafeFileHandle this[int index] => (_handles is null ? _single : _handles[index])!;

    /// <summary>Gets the places to fill.</summary>
    internal Span<SafeFileHandle?> Places => _handles is null ? new Span<SafeFileHandle?>(ref _single) : _handles;

    private ref ulong Taken(int index)
    {
        if (_takenOfMany is null)
        {
            return ref _taken;
        }

        return ref _takenOfMany[index / MarksInOne];
    }

    private void CheckIndex(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
    }
}
