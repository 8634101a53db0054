using System.Buffers;
using System.Diagnostics;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Takes messages out of a ring into a pooled buffer, and counts them.</summary>
internal sealed class MessageTaker : IMessageTaker
{
    private readonly ExportSource _source;
    private readonly int _chunk;
    private byte[] _buffer;
    private int _filled;
    private byte[]? _newest;
    private int _newestFilled;

    internal MessageTaker(ExportSource source, int chunk)
    {
        (_source, _chunk) = (source, chunk);
        _buffer = ArrayPool<byte>.Shared.Rent(chunk);
    }

    /// <summary>Gets the sequence of the next message in the channel.</summary>
    internal long Next => _source.Next;

    /// <summary>Gets what the message is, where one was taken.</summary>
    public MessageMark Mark { get; private set; }

    /// <summary>Gets how many messages were taken; several are a batch.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the message that was taken, or the batch.</summary>
    public ReadOnlyMemory<byte> Taken => Count == 1 ? _buffer.AsMemory(BatchRecord.HeaderSize, _filled - BatchRecord.HeaderSize) : _buffer.AsMemory(0, _filled);

    /// <summary>Gets how many bytes the messages have that were taken.</summary>
    public long Bytes => _filled - ((long)Count * BatchRecord.HeaderSize);

    /// <summary>Gets the longest message that is sent together with others.</summary>
    private int Small => _chunk / 8;

    /// <summary>Takes the next message; if it is small, also those after it that come within the delay and fit into a chunk.</summary>
    /// <returns>False: there is none.</returns>
    /// <exception cref="ChannelCorruptException">The next message cannot be read, and none was taken before it.</exception>
    public bool TryTake(TimeSpan delay)
    {
        (Count, _filled) = (0, 0);
        if (!_source.MayBatch)
        {
            delay = TimeSpan.Zero;
        }

        if (!TryAdd(delay > TimeSpan.Zero ? Small : _chunk - BatchRecord.HeaderSize, out var length))
        {
            return length > 0 && TryTakeLong(length);
        }

        for (var start = Stopwatch.GetTimestamp(); delay > TimeSpan.Zero && _filled + BatchRecord.HeaderSize < _chunk;)
        {
            try
            {
                if (!TryAdd(Math.Min(Small, _chunk - _filled - BatchRecord.HeaderSize), out length) && (length > 0 || !AwaitMore(delay - Stopwatch.GetElapsedTime(start))))
                {
                    break;
                }
            }
            catch (ChannelException)
            {
                // The channel ended with an error, or is corrupt from here on, which the next act reports again: what was taken is sent first.
                break;
            }
        }

        return true;
    }

    /// <summary>Takes all messages that are there, and keeps the newest. If there is none, what was taken before stays.</summary>
    /// <returns>False: there is none.</returns>
    /// <exception cref="ChannelCorruptException">The next message cannot be read, and none was taken before it.</exception>
    internal bool TryTakeNewest()
    {
        var found = false;
        var before = (Count, _filled);
        while (true)
        {
            (Count, _filled) = (0, 0);
            try
            {
                if (!TryAdd(_buffer.Length - BatchRecord.HeaderSize, out var length) && (length == 0 || !TryTakeLong(length)))
                {
                    // What is missing was replaced, as what is taken here and not kept.
                    if (length == 0 && _source.TakeMissed().First > 0)
                    {
                        continue;
                    }

                    break;
                }
            }
            catch (ChannelException) when (found)
            {
                // As in TryTake.
                break;
            }

            found = true;
            if (_source.IsValue)
            {
                // Its writer may be faster than any copy.
                return true;
            }

            (_newest, _buffer) = (_buffer, _newest ?? ArrayPool<byte>.Shared.Rent(_buffer.Length));
            _newestFilled = _filled;
        }

        if (found)
        {
            (_buffer, _newest) = (_newest!, _buffer);
            (Count, _filled) = (1, _newestFilled);
        }
        else
        {
            (Count, _filled) = before;
        }

        return found;
    }

    /// <summary>Drops the oldest messages. Does not touch what was taken.</summary>
    /// <param name="mayStay">How many bytes of the ring may stay in use.</param>
    /// <returns>The sequences that were dropped; a first of 0: none.</returns>
    internal (long First, long Last) DropOldest(long mayStay)
    {
        var first = Next;
        try
        {
            while (_source.Available > mayStay && (_source.TryDrop() || _source.TakeMissed().First > 0))
            {
                // The next one. What is missing before it belongs to what is dropped.
            }
        }
        catch (ChannelException)
        {
            // The channel is corrupt from here on, which the next wait reports.
        }

        return Next > first ? (first, Next - 1) : default;
    }

    /// <summary>What was taken was released when it was copied.</summary>
    public void Release()
    {
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
        if (!_source.TryRead(_buffer.AsSpan(at, most), out length, out var mark))
        {
            return false;
        }

        BatchRecord.Write(_buffer.AsSpan(_filled), length, mark.Type);
        _filled = at + length;
        Mark = mark;
        Count++;
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

    private bool AwaitMore(TimeSpan left) => left > TimeSpan.Zero && _source.WaitToRead(left);
}
