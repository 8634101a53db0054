namespace Posix.SharedMemory.Channels;

/// <summary>A checked record of a ring: where it begins, and its header as it was when it was checked. The reader knows where its payload and its successor are.</summary>
internal readonly struct RingRecord(ulong at, ulong header)
{
    /// <summary>Gets where the record begins.</summary>
    internal ulong At { get; } = at;

    internal ulong Header { get; } = header;

    internal int Length => LengthOf(Header);

    internal ushort Type => TypeOf(Header);

    internal static int LengthOf(ulong header) => (int)(uint)header;

    internal static ushort TypeOf(ulong header) => (ushort)(header >> ChannelLayout.TypeShift);
}
