using System.Buffers.Binary;

namespace Posix.SharedMemory.Channels;

/// <summary>How the record of a call, a cancellation or an answer begins. The page is docs/spec/channels/calls.md.</summary>
/// <param name="Number">Of the call, from 1, in the order in which the calls of a direction are in the ring.</param>
/// <param name="Place">Which of the 256 places the call has until it is answered.</param>
/// <param name="Word">Of a call: its type. Of an answer: the outcome.</param>
/// <param name="Value">Of a call: how many milliseconds its caller waits, 0: without an end. Of an answer: the error.</param>
internal readonly record struct CallHeader(ulong Number, ushort Place, ushort Word = 0, uint Value = 0)
{
    /// <summary>Reads a header once: what a peer stores later changes nothing.</summary>
    internal static CallHeader Read(ReadOnlySpan<byte> record) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(record), BinaryPrimitives.ReadUInt16LittleEndian(record[8..]), BinaryPrimitives.ReadUInt16LittleEndian(record[10..]), BinaryPrimitives.ReadUInt32LittleEndian(record[12..]));

    internal void Write(Span<byte> record)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(record, Number);
        BinaryPrimitives.WriteUInt16LittleEndian(record[8..], Place);
        BinaryPrimitives.WriteUInt16LittleEndian(record[10..], Word);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], Value);
    }
}
