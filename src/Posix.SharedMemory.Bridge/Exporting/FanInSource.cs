using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A fan-in as the bridge reads it: the messages of its writers in their one order. The lines in which the sequence is noted are where a message channel has them.</summary>
internal sealed class FanInSource : ExportSource
{
    private readonly FanIn _fanIn;
    private readonly FanInReader _reader;
    private readonly SequenceLine _line;
    private readonly RingPressure _pressure;
    private long _next;

    private FanInSource(FanIn fanIn, FanInReader reader, SequenceLine line, RingPressure pressure)
    {
        (_fanIn, _reader, _line, _pressure) = (fanIn, reader, line, pressure);
        _next = line.Next;
    }

    internal override SharedMemoryObject Memory => _fanIn.Memory;

    internal override long Next => _next;

    internal override long Available => _reader.Available;

    internal override bool HasWriter => _reader.Writers.Any(writer => writer.State == PeerState.Alive);

    /// <inheritdoc cref="ExportSource.Open"/>
    internal static FanInSource Open(string name, SourceHeader header)
    {
        var fanIn = FanIn.Open(name);
        FanInReader? reader = null;
        SequenceLine? line = null;
        try
        {
            RequireSame(fanIn.Memory, header);
            reader = fanIn.OpenReader(new() { Label = Label, Restart = PeerRestart.Wait });
            line = new(fanIn.Memory);
            return new(fanIn, reader, line, new(fanIn.Memory, header.Capacity));
        }
        catch
        {
            line?.Dispose();
            reader?.Dispose();
            fanIn.Dispose();
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
        if (!_reader.TryRead(out FanInLease message))
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
        _fanIn.Dispose();
    }
}
