namespace Posix.SharedMemory.Channels;

/// <summary>Opens the channel that has a name, or creates it, whatever other processes do at the same time.</summary>
internal static class ChannelOpening
{
    internal static ChannelMemory OpenOrCreate(string name, Func<ChannelHeader> header, SharedMemoryOptions options, Action<ChannelMemory> require, out bool created, ushort kind = ChannelLayout.MessageKind)
    {
        while (true)
        {
            if (ChannelMemory.TryOpen(name, kind) is { } memory)
            {
                try
                {
                    require(memory);
                }
                catch
                {
                    memory.Release();
                    throw;
                }

                created = false;
                return memory;
            }

            try
            {
                memory = ChannelMemory.Create(name, header(), options);
                created = true;
                return memory;
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
            {
                // Another process was faster: its channel is complete.
            }
        }
    }
}
