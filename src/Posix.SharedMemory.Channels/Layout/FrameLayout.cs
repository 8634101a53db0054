using System.Buffers.Binary;
using System.Numerics;

namespace Posix.SharedMemory.Channels;

/// <summary>Where the parts of a frame channel are: a block with two rings for each subscriber, the headers of the slots, and the slots, class by class. The page is docs/spec/channels/frames.md.</summary>
internal sealed class FrameLayout
{
    private readonly SlotClass[] _classes;
    private readonly int[] _firstOfClass;
    private readonly long[] _offsetOfClass;

    internal FrameLayout(long blocksOffset, int readers, int depth, int slotAlign, SlotClass[] classes)
    {
        _classes = classes;
        _firstOfClass = new int[classes.Length];
        _offsetOfClass = new long[classes.Length];
        (BlocksOffset, Depth, SlotAlign) = (blocksOffset, depth, slotAlign);
        long bytes = 0;
        for (var index = 0; index < classes.Length; index++)
        {
            (_firstOfClass[index], _offsetOfClass[index]) = (Slots, bytes);
            Slots += classes[index].Count;
            bytes = checked(bytes + (classes[index].Count * classes[index].Length));
        }

        SlotBytes = bytes;
        SentRing = (int)BitOperations.RoundUpToPowerOf2((uint)depth);
        ReturnRing = (int)BitOperations.RoundUpToPowerOf2((uint)Slots);
        BlockSize = ChannelLayout.RoundUp(ChannelLayout.RingsInBlock + (sizeof(ulong) * ((long)SentRing + ReturnRing)), ChannelLayout.BlockAlign);
        HeadersOffset = blocksOffset + (readers * BlockSize);
        SlotsOffset = ChannelLayout.RoundUp(HeadersOffset + ((long)Slots * ChannelLayout.SlotHeaderSize), slotAlign);
    }

    /// <summary>Gets the sizes of the slots, smallest first.</summary>
    internal ReadOnlySpan<SlotClass> Classes => _classes;

    /// <summary>Gets how many slots there are, of all classes.</summary>
    internal int Slots { get; }

    /// <summary>Gets how many frames wait for a subscriber at most.</summary>
    internal int Depth { get; }

    internal int SlotAlign { get; }

    /// <summary>Gets how many entries the ring of frames that were sent has; a power of two.</summary>
    internal int SentRing { get; }

    /// <summary>Gets how many entries the ring of frames that were returned has; a power of two, and enough for all slots.</summary>
    internal int ReturnRing { get; }

    internal long BlocksOffset { get; }

    internal long BlockSize { get; }

    internal long HeadersOffset { get; }

    internal long SlotsOffset { get; }

    /// <summary>Gets how many bytes the slots have together.</summary>
    internal long SlotBytes { get; }

    internal long Total => SlotsOffset + SlotBytes;

    /// <summary>Reads and checks what the header says of the slots.</summary>
    /// <param name="bytes">The header.</param>
    /// <param name="data">Where the data begins.</param>
    /// <param name="readers">How many subscribers there can be.</param>
    /// <param name="count">How many slots it says there are.</param>
    /// <param name="most">How long it says the longest frame is.</param>
    /// <param name="wrong">What contradicts what; <see langword="null"/>: nothing.</param>
    internal static FrameLayout? Parse(ReadOnlySpan<byte> bytes, long data, int readers, uint count, uint most, out string? wrong)
    {
        uint depth = U32(bytes, ChannelLayout.DepthAt), align = U32(bytes, ChannelLayout.SlotAlignAt);
        if (depth is < 1 or > ChannelLayout.MostDepth)
        {
            wrong = $"{depth} frames can wait in it, not 1 to {ChannelLayout.MostDepth}";
            return null;
        }

        if (align is < ChannelLayout.LeastSlotAlign or > ChannelLayout.MostSlotAlign || !BitOperations.IsPow2(align))
        {
            wrong = $"its slots are aligned to {align}, not to a power of two from {ChannelLayout.LeastSlotAlign} to {ChannelLayout.MostSlotAlign}";
            return null;
        }

        var classes = new List<SlotClass>();
        long slots = 0, least = 0;
        for (var index = 0; index < ChannelLayout.MostClasses; index++)
        {
            uint number = U32(bytes, ChannelLayout.ClassesAt + (index * 8)), units = U32(bytes, ChannelLayout.ClassesAt + (index * 8) + 4);
            if (number == 0)
            {
                break;
            }

            var length = (long)units * ChannelLayout.SlotUnit;
            slots += number;
            if (length <= least || length > ChannelLayout.MostSlotLength || length % align != 0 || slots > ChannelLayout.MostSlots)
            {
                wrong = $"its slots of class {index} have {length} bytes, and {slots} slots are there with them";
                return null;
            }

            least = length;
            classes.Add(new((int)number, length));
        }

        wrong = slots == 0 || slots != count ? $"it has {count} slots, and {slots} by their classes"
            : most != least ? $"its longest frame has {most} bytes, and its largest slot {least}"
            : null;
        return wrong is null ? new(data, readers, (int)depth, (int)align, [.. classes]) : null;
    }

    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.DepthAt..], Depth);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.SlotAlignAt..], SlotAlign);
        for (var index = 0; index < _classes.Length; index++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[(ChannelLayout.ClassesAt + (index * 8))..], _classes[index].Count);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[(ChannelLayout.ClassesAt + (index * 8) + 4)..], (int)(_classes[index].Length / ChannelLayout.SlotUnit));
        }
    }

    /// <summary>Where the block of the subscriber at an endpoint begins.</summary>
    internal long BlockOf(int endpoint) => BlocksOffset + ((endpoint - 1) * BlockSize);

    /// <summary>Where a slot's header is.</summary>
    internal long HeaderOf(int slot) => HeadersOffset + ((long)slot * ChannelLayout.SlotHeaderSize);

    /// <summary>Which class a slot is of.</summary>
    internal int ClassOf(int slot)
    {
        var index = _firstOfClass.Length - 1;
        while (slot < _firstOfClass[index])
        {
            index--;
        }

        return index;
    }

    /// <summary>The first slot of a class.</summary>
    internal int FirstOf(int slotClass) => _firstOfClass[slotClass];

    /// <summary>Where a slot begins, counted from the first one.</summary>
    internal long SlotOf(int slot)
    {
        var slotClass = ClassOf(slot);
        return _offsetOfClass[slotClass] + ((slot - _firstOfClass[slotClass]) * _classes[slotClass].Length);
    }

    /// <summary>How many bytes a slot has.</summary>
    internal int LengthOf(int slot) => (int)_classes[ClassOf(slot)].Length;

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
