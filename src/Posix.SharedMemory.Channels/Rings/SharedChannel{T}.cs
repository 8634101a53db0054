namespace Posix.SharedMemory.Channels;

/// <summary>A channel of elements of one type between two processes. Its ends are a <see cref="System.Threading.Channels.ChannelWriter{T}"/> and a <see cref="System.Threading.Channels.ChannelReader{T}"/>.</summary>
/// <typeparam name="T">A type whose bytes mean the same in every process.</typeparam>
/// <remarks>Everything that <see cref="MessageChannel"/> says of processes, deaths and disposal is true here.</remarks>
/// <example>
/// <code><![CDATA[
/// using var channel = SharedChannel.OpenOrCreate<(long Ticks, double Price)>("prices", 1024, out _);
/// using var writer = channel.OpenWriter();            // In one process …
/// await writer.WriteAsync((1, 1.0921));
///
/// using var reader = channel.OpenReader();            // … and in another, usually.
/// Console.WriteLine((await reader.ReadAsync()).Price);
/// ]]></code>
/// </example>
public sealed class SharedChannel<T> : IDisposable
    where T : unmanaged
{
    private readonly OpenChannel _channel;

    internal SharedChannel(ChannelMemory memory) => _channel = new(memory, this);

    /// <summary>Gets the object that the channel is. Disposed with the channel and its ends.</summary>
    public SharedMemoryObject Memory => _channel.Memory;

    /// <summary>Returns what can be seen of the channel now. Needs no end, and changes nothing.</summary>
    /// <exception cref="ObjectDisposedException">The channel was disposed.</exception>
    public ChannelStatus GetStatus() => _channel.GetStatus();

    /// <summary>Opens the writing end.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">The channel was completed, or was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the channel.</exception>
    public SharedChannelWriter<T> OpenWriter(EndpointOptions? options = null) => new(RingWriter.Open(_channel.Opened, options));

    /// <summary>Opens the reading end.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">The channel was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the channel.</exception>
    public SharedChannelReader<T> OpenReader(EndpointOptions? options = null) => new(RingReader.Open(_channel.Opened, options));

    /// <summary>Closes the channel, but not its ends. Further calls have no effect.</summary>
    public void Dispose() => _channel.Dispose();
}
