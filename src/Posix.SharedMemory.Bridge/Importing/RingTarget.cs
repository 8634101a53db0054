using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A message channel that an import writes.</summary>
internal sealed class RingTarget : BuildingTarget
{
    private readonly MessageChannel _channel;
    private readonly MessageWriter _writer;

    internal RingTarget(MessageChannel channel)
    {
        _channel = channel;
        _writer = OpenOrDispose(channel, () => channel.OpenWriter(Writing));
    }

    internal override SharedMemoryObject Memory => _channel.Memory;

    internal override int MaxMessageLength => _writer.MaxMessageLength;

    internal override bool HasUnread => _channel.GetStatus().Used > 0;

    protected override IBufferWriter<byte> Building => _writer;

    internal override bool TryWrite(in ReadOnlySequence<byte> message, in MessageMark mark) => _writer.TryWrite(message, mark.Type);

    internal override ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken) => _writer.WaitToWriteAsync(length, cancellationToken);

    internal override void Cancel() => _writer.CancelMessage();

    internal override void Complete(int error) => _writer.Complete(error);

    protected override bool HasRoom(int length) => _writer.WaitToWrite(length, TimeSpan.Zero);

    protected override void EndMessage(ushort type) => _writer.EndMessage(type);

    public override void Dispose()
    {
        _writer.Dispose();
        _channel.Dispose();
    }
}
