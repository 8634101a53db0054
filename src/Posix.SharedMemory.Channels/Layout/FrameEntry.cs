namespace Posix.SharedMemory.Channels;

/// <summary>What the rings of a frame channel carry: which slot, in which of its lives. Bits 0 to 23 are the slot, 24 to 47 its generation modulo 2^24, and the others are 0.</summary>
internal readonly record struct FrameEntry(ulong Value)
{
    internal const uint GenerationMask = (1u << GenerationShift) - 1;
    private const int GenerationShift = 24, FlagsShift = 48;

    internal FrameEntry(int slot, uint generation)
        : this((uint)slot | ((ulong)(generation & GenerationMask) << GenerationShift))
    {
    }

    internal int Slot => (int)(Value & GenerationMask);

    internal uint Generation => (uint)(Value >> GenerationShift) & GenerationMask;

    internal bool HasFlags => Value >> FlagsShift != 0;
}
