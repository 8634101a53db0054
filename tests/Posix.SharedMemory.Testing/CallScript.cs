using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Which calls into C fail instead of being made, and what happens before one. Records them all.</summary>
internal sealed class CallScript : SystemCalls
{
    private readonly Lock _lock = new();
    private readonly List<string> _calls = [];
    private readonly List<string> _failed = [];
    private Decide? _decide;
    private (string Call, int Occurrence, Action Act)? _before;
    private bool _isStopped;

    /// <summary>Decides whether a call fails.</summary>
    /// <param name="call">Its name.</param>
    /// <param name="at">Its place among all calls, counted from 0.</param>
    /// <param name="occurrence">How many calls of a name there have been, this one included.</param>
    /// <returns>The error; success where the call is made.</returns>
    internal delegate Errno Decide(string call, int at, Func<string, int> occurrence);

    internal IReadOnlyList<string> Calls => _calls;

    internal IReadOnlyList<string> Failed => _failed;

    /// <summary>Gets the place among the calls of the first at which the script acted; −1 where it has not.</summary>
    internal int FiredAt { get; private set; } = -1;

    internal string? Forbidden { get; set; }

    /// <summary>Returns whether a call is the one that a script names, with its command or without.</summary>
    internal static bool Matches(string call, string scripted) =>
        call.StartsWith(scripted, StringComparison.Ordinal) && (call.Length == scripted.Length || call[scripted.Length] == '(');

    /// <summary>Forgets the calls so far, and decides about those to come.</summary>
    internal void Arm(Decide? decide)
    {
        lock (_lock)
        {
            _calls.Clear();
            _failed.Clear();
            (_decide, FiredAt, _isStopped) = (decide, -1, false);
        }
    }

    internal void Before(string call, int occurrence, Action act) => _before = (call, occurrence, act);

    /// <summary>From now on nothing fails, and the calls are still recorded.</summary>
    internal void Disarm()
    {
        lock (_lock)
        {
            _decide = null;
        }
    }

    /// <summary>From now on nothing fails and nothing is recorded.</summary>
    internal void Stop()
    {
        lock (_lock)
        {
            (_decide, _isStopped) = (null, true);
        }
    }

    internal override bool Fails(string call)
    {
        Errno errno;
        var isBefore = false;
        lock (_lock)
        {
            if (!_isStopped)
            {
                _calls.Add(call);
            }

            errno = _decide?.Invoke(call, _calls.Count - 1, name => _calls.Count(made => Matches(made, name))) ?? default;
            isBefore = _before is { } before && Matches(call, before.Call) && _calls.Count(made => Matches(made, before.Call)) == before.Occurrence;
            if (errno != default || isBefore)
            {
                FiredAt = FiredAt < 0 ? _calls.Count - 1 : FiredAt;
            }

            if (errno == default && Forbidden is { } forbidden && Matches(call, forbidden))
            {
                errno = Errno.EPERM;
            }

            if (errno != default)
            {
                _failed.Add(call);
            }
        }

        if (isBefore)
        {
            _before!.Value.Act();
        }

        if (errno == default)
        {
            return false;
        }

        Marshal.SetLastPInvokeError((int)errno);
        return true;
    }
}
