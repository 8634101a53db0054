using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A message channel as the bridge reads it.</summary>
internal sealed class RingSource : CountedSource
{
    private readonly MessageChannel _channel;
    private readonly MessageReader _reader;
    private MessageChannel? _opened;

    private RingSource(MessageChannel channel, MessageReader reader, long capacity)
        : base(channel.Memory, capacity) => (_channel, _reader) = (channel, reader);

    internal override SharedMemoryObject Memory => _channel.Memory;

    internal override long Available => _reader.Available;

    internal override bool HasWriter => _reader.Writer == PeerState.Alive;

    /// <inheritdoc cref="ExportSource.Open"/>
    internal static RingSource Open(string name, SourceHeader header)
    {
        var channel = MessageChannel.Open(name);
        try
        {
            RequireSame(channel.Memory, header);
            var source = On(channel, header.Capacity);
            source._opened = channel;
            return source;
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }

    /// <summary>Becomes the reader of a channel, which stays the caller's.</summary>
    internal static RingSource On(MessageChannel channel, long capacity)
    {
        var reader = channel.OpenReader(new() { Label = Label, Restart = PeerRestart.Wait });
        try
        {
            return new(channel, reader, capacity);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    internal override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) => _reader.WaitToReadAsync(cancellationToken);

    internal override bool WaitToRead(TimeSpan timeout) => _reader.WaitToRead(timeout);

    public override void Dispose()
    {
        base.Dispose();
        _reader.Dispose();
        _opened?.Dispose();
    }

    protected override bool TryCopy(Span<byte> destination, out int length, out ushort type) => _reader.TryRead(destination, out length, out type);

    protected override bool TryRelease()
    {
        if (!_reader.TryRead(out MessageLease message))
        {
            return false;
        }

        message.Dispose();
        return true;
    }
}
