namespace Posix.SharedMemory.Channels;

/// <summary>The slots of a frame channel as one end maps them: the publisher for writing, a subscriber for reading only.</summary>
internal sealed unsafe class FrameSlots
{
    private readonly FrameLayout _layout;
    private readonly MemoryMapping _mapping;
    // Given back by the collector: whoever points into the bytes references this object.
    private readonly MappingHold _hold;
    private readonly byte* _first;
    private readonly PendingUnmap _pending;
    private readonly SlotPlace?[] _places;

    internal FrameSlots(ChannelMemory channel, FileAccess access)
    {
        _layout = channel.Header.Frames;
        _mapping = channel.Memory.Map(_layout.SlotsOffset, _layout.SlotBytes, new() { Access = access });
        try
        {
            _hold = _mapping.Hold();
        }
        catch
        {
            _mapping.Dispose();
            throw;
        }

        // SAFETY: the hold, which this object references, keeps the bytes mapped.
        _first = _hold.DangerousGetPointer();
        _pending = new(_layout.SlotBytes);
        _places = new SlotPlace?[_layout.Slots];
    }

    /// <summary>Where a slot is: one object for each. Valid as long as this object is referenced.</summary>
    internal SlotPlace PlaceOf(int slot) => _places[slot] ??= new((nint)(_first + _layout.SlotOf(slot)), _layout.LengthOf(slot));

    /// <summary>Unmaps the slots as soon as no frame points into them any more: the collector finds that out, and knows how much waits for it.</summary>
    internal void Close()
    {
        _mapping.Dispose();
        _pending.Begin();
        GC.KeepAlive(_hold);
    }
}
