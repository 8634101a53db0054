namespace Posix.SharedMemory;

/// <summary>What one <c>recvmsg</c> brought, beside the bytes and descriptors themselves.</summary>
/// <param name="Bytes">How many bytes.</param>
/// <param name="Descriptors">How many descriptors.</param>
/// <param name="DescriptorsDropped">Whether there were more, which are closed.</param>
/// <param name="DataTruncated">Whether the message had more bytes than there was room for.</param>
internal readonly record struct ReceivedMessage(int Bytes, int Descriptors, bool DescriptorsDropped, bool DataTruncated);
