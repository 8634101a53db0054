using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A latest value as the bridge reads it: each newest value is a message, whose sequence is half of its version.</summary>
internal sealed class ValueSource : ExportSource
{
    private readonly LatestBytes _value;
    private readonly LatestBytesReader _reader;
    private long _seen;
    private long _sent;

    private ValueSource(LatestBytes value, LatestBytesReader reader) => (_value, _reader) = (value, reader);

    internal override SharedMemoryObject Memory => _value.Memory;

    internal override long Next => (_sent / 2) + 1;

    internal override long Available => _reader.WaitForChange(_seen, TimeSpan.Zero) == _seen ? 0 : 1;

    internal override bool HasWriter => _reader.Writer == PeerState.Alive;

    internal override bool IsValue => true;

    /// <inheritdoc cref="ExportSource.Open"/>
    internal static ValueSource Open(string name, SourceHeader header)
    {
        var value = LatestBytes.Open(name);
        try
        {
            RequireSame(value.Memory, header);
            return new(value, value.OpenReader(new() { Label = Label, Restart = PeerRestart.Wait }));
        }
        catch
        {
            value.Dispose();
            throw;
        }
    }

    internal override async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) =>
        await _reader.WaitForChangeAsync(_seen, cancellationToken).ConfigureAwait(false) != _seen;

    internal override bool WaitToRead(TimeSpan timeout) => _reader.WaitForChange(_seen, timeout) != _seen;

    /// <inheritdoc/>
    internal override void Again() => _seen = 0;

    internal override bool TryRead(Span<byte> destination, out int length, out MessageMark mark)
    {
        var isRead = _reader.TryRead(destination, out length, out var version);
        mark = new(version / 2, 0);
        if (version == _seen)
        {
            length = 0;
            return false;
        }

        if (isRead)
        {
            (_seen, _sent) = (version, version);
        }

        return isRead;
    }

    /// <summary>Nothing of a latest value waits for being dropped.</summary>
    internal override bool TryDrop() => false;

    public override void Dispose()
    {
        _reader.Dispose();
        _value.Dispose();
    }
}
