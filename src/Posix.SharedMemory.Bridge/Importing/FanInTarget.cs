using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A fan-in that an import writes, beside writers of this host. It has no end.</summary>
internal sealed class FanInTarget : ImportTarget
{
    private const int ClaimAt = 768;

    private readonly FanIn _fanIn;
    private readonly FanInWriter _writer;

    internal FanInTarget(FanIn fanIn)
    {
        _fanIn = fanIn;
        _writer = OpenOrDispose(fanIn, () => fanIn.OpenWriter(Writing));
    }

    internal override SharedMemoryObject Memory => _fanIn.Memory;

    internal override int MaxMessageLength => _writer.MaxMessageLength;

    /// <inheritdoc/>
    /// <remarks>Claims of other writers move it too: after a kill a message may be taken for written that was not.</remarks>
    internal override int TailAt => ClaimAt;

    internal override bool TryWrite(in ReadOnlySequence<byte> message, in MessageMark mark) => _writer.TryWrite(message, mark.Type);

    internal override ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken) => _writer.WaitToWriteAsync(length, cancellationToken);

    internal override void Complete(int error)
    {
        // Other writers may come.
    }

    public override void Dispose()
    {
        _writer.Dispose();
        _fanIn.Dispose();
    }
}
