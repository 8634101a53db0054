namespace Posix.SharedMemory.Channels;

/// <summary>Where a slot is mapped. A frame refers to that of its slot in one step, so that address and length belong together whenever they are read.</summary>
internal sealed class SlotPlace(nint first, int length)
{
    /// <summary>Gets its address; valid as long as the mapped slots are referenced.</summary>
    internal nint First => first;

    internal int Length => length;
}
