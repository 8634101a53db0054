namespace Posix.SharedMemory.Channels;

/// <summary>What the public objects of all kinds are: a channel that is open in this process until it is disposed. Ends keep its memory by themselves.</summary>
internal sealed class OpenChannel : IDisposable
{
    private readonly ChannelMemory _memory;
    private readonly object _owner;
    private int _isDisposed;

    /// <param name="memory">Belongs to it from then on.</param>
    /// <param name="owner">The public object, which is named once it was disposed.</param>
    internal OpenChannel(ChannelMemory memory, object owner)
    {
        (_memory, _owner) = (memory, owner);
        ChannelMeter.Add(memory);
    }

    /// <summary>Gets the object, also after it was disposed.</summary>
    internal SharedMemoryObject Memory => _memory.Memory;

    internal ChannelHeader Header => _memory.Header;

    /// <summary>Gets the second object of a split broadcast.</summary>
    internal SharedMemoryObject? Control => _memory.Control;

    /// <summary>Gets the memory, to open an end of it.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    internal ChannelMemory Opened
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, _owner);
            return _memory;
        }
    }

    /// <summary>What can be seen of the channel now.</summary>
    internal ChannelStatus GetStatus() => ChannelStatus.Of(Opened);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            ChannelMeter.Remove(_memory);
            _memory.Release();
        }
    }
}
