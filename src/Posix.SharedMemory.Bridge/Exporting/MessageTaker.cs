using System.Buffers;
using System.Diagnostics;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Takes messages out of a ring into a pooled buffer, and counts them.</summary>
internal sealed class MessageTaker : IDisposable
{
    private readonly MessageReader _reader;
    private readonly SequenceLine _line;
    private readonly int _chunk;
    private readonly long _capacity;
    private byte[] _buffer;
    private int _filled;
    private byte[]? _newest;
    private int _newestFilled;

    internal MessageTaker(MessageReader reader, SequenceLine line, int chunk, long capacity)
    {
        (_reader, _line, _chunk, _capacity) = (reader, line, chunk, capacity);
        Next = line.Next;
        _buffer = ArrayPool<byte>.Shared.Rent(chunk);
    }

    /// <summary>Gets the sequence of the next message in the ring.</summary>
    internal long Next { get; private set; }

    /// <summary>Gets the type of the message, where one was taken.</summary>
    internal ushort Type { get; private set; }

    /// <summary>Gets how many messages were taken; several are a batch.</summary>
    internal int Count { get; private set; }

    /// <summary>Gets the message that was taken, or the batch.</summary>
    internal ReadOnlyMemory<byte> Taken => Count == 1 ? _buffer.AsMemory(BatchRecord.HeaderSize, _filled - BatchRecord.HeaderSize) : _buffer.AsMemory(0, _filled);

    /// <summary>Gets how many bytes the messages have that were taken.</summary>
    internal long Bytes => _filled - ((long)Count * BatchRecord.HeaderSize);

    /// <summary>Gets the longest message that is sent together with others.</summary>
    private int Small => _chunk / 8;

    /// <summary>Takes the next message; if it is small, also those after it that come within the delay and fit into a chunk.</summary>
    /// <returns>False: there is none.</returns>
    internal bool TryTake(TimeSpan delay)
    {
        (Count, _filled) = (0, 0);
        if (!TryAdd(delay > TimeSpan.Zero ? Small : _chunk - BatchRecord.HeaderSize, out var length))
        {
            return length > 0 && TryTakeLong(length);
        }

        for (var start = Stopwatch.GetTimestamp(); delay > TimeSpan.Zero && _filled + BatchRecord.HeaderSize < _chunk;)
        {
            if (!TryAdd(Math.Min(Small, _chunk - _filled - BatchRecord.HeaderSize), out length) && (length > 0 || !AwaitMore(delay - Stopwatch.GetElapsedTime(start))))
            {
                break;
            }
        }

        return true;
    }

    /// <summary>Takes all messages that are there, and keeps the newest.</summary>
    /// <returns>False: there is none.</returns>
    internal bool TryTakeNewest()
    {
        var found = false;
        while (true)
        {
            (Count, _filled) = (0, 0);
            if (!TryAdd(_buffer.Length - BatchRecord.HeaderSize, out var length) && (length == 0 || !TryTakeLong(length)))
            {
                break;
            }

            found = true;
            (_newest, _buffer) = (_buffer, _newest ?? ArrayPool<byte>.Shared.Rent(_buffer.Length));
            _newestFilled = _filled;
        }

        if (found)
        {
            (_buffer, _newest) = (_newest!, _buffer);
            (Count, _filled) = (1, _newestFilled);
        }

        return found;
    }

    /// <summary>Drops the oldest messages until a quarter of the ring is left. Does nothing while less than half of it is in use.</summary>
    /// <returns>The sequences that were dropped; a first of 0: none.</returns>
    internal (long First, long Last) DropOldest()
    {
        var first = Next;
        if (_reader.Available <= _capacity / 2)
        {
            return default;
        }

        while (_reader.Available > _capacity / 4)
        {
            _line.Note(Next);
            if (!_reader.TryRead(out MessageLease message))
            {
                break;
            }

            message.Dispose();
            Next++;
        }

        return Next > first ? (first, Next - 1) : default;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        if (_newest is not null)
        {
            ArrayPool<byte>.Shared.Return(_newest);
        }
    }

    /// <summary>Adds the next message if it is not longer than a limit.</summary>
    /// <param name="most">The limit.</param>
    /// <param name="length">The message's length; 0 with false: there is no message.</param>
    private bool TryAdd(int most, out int length)
    {
        var at = _filled + BatchRecord.HeaderSize;
        _line.Note(Next);
        if (!_reader.TryRead(_buffer.AsSpan(at, most), out length, out var type))
        {
            return false;
        }

        BatchRecord.Write(_buffer.AsSpan(_filled), length, type);
        _filled = at + length;
        Type = type;
        Count++;
        Next++;
        return true;
    }

    private bool TryTakeLong(int length)
    {
        if (_buffer.Length < length + BatchRecord.HeaderSize)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _buffer = ArrayPool<byte>.Shared.Rent(length + BatchRecord.HeaderSize);
        }

        return TryAdd(length, out _);
    }

    private bool AwaitMore(TimeSpan left)
    {
        try
        {
            return left > TimeSpan.Zero && _reader.WaitToRead(left);
        }
        catch (ChannelException e) when (e is not ChannelCorruptException)
        {
            // The writer ended the channel with an error, which the next wait reports again; what was taken is sent first.
            return false;
        }
    }
}
