using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>What a message is sent from, or received into; each system has a header of its own for it.</summary>
internal struct MessageBuffers
{
    /// <summary>The bytes.</summary>
    internal IoVector Bytes;

    /// <summary>The address of the control messages.</summary>
    internal nint Control;

    /// <summary>How long the control messages are, or may be; after receiving, how long they are.</summary>
    internal int ControlLength;

    /// <summary>What <c>recvmsg</c> reports.</summary>
    internal int Flags;
}
