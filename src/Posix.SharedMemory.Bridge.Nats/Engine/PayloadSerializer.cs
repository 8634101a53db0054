using System.Buffers;
using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>Writes a payload as it is.</summary>
internal sealed class PayloadSerializer : INatsSerialize<ReadOnlyMemory<byte>>
{
    internal static readonly PayloadSerializer Instance = new();

    public void Serialize(IBufferWriter<byte> bufferWriter, ReadOnlyMemory<byte> value) => bufferWriter.Write(value.Span);
}
