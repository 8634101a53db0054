using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A latest value that an import publishes. It never waits.</summary>
internal sealed class ValueTarget : ImportTarget
{
    private readonly LatestBytes _value;
    private readonly LatestBytesWriter _writer;

    internal ValueTarget(LatestBytes value)
    {
        _value = value;
        _writer = OpenOrDispose(value, () => value.OpenWriter(Writing));
    }

    internal override SharedMemoryObject Memory => _value.Memory;

    internal override int MaxMessageLength => _writer.MaxLength;

    internal override bool TryWrite(in ReadOnlySequence<byte> message, in MessageMark mark)
    {
        using var value = _writer.Begin();
        message.CopyTo(value.Span);
        value.Commit((int)message.Length);
        return true;
    }

    internal override ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken) => new(true);

    internal override void Complete(int error) => _writer.Complete(error);

    public override void Dispose()
    {
        _writer.Dispose();
        _value.Dispose();
    }
}
