using System.Buffers;
using System.Buffers.Binary;

namespace Posix.SharedMemory.Bridge;

/// <summary>One message in a batch: u32 length, u16 type, u16 zero, little-endian, then its bytes.</summary>
internal static class BatchRecord
{
    internal const int HeaderSize = 8;

    internal static void Write(Span<byte> destination, int length, ushort type)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, length);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], 0);
    }

    /// <summary>How many messages a batch has; 0: it is not valid.</summary>
    internal static int Count(ReadOnlySequence<byte> batch, (int Least, int Most) lengths)
    {
        var count = 0;
        while (!batch.IsEmpty)
        {
            if (!TryTake(ref batch, lengths, out _, out _))
            {
                return 0;
            }

            count++;
        }

        return count;
    }

    /// <summary>Takes the next message off a batch.</summary>
    /// <param name="batch">What is left of the batch.</param>
    /// <param name="lengths">The shortest and the longest message that is accepted.</param>
    /// <param name="payload">The message's bytes.</param>
    /// <param name="type">Its type.</param>
    /// <returns>False: what is left does not begin with a message that is accepted.</returns>
    internal static bool TryTake(ref ReadOnlySequence<byte> batch, (int Least, int Most) lengths, out ReadOnlySequence<byte> payload, out ushort type)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        payload = default;
        type = 0;
        if (batch.Length < HeaderSize)
        {
            return false;
        }

        batch.Slice(0, HeaderSize).CopyTo(header);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        type = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
        if (length < (uint)lengths.Least || length > (uint)lengths.Most || length > batch.Length - HeaderSize || type >= FrameLimits.FirstReservedType || BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) != 0)
        {
            return false;
        }

        payload = batch.Slice(HeaderSize, length);
        batch = batch.Slice(HeaderSize + length);
        return true;
    }
}
