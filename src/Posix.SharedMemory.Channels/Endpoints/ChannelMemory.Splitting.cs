using System.Buffers.Binary;

namespace Posix.SharedMemory.Channels;

/// <content>Channels of two objects: one that only its creator can write to, and a small one for what all ends store.</content>
internal sealed partial class ChannelMemory
{
    private static readonly MappingOptions s_reading = new() { Access = FileAccess.Read };

    /// <summary>Creates a channel without a name whose readers cannot write its data: it is sealed once it is mapped here.</summary>
    internal static ChannelMemory CreateSplit(ChannelHeader header)
    {
        SharedMemoryObject? memory = null, control = null;
        MemoryMapping? mapping = null, controlMapping = null;
        try
        {
            memory = SharedMemoryObject.CreateAnonymous(header.Total, new() { DebugName = "channel" });
            mapping = Write(memory, header);
            memory.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.FutureWrite | MemorySeals.Seal);
            control = SharedMemoryObject.CreateAnonymous(header.DataOffset, new() { DebugName = "channel-control" });
            controlMapping = Write(control, header with { Total = header.DataOffset });
            control.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal);
            return new(memory, mapping, header, control, controlMapping);
        }
        catch
        {
            controlMapping?.Dispose();
            mapping?.Dispose();
            control?.Dispose();
            memory?.Dispose();
            throw;
        }
    }

    /// <summary>The channel in two objects, which belong to the result from then on. If this throws, they stay the caller's. The data is mapped for reading only.</summary>
    /// <exception cref="InvalidDataException">One of them is something else, or they do not belong together.</exception>
    internal static ChannelMemory From(SharedMemoryObject memory, SharedMemoryObject control, ushort kind)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(control);
        Span<byte> bytes = stackalloc byte[ChannelLayout.HeaderSize], twin = stackalloc byte[ChannelLayout.HeaderSize];
        var length = ReadHeader(memory, bytes, kind);
        var header = ChannelHeader.Parse(bytes, length, SubjectOf(memory), kind, ChannelLayout.SplitFeature);
        var controlLength = ReadHeader(control, twin, kind);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[ChannelLayout.TotalAt..], header.DataOffset);
        if (controlLength != header.DataOffset || !bytes.SequenceEqual(twin))
        {
            throw new InvalidDataException($"The control object does not belong to the data: it has {controlLength} bytes, and should begin with the same header and have {header.DataOffset}.");
        }

        MemoryMapping? mapping = null, controlMapping = null;
        try
        {
            mapping = memory.Map(0, length, s_reading);
            controlMapping = control.Map(0, controlLength);
            return new(memory, mapping, header, control, controlMapping);
        }
        catch
        {
            controlMapping?.Dispose();
            mapping?.Dispose();
            throw;
        }
    }
}
