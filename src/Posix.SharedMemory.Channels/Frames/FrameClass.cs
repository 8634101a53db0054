namespace Posix.SharedMemory.Channels;

/// <summary>Slots of one size in a <see cref="FrameChannel"/>.</summary>
/// <param name="SlotLength">How many bytes a frame may have that gets such a slot.</param>
/// <param name="SlotCount">How many slots there are.</param>
public readonly record struct FrameClass(int SlotLength, int SlotCount)
{
    /// <summary>Makes a class of a length and a count.</summary>
    public static implicit operator FrameClass((int SlotLength, int SlotCount) slots) => new(slots.SlotLength, slots.SlotCount);

    /// <summary>Makes a class of a length and a count.</summary>
    public static FrameClass FromValueTuple((int SlotLength, int SlotCount) slots) => slots;
}
