using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A broadcast that an import writes. It waits for the readers of this host that lose nothing, as any writer does. Long messages are put together in the ring.</summary>
internal sealed class BroadcastTarget : ImportTarget
{
    private readonly Broadcast _broadcast;
    private readonly BroadcastWriter _writer;

    internal BroadcastTarget(Broadcast broadcast)
    {
        _broadcast = broadcast;
        try
        {
            _writer = broadcast.OpenWriter(Writing);
        }
        catch
        {
            broadcast.Dispose();
            throw;
        }
    }

    internal override SharedMemoryObject Memory => _broadcast.Memory;

    internal override int MaxMessageLength => _writer.MaxMessageLength;

    internal override bool TryWrite(in ReadOnlySequence<byte> message, ushort type) => _writer.TryWrite(message, type);

    internal override bool TryWrite(ReadOnlySpan<byte> message, ushort type) => _writer.TryWrite(message, type);

    internal override ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken) => _writer.WaitToWriteAsync(length, cancellationToken);

    internal override bool TryBuild(int length, out Memory<byte> building)
    {
        building = default;
        if (!_writer.WaitToWrite(length, TimeSpan.Zero))
        {
            return false;
        }

        building = _writer.GetMemory(length)[..length];
        return true;
    }

    internal override void Send(int length, ushort type)
    {
        _writer.Advance(length);
        _writer.EndMessage(type);
    }

    internal override void Cancel() => _writer.CancelMessage();

    internal override void Complete(int error) => _writer.Complete(error);

    public override void Dispose()
    {
        _writer.Dispose();
        _broadcast.Dispose();
    }
}
