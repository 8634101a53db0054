using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A message channel as the bridge reads it.</summary>
internal sealed class RingSource : ExportSource
{
    private readonly MessageChannel _channel;
    private readonly MessageReader _reader;
    private readonly SequenceLine _line;
    private readonly RingPressure _pressure;
    private MessageChannel? _opened;
    private long _next;

    private RingSource(MessageChannel channel, MessageReader reader, SequenceLine line, RingPressure pressure)
    {
        (_channel, _reader, _line, _pressure) = (channel, reader, line, pressure);
        _next = line.Next;
    }

    internal override SharedMemoryObject Memory => _channel.Memory;

    internal override long Next => _next;

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
        MessageReader? reader = null;
        SequenceLine? line = null;
        try
        {
            reader = channel.OpenReader(new() { Label = Label, Restart = PeerRestart.Wait });
            line = new(channel.Memory);
            return new(channel, reader, line, new(channel.Memory, capacity));
        }
        catch
        {
            line?.Dispose();
            reader?.Dispose();
            throw;
        }
    }

    internal override long MayStay(long used) => _pressure.MayStay(used);

    internal override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) => _reader.WaitToReadAsync(cancellationToken);

    internal override bool WaitToRead(TimeSpan timeout) => _reader.WaitToRead(timeout);

    internal override bool TryRead(Span<byte> destination, out int length, out ushort type)
    {
        _line.Note(_next);
        var isRead = _reader.TryRead(destination, out length, out type);
        _next += isRead ? 1 : 0;
        return isRead;
    }

    internal override bool TryDrop()
    {
        _line.Note(_next);
        if (!_reader.TryRead(out MessageLease message))
        {
            return false;
        }

        message.Dispose();
        _next++;
        return true;
    }

    public override void Dispose()
    {
        _pressure.Dispose();
        _line.Dispose();
        _reader.Dispose();
        _opened?.Dispose();
    }
}
