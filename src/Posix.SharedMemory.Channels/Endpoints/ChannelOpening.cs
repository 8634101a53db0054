namespace Posix.SharedMemory.Channels;

/// <summary>Opens the channel that has a name, or creates it, whatever other processes do at the same time.</summary>
internal static class ChannelOpening
{
    /// <summary>Opens or creates.</summary>
    /// <param name="name">The channel's name.</param>
    /// <param name="header">What is created. A channel that exists must be of the same kind, and carry the same elements and schema where the header names them.</param>
    /// <param name="options">Of the object that is created.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="pages">As in <see cref="ChannelMemory.Create"/>.</param>
    internal static ChannelMemory OpenOrCreate(string name, ChannelHeader header, SharedMemoryOptions options, out bool created, SlotPages pages = SlotPages.AsTheyCome)
    {
        while (true)
        {
            if (ChannelMemory.TryOpen(name, header.Kind) is { } memory)
            {
                created = false;
                return Require(memory, header).Resume();
            }

            try
            {
                memory = ChannelMemory.Create(name, header, options, pages);
                created = true;
                return memory;
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
            {
                // Another process was faster: its channel is complete.
            }
        }
    }

    private static ChannelMemory Require(ChannelMemory memory, ChannelHeader header)
    {
        try
        {
            memory.RequireSchema(header.SchemaId);
            if (header.ElementSize != 0)
            {
                memory.RequireElement(header.ElementSize, header.ElementAlign);
            }
            else if (header.Kind == ChannelLayout.LatestKind)
            {
                memory.RequireBytes();
            }

            return memory;
        }
        catch
        {
            memory.Release();
            throw;
        }
    }
}
