using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Copies messages of a channel and leaves them there, until <see cref="Release"/>: what the engine has not stored when this process is killed is copied again by the next.</summary>
internal sealed class DurableTaker : IMessageTaker
{
    private readonly ExportSource _source;
    private readonly MessageTap _tap;
    private readonly int _chunk;
    private byte[] _buffer;
    private int _filled;
    private byte[] _next = [];
    private (int Length, ushort Type, bool IsThere) _ahead;

    internal DurableTaker(ExportSource source, int chunk)
    {
        (_source, _chunk) = (source, chunk);
        _tap = MessageTap.On(source.Memory);
        _buffer = ArrayPool<byte>.Shared.Rent(chunk);
    }

    /// <summary>Gets what the message is, where one was taken.</summary>
    public MessageMark Mark { get; private set; }

    /// <summary>Gets how many messages were taken; several are a batch.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the message that was taken, or the batch.</summary>
    public ReadOnlyMemory<byte> Taken => Count == 1 ? _buffer.AsMemory(BatchRecord.HeaderSize, _filled - BatchRecord.HeaderSize) : _buffer.AsMemory(0, _filled);

    /// <summary>Gets how many bytes the messages have that were taken.</summary>
    public long Bytes => _filled - ((long)Count * BatchRecord.HeaderSize);

    /// <summary>Copies the next message; if it is small, also those after it that are there and fit into a chunk.</summary>
    /// <param name="delay">Zero: messages are not sent together. Nothing is waited for: while a message is stored, others come.</param>
    /// <returns>False: there is none.</returns>
    /// <exception cref="ChannelCorruptException">The next message cannot be read, and none was taken before it.</exception>
    public bool TryTake(TimeSpan delay)
    {
        (Count, _filled) = (0, 0);
        while (TryLookAhead())
        {
            var isSmall = _ahead.Length <= _chunk / 8;
            if (Count > 0 && (!isSmall || _filled + BatchRecord.HeaderSize + _ahead.Length > _chunk))
            {
                break;
            }

            Add();
            if (delay == TimeSpan.Zero || !isSmall)
            {
                break;
            }
        }

        return Count > 0;
    }

    /// <summary>Releases what was taken: the engine has it.</summary>
    public void Release()
    {
        for (; Count > 0; Count--)
        {
            if (!_source.TryDrop())
            {
                throw new InvalidOperationException("A message that was copied is not in the channel any more.");
            }
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        ArrayPool<byte>.Shared.Return(_next);
    }

    private bool TryLookAhead()
    {
        if (_ahead.IsThere)
        {
            return true;
        }

        TappedMessage message;
        try
        {
            if (!_tap.TryRead(out message))
            {
                return false;
            }
        }
        catch (ChannelCorruptException) when (Count > 0)
        {
            // The next call reports it again: what was taken is sent first.
            return false;
        }

        if (_next.Length < message.Span.Length)
        {
            ArrayPool<byte>.Shared.Return(_next);
            _next = ArrayPool<byte>.Shared.Rent(message.Span.Length);
        }

        message.Span.CopyTo(_next);
        _ahead = (message.Span.Length, message.Type, true);
        return true;
    }

    private void Add()
    {
        var at = _filled + BatchRecord.HeaderSize;
        if (_buffer.Length < at + _ahead.Length)
        {
            // Only the first message can be longer than a chunk.
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(at + _ahead.Length);
        }

        BatchRecord.Write(_buffer.AsSpan(_filled), _ahead.Length, _ahead.Type);
        _next.AsSpan(0, _ahead.Length).CopyTo(_buffer.AsSpan(at));
        (_filled, Mark) = (at + _ahead.Length, new(_source.Next, _ahead.Type));
        Count++;
        _ahead = default;
    }
}
