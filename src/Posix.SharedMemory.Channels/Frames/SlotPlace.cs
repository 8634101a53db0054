namespace Posix.SharedMemory.Channels;

/// <summary>Where a slot is mapped. A frame refers to that of its slot in one step, so that address and length belong together whenever they are read.</summary>
internal sealed unsafe class SlotPlace(byte* first, int length)
{
    internal byte* First => first;

    internal int Length => length;
}
