using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A broadcast that an import writes. It waits for the readers of this host that lose nothing, as any writer does.</summary>
internal sealed class BroadcastTarget : BuildingTarget
{
    private readonly Broadcast _broadcast;
    private readonly BroadcastWriter _writer;

    internal BroadcastTarget(Broadcast broadcast)
    {
        _broadcast = broadcast;
        _writer = OpenOrDispose(broadcast, () => broadcast.OpenWriter(Writing));
    }

    internal override SharedMemoryObject Memory => _broadcast.Memory;

    internal override int MaxMessageLength => _writer.MaxMessageLength;

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
        _broadcast.Dispose();
    }
}
