using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A fan-in as the bridge reads it: the messages of its writers in their one order. The lines in which the sequence is noted are where a message channel has them.</summary>
internal sealed class FanInSource : CountedSource
{
    private readonly FanIn _fanIn;
    private readonly FanInReader _reader;

    private FanInSource(FanIn fanIn, FanInReader reader, long capacity)
        : base(fanIn.Memory, capacity) => (_fanIn, _reader) = (fanIn, reader);

    internal override SharedMemoryObject Memory => _fanIn.Memory;

    internal override long Available => _reader.Available;

    internal override bool HasWriter => _reader.Writers.Any(writer => writer.State == PeerState.Alive);

    /// <inheritdoc cref="ExportSource.Open"/>
    internal static FanInSource Open(string name, SourceHeader header)
    {
        var fanIn = FanIn.Open(name);
        FanInReader? reader = null;
        try
        {
            RequireSame(fanIn.Memory, header);
            reader = fanIn.OpenReader(new() { Label = Label, Restart = PeerRestart.Wait });
            return new(fanIn, reader, header.Capacity);
        }
        catch
        {
            reader?.Dispose();
            fanIn.Dispose();
            throw;
        }
    }

    internal override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) => _reader.WaitToReadAsync(cancellationToken);

    internal override bool WaitToRead(TimeSpan timeout) => _reader.WaitToRead(timeout);

    public override void Dispose()
    {
        base.Dispose();
        _reader.Dispose();
        _fanIn.Dispose();
    }

    protected override bool TryCopy(Span<byte> destination, out int length, out ushort type) => _reader.TryRead(destination, out length, out type);

    protected override bool TryRelease()
    {
        if (!_reader.TryRead(out FanInLease message))
        {
            return false;
        }

        message.Dispose();
        return true;
    }
}
