namespace Posix.SharedMemory.Channels;

/// <summary>One message that is built in place through <see cref="System.Buffers.IBufferWriter{T}"/>, whose length is not known before its end.</summary>
#pragma warning disable CA1001 // ChannelBytes has nothing to dispose: a MemoryManager has to be disposable.
internal sealed class MessageBuilder(PublishingEnd end)
#pragma warning restore CA1001
{
    /// <summary>The least room that is claimed at once, where there is as much.</summary>
    private const int LeastRoom = 256;

    private readonly ChannelBytes _bytes = new(end.Endpoint.Channel);
    private ulong _at;
    private int _room = -1;
    private int _built;

    /// <summary>The free room past what is built, of at least a hinted length. Waits until the reader has made it.</summary>
    internal Memory<byte> GetMemory(int sizeHint)
    {
        Reserve(sizeHint);
        return _bytes.Memory.Slice(end.PlaceOf(_at) + _built, _room - _built);
    }

    /// <inheritdoc cref="GetMemory"/>
    internal Span<byte> GetSpan(int sizeHint)
    {
        Reserve(sizeHint);
        return end.PayloadOf(_at, _room)[_built..];
    }

    internal void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (end.Act != EndAct.Building || count > _room - _built)
        {
            throw new InvalidOperationException($"{count} bytes are more than the last GetSpan or GetMemory returned.");
        }

        _built += count;
    }

    internal void End(ushort type)
    {
        end.RequireMessage(_built, type);
        if (end.Act != EndAct.Building)
        {
            Begin();
            Grow(0, 0);
        }

        end.Store(_at, _built, type);
        end.Publish();
        Forget();
    }

    /// <summary>Drops what was built; nothing of it was ever in the channel.</summary>
    internal void Cancel()
    {
        if (end.Act == EndAct.Building)
        {
            Forget();
        }
    }

    private void Reserve(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (end.Act != EndAct.Building)
        {
            Begin();
        }

        var need = (long)_built + Math.Max(sizeHint, 1);
        if (need > end.MaxMessage)
        {
            throw new ArgumentException($"The message would have {need} bytes, and the longest that this channel carries has {end.MaxMessage}.", nameof(sizeHint));
        }

        if (need > _room)
        {
            Grow((int)need, (int)Math.Min(end.MaxMessage, Math.Max(need * 2, LeastRoom)));
        }
    }

    private void Begin()
    {
        end.Begin(EndAct.Building);
        (_room, _built) = (-1, 0);
    }

    private void Grow(int need, int wanted)
    {
        var (from, length) = (_at, wanted);
        if (!end.TryClaim(wanted, out var at))
        {
            length = need;
            while (!end.TryClaim(need, out at))
            {
                if (end.WaitInside(need, Timeout.InfiniteTimeSpan) == EndLook.Ended)
                {
                    throw WritingEnd.TakesNoMore();
                }
            }
        }

        if (_built > 0 && at != from)
        {
            // The message goes on at the beginning of the data; what was built lies in the free room before.
            end.PayloadOf(from, _built).CopyTo(end.PayloadOf(at, _built));
        }

        (_at, _room) = (at, length);
    }

    private void Forget()
    {
        (_room, _built) = (-1, 0);
        end.Finish(EndAct.Building);
    }
}
