namespace Posix.SharedMemory.Channels;

/// <summary>A checked record of a ring, in place.</summary>
internal readonly unsafe struct RingRecord(byte* payload, int length, ushort type, ulong at, ulong next)
{
    private readonly byte* _payload = payload;

    internal int Length { get; } = length;

    internal ushort Type { get; } = type;

    /// <summary>Gets where the record begins.</summary>
    internal ulong At { get; } = at;

    /// <summary>Gets where the next one begins.</summary>
    internal ulong Next { get; } = next;

    internal ReadOnlySpan<byte> Payload =>
        // SAFETY: the reader found the payload inside the data, which its channel holds.
        new(_payload, Length);

    /// <summary>Gets where the payload is, from the first byte of the data.</summary>
    internal int OffsetFrom(byte* data) => (int)(_payload - data);
}
