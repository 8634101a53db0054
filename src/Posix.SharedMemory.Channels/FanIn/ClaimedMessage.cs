namespace Posix.SharedMemory.Channels;

/// <summary>A checked message of a fan-in, in place: its position, its header as it was loaded once, and its type.</summary>
internal readonly record struct ClaimedMessage(ulong Position, ulong Header, ushort Type)
{
    internal int Length => (int)new ClaimRecord(Header).Length;
}
