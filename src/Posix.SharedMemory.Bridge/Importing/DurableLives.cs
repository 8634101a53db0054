namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Which lives of a channel a durable import has taken messages of, and which it refuses: any program may publish messages of a life that no exporter has announced. Not safe for several threads:
/// the import's lock guards it.
/// </summary>
internal sealed class DurableLives
{
    /// <summary>How many lives are remembered that others have followed, and how many that are refused.</summary>
    private const int Most = 16;

    /// <summary>Lives that others have followed, and what was expected of them: an engine that was killed may deliver messages of them once more.</summary>
    private readonly List<(ulong Epoch, long Expected)> _former = [];
    private readonly Queue<ulong> _refused = [];
    private (ulong Epoch, long Since) _unannounced;

    /// <summary>Gets the life whose messages are taken; 0: none yet.</summary>
    internal ulong Current { get; private set; }

    /// <summary>Gets the life of which a message has come, and which is not announced while the announced one is being taken; 0: none.</summary>
    internal ulong Unannounced => _unannounced.Epoch;

    /// <summary>Goes on with the life that an earlier import of this host left in the ring.</summary>
    internal void Resume(ulong epoch) => Current = epoch;

    /// <summary>Another life is announced.</summary>
    internal void Announce(ulong epoch)
    {
        _unannounced = default;
        for (var count = _refused.Count; count > 0; count--)
        {
            if (_refused.Dequeue() is var refused && refused != epoch)
            {
                _refused.Enqueue(refused);
            }
        }
    }

    /// <summary>Whether a message of a former life has been here, and comes once more.</summary>
    internal bool IsPassed(ulong epoch, long last) => epoch != Current && _former.Exists(life => life.Epoch == epoch && last < life.Expected);

    /// <summary>Whether messages of a life are refused.</summary>
    internal bool IsRefused(ulong epoch) => _refused.Contains(epoch);

    /// <summary>Whether a life may follow. While the announced one is being taken, none does: the next one is announced, or its message is a stranger's.</summary>
    internal bool MayFollow(ulong epoch, ulong announced)
    {
        if (Current != announced)
        {
            return true;
        }

        _unannounced = epoch == _unannounced.Epoch ? _unannounced : (epoch, 0);
        return false;
    }

    /// <summary>The life that is being taken was announced again, live: what has waited for an announcement for long enough does not get one.</summary>
    internal void AnnounceAgain(long now)
    {
        if (Unannounced == 0)
        {
            return;
        }

        if (_unannounced.Since == 0)
        {
            _unannounced.Since = now;
        }
        else if (now - _unannounced.Since >= FrameLimits.SureMilliseconds)
        {
            Refuse(Unannounced);
        }
    }

    /// <summary>Messages of a life are refused from now on, until it is announced.</summary>
    internal void Refuse(ulong epoch)
    {
        _unannounced = default;
        if (_refused.Count == Most)
        {
            _refused.Dequeue();
        }

        _refused.Enqueue(epoch);
    }

    /// <summary>Another life follows.</summary>
    /// <param name="epoch">The life.</param>
    /// <param name="expected">What was expected next of the one that it follows.</param>
    /// <returns>What is expected of the life, where a stranger's message had interrupted it; <see langword="null"/>: it is a new one.</returns>
    internal long? Begin(ulong epoch, long expected)
    {
        if (Current != 0)
        {
            _former.Add((Current, expected));
            if (_former.Count > Most)
            {
                _former.RemoveAt(0);
            }
        }

        Current = epoch;
        var before = _former.FindIndex(life => life.Epoch == epoch);
        if (before < 0)
        {
            return null;
        }

        var interrupted = _former[before].Expected;
        _former.RemoveAt(before);
        return interrupted;
    }
}
