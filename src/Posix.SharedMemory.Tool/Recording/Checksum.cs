using System.Buffers.Binary;
using System.Numerics;

namespace Posix.SharedMemory.Tool;

/// <summary>CRC-32C (Castagnoli), which processors compute: it tells bytes that were not all written from those that were.</summary>
internal static class Checksum
{
    internal static uint Of(ReadOnlySpan<byte> bytes) => Of(Begin(), bytes) ^ uint.MaxValue;

    /// <summary>Begins a checksum over several parts.</summary>
    internal static uint Begin() => uint.MaxValue;

    /// <summary>Adds a part. The whole is <c>Of(Of(Begin(), one), other) ^ uint.MaxValue</c>.</summary>
    internal static uint Of(uint sum, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var value in bytes)
        {
            sum = BitOperations.Crc32C(sum, value);
        }

        return sum;
    }
}
