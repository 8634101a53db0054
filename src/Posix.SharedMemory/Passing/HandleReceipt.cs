namespace Posix.SharedMemory;

/// <summary>What <see cref="DescriptorPassing.ReceiveHandlesAsync(System.Net.Sockets.Socket, Memory{byte}, Memory{Microsoft.Win32.SafeHandles.SafeFileHandle}, CancellationToken)"/> received.</summary>
/// <param name="BytesReceived">How many bytes. 0 from a stream means that the peer has closed; from another socket it may also be a message without bytes.</param>
/// <param name="HandlesReceived">How many handles: they are in the first places, in the order in which they were sent.</param>
/// <param name="HandlesDropped">Whether more handles arrived than there were places for, or than this process may have (<c>RLIMIT_NOFILE</c>, a security module). The extra ones are closed.</param>
/// <param name="DataTruncated">Whether the message, of a datagram or seqpacket socket, was longer than the buffer. What did not fit is lost.</param>
public readonly record struct HandleReceipt(int BytesReceived, int HandlesReceived, bool HandlesDropped, bool DataTruncated);
