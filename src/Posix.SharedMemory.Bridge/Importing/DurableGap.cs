namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Decides what becomes of messages of a life that do not follow: they come again, what is missing before them is lost for good, or the channel has not reached them and a stranger has published them.
/// Not safe for several threads: the import's lock guards it.
/// </summary>
internal sealed class DurableGap
{
    /// <summary>How often a gap is seen after everything was delivered again, before it counts as lost by the engine.</summary>
    private const int GapsBeforeLoss = 3;

    /// <summary>An exporter that was killed goes on further back than what has arrived: by a batch, or by the history of a broadcast, which have fewer messages than this.</summary>
    private const long MostBehind = 1 << 24;

    private (long Expected, long First, int Count) _gap;
    private (long Next, long At) _announced;

    /// <summary>The first message after a gap, and since when announcements have said that the channel has not reached it.</summary>
    private (long First, long Since) _ahead;

    /// <summary>What is expected, and since when announcements have said that the channel is far behind it.</summary>
    private (long Expected, long Since) _behind;

    /// <summary>The channel has not reached this sequence, for sure; the highest number: nothing is known.</summary>
    private long _unreached;

    internal DurableGap() => Begin();

    /// <summary>Another life is being taken, or this one goes on somewhere else.</summary>
    internal void Begin() => (_gap, _announced, _ahead, _behind, _unreached) = (default, (0, long.MinValue / 2), default, default, long.MaxValue);

    /// <summary>Whether what is missing before a sequence is lost for good. An exporter that lives says soon whether it has reached the sequence.</summary>
    internal bool IsForGood(long expected, long first)
    {
        _gap = (_gap.Expected, _gap.First) == (expected, first) ? _gap with { Count = _gap.Count + 1 } : (expected, first, 1);
        return _gap.Count >= GapsBeforeLoss && (first <= _announced.Next || Environment.TickCount64 - _announced.At > FrameLimits.SilenceMilliseconds);
    }

    /// <summary>Whether a message is refused that does not follow: the exporter has not reached it.</summary>
    internal bool IsRefused(long expected, long first) => first > expected && first >= _unreached;

    /// <summary>The exporter has announced the life that is being taken.</summary>
    /// <param name="expected">What is expected next.</param>
    /// <param name="next">How far the channel is.</param>
    /// <param name="now">When that came, in milliseconds.</param>
    /// <returns>Whether what was taken is further than the channel can have been: the import goes on at <paramref name="next"/>.</returns>
    internal bool Follow(long expected, long next, long now)
    {
        _announced = (next, now);
        if (next >= _unreached)
        {
            _unreached = long.MaxValue;
        }

        if (_gap.Expected != expected || _gap.First <= next)
        {
            _ahead = default;
        }
        else if (_ahead.First != _gap.First)
        {
            _ahead = (_gap.First, now);
        }
        else if (now - _ahead.Since >= FrameLimits.SureMilliseconds)
        {
            _unreached = Math.Min(_unreached, _gap.First);
        }

        if (expected - next <= MostBehind)
        {
            _behind = default;
        }
        else if (_behind.Expected != expected)
        {
            _behind = (expected, now);
        }
        else if (now - _behind.Since >= FrameLimits.SureMilliseconds)
        {
            return true;
        }

        return false;
    }
}
