using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Bridge;

/// <summary>Messages that wait for room in the ring of an import, in pooled arrays, up to a number of bytes.</summary>
internal sealed class ParkedMessages(long mostBytes)
{
    private const int Overhead = FrameLimits.MessageOverhead;

    private readonly Queue<ParkedMessage> _messages = [];

    internal long Bytes { get; private set; }

    /// <summary>Gets the sequences of the oldest and the newest message.</summary>
    internal (long First, long Last) Range { get; private set; }

    internal bool IsEmpty => _messages.Count == 0;

    /// <summary>Copies a message, if it does not exceed what may wait.</summary>
    internal bool TryAdd(in ReadOnlySequence<byte> payload, in MessageMark mark)
    {
        var length = (int)payload.Length;
        if (Bytes + length + Overhead > mostBytes)
        {
            return false;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(length);
        payload.CopyTo(buffer);
        Add(new(buffer, length, mark));
        return true;
    }

    /// <summary>Whether a message of this length may wait.</summary>
    internal bool HasRoom(long length) => Bytes + length + Overhead <= mostBytes;

    /// <summary>Adds a message whose pooled buffer belongs to this object from then on.</summary>
    internal void Add(ParkedMessage message)
    {
        _messages.Enqueue(message);
        Range = (Range.First == 0 ? message.Sequence : Range.First, message.Sequence);
        Bytes += message.Length + Overhead;
    }

    internal bool TryPeek([NotNullWhen(true)] out ParkedMessage? message) => _messages.TryPeek(out message);

    /// <summary>Removes the oldest message.</summary>
    internal void Remove()
    {
        var message = _messages.Dequeue();
        Bytes -= message.Length + Overhead;
        Range = _messages.TryPeek(out var next) ? (next.Sequence, Range.Last) : default;
        ArrayPool<byte>.Shared.Return(message.Buffer);
    }

    internal void Clear()
    {
        while (!IsEmpty)
        {
            Remove();
        }
    }
}

/// <summary>A message in a pooled array.</summary>
internal sealed record ParkedMessage(byte[] Buffer, int Length, MessageMark Mark)
{
    internal ReadOnlySequence<byte> Bytes => new(Buffer, 0, Length);

    internal long Sequence => Mark.Sequence;
}
