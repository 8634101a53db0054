using System.Buffers;

namespace Posix.SharedMemory.Channels;

/// <summary>The data of a ring as memory: one object for each end, so that a message as memory allocates nothing.</summary>
internal sealed unsafe class ChannelBytes(Endpoint endpoint) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() =>
        // SAFETY: the data lies in the bytes that the channel, which this object references, holds.
        new(endpoint.Data, (int)endpoint.Channel.Header.Capacity);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, (int)endpoint.Channel.Header.Capacity);
        // Mapped memory does not move; the handle references this object, and so the channel.
        return new(endpoint.Data + elementIndex, pinnable: this);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
