using System.Buffers;

namespace Posix.SharedMemory.Channels;

/// <summary>The data of a ring as memory: one object for each end, so that a message as memory allocates nothing.</summary>
internal sealed unsafe class ChannelBytes(ChannelMemory channel) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() =>
        // SAFETY: the data lies in the bytes that the channel, which this object references, holds.
        new(channel.First + channel.Header.DataOffset, (int)channel.Header.Capacity);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, (int)channel.Header.Capacity);
        // Mapped memory does not move; the handle references this object, and so the channel.
        return new(channel.First + channel.Header.DataOffset + elementIndex, pinnable: this);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
