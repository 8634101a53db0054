using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>One interleaving of actors, which its seed decides: who goes on, which stores are seen late, who dies when, which sleep ends without cause, and how time passes.</summary>
internal sealed class Schedule
{
    private const int MostSteps = 20_000, NotesKept = 120;

    /// <summary>Longer than any wait may be late: a time that only a look of every second comes to.</summary>
    private const long LookNanoseconds = Deadline.Second / 2;

    private readonly Random _random;
    private readonly List<Actor> _actors = [];
    private readonly List<Actor> _sleepers = [];
    private readonly List<Action> _pending = [];
    private readonly Queue<(string Actor, string Act, string Member, nuint Place, ulong Value)> _notes = [];
    private readonly ManualResetEventSlim _end = new(false);
    private readonly int _stay;
    private readonly bool _goesByPriority;
    private readonly bool _wakesWithoutCause;
    private string? _failure;
    private int _steps;
    private int _looks;
    private int _killAt = -1;
    private Process? _victim;
    private bool _isMarked;
    private ulong _hash = 14695981039346656037;

    internal Schedule(int seed, Arena arena)
    {
        Seed = seed;
        Arena = arena;
#pragma warning disable CA5394 // A seed that can be repeated is what is meant.
        _random = new(seed);
        _stay = 1 << _random.Next(4);
        _goesByPriority = _random.Next(3) == 0;
        _wakesWithoutCause = _random.Next(8) == 0;
    }

    internal int Seed { get; }

    internal Arena Arena { get; }

    internal long Clock { get; private set; } = Deadline.Second;

    internal bool IsOver { get; private set; }

    /// <summary>Gets or sets how many looks of every second may be needed: those that a death leaves behind.</summary>
    internal int LooksAllowed { get; set; }

    /// <summary>Gets what happened, in one number.</summary>
    internal ulong Hash => _hash;

    internal int Steps => _steps;

    internal int Next(int limit) => _random.Next(limit);

    internal void Add(Process process, string name, Action act) => _actors.Add(new(this, process, name, act) { Priority = _random.Next(1000) });

    /// <summary>One of the processes is killed at some instant, and all others watch for that.</summary>
    internal void KillOneOf(IReadOnlyList<Process> victims, IEnumerable<Process> all)
    {
        _victim = victims[_random.Next(victims.Count)];
        _killAt = _random.Next(60);
        foreach (var process in all.Where(process => process != _victim))
        {
            Add(process, $"watch {process.Number}", () =>
            {
                Actor.Current!.AwaitsDeath = !_isMarked;
                Actor.Current.Point("watch", "", 0, 0);
                process.Roster.Seat.Watch.Tell();
            });
        }
    }

    /// <summary>Runs all actors to their end.</summary>
    /// <returns>What was wrong; null: nothing.</returns>
    internal string? Run()
    {
        foreach (var actor in _actors)
        {
            actor.Start();
        }

        Choose(null)!.Resume();
        if (!_end.Wait(Watchdog.Limit))
        {
            Fail("An actor blocks outside the scheduler.");
        }

        foreach (var actor in _actors)
        {
            actor.Resume();
        }

        foreach (var actor in _actors)
        {
            actor.Join();
        }

        return _failure is null ? null : string.Create(CultureInfo.InvariantCulture, $"Seed {Seed}: {_failure}\n{Trace()}");
    }

    internal void Fail(string why)
    {
        if (!IsOver)
        {
            _failure = why;
            Finish();
        }
    }

    internal void Note(Actor actor, string act, string member, nuint address, ulong value)
    {
        var place = Arena.KeyOf(address);
        if (_notes.Count == NotesKept)
        {
            _notes.Dequeue();
        }

        _notes.Enqueue((actor.Name, act, member, place, value));
        _hash = ((_hash ^ (ulong)actor.Process.Number ^ (place < Arena.Length ? place << 8 : 0)) * 1099511628211) ^ value;
    }

    /// <summary>Lets somebody go on, perhaps the same.</summary>
    internal void Switch(Actor from)
    {
        if (++_steps > MostSteps)
        {
            Fail("It does not end.");
            return;
        }

        var next = Choose(from);
        if (next == from || next is null)
        {
            return;
        }

        next.Resume();
        from.AwaitTurn();
    }

    /// <summary>An actor has ended.</summary>
    internal void Leave(Actor actor)
    {
        if (!IsOver)
        {
            actor.Drain();
            Choose(null)?.Resume();
        }
    }

    /// <summary>Puts an actor to sleep; others go on.</summary>
    /// <returns>False: its time was over.</returns>
    internal bool Sleep(Actor actor, List<(nuint Key, uint Value)> words, long until)
    {
        (actor.Sleep, actor.SleepsSince, actor.SleepsUntil, actor.HasTimedOut) = (words, Clock, until, false);
        _sleepers.Add(actor);
        actor.Point("asleep", "", 0, 0);
        Clock += _random.Next(3) * 1_000_000;
        return !actor.HasTimedOut;
    }

    /// <summary>Wakes sleepers in the order in which they came.</summary>
    internal int Wake(nuint key, int count)
    {
        var woken = 0;
        for (var i = 0; i < _sleepers.Count && woken < count;)
        {
            if (_sleepers[i].Sleep!.Exists(word => word.Key == key))
            {
                Awake(_sleepers[i]);
                woken++;
            }
            else
            {
                i++;
            }
        }

        return woken;
    }

    internal bool WakesWithoutCause() => _wakesWithoutCause && _random.Next(4) == 0;

    /// <summary>Everybody's stores are seen, and whoever was killed has stopped.</summary>
    internal void FenceAll()
    {
        _actors.ForEach(actor => actor.Drain());
        if (_victim is { IsKilled: true })
        {
            Stop(_victim);
        }
    }

    private void Awake(Actor actor)
    {
        actor.Sleep = null;
        _sleepers.Remove(actor);
    }

    /// <summary>Who goes on; null: nobody, it is over.</summary>
    private Actor? Choose(Actor? from)
    {
        while (!IsOver)
        {
            if (_victim is { IsKilled: false } victim && _steps >= _killAt)
            {
                Kill(victim);
            }

            if (_pending.Count > 0 && _random.Next(4) == 0)
            {
                DoPending();
            }

            if (_random.Next(4) == 0 && _actors.Find(actor => actor.HasStores) is { } storing)
            {
                storing.DrainOne();
            }

            if (_random.Next(16) == 0 && _sleepers.Find(IsHurried) is { } hurried)
            {
                TimeOut(hurried);
            }

            var ready = _actors.FindAll(actor => actor.CanRun);
            if (ready.Count > 0)
            {
                return Pick(ready, from);
            }

            WaitForSomething();
        }

        return null;
    }

    private Actor Pick(List<Actor> ready, Actor? from)
    {
        if (_goesByPriority)
        {
            if (from is not null && _random.Next(40) == 0)
            {
                from.Priority = -_steps;
            }

            return ready.MaxBy(actor => actor.Priority)!;
        }

        return from is not null && from.CanRun && _random.Next(_stay) != 0 ? from : ready[_random.Next(ready.Count)];
    }

    /// <summary>Nobody can go on: the kernel does what it has yet to do, stores are seen, or time passes until somebody looks again.</summary>
    private void WaitForSomething()
    {
        if (_pending.Count > 0)
        {
            DoPending();
        }
        else if (_sleepers.FindAll(actor => !actor.Process.IsStopped) is { Count: > 0 } living)
        {
            var next = living.MinBy(actor => actor.SleepsUntil)!;
            if (!IsHurried(next) && ++_looks > LooksAllowed)
            {
                Fail($"Asleep for ever, but for looks: {string.Join(", ", living.Select(actor => $"{actor.Name} on {string.Join(" and ", actor.Sleep!.Select(word => $"0x{word.Key:x}"))}"))}.");
                return;
            }

            TimeOut(next);
        }
        else
        {
            Finish();
        }
    }

    private static bool IsHurried(Actor actor) => actor.SleepsUntil - actor.SleepsSince < LookNanoseconds;

    private void TimeOut(Actor actor)
    {
        Clock = Math.Max(Clock, actor.SleepsUntil);
        actor.HasTimedOut = true;
        Awake(actor);
    }

    private void DoPending()
    {
        var act = _pending[0];
        _pending.RemoveAt(0);
        act();
    }

    /// <summary>SIGKILL: its threads stop, and the kernel marks its seat; the one may come before the other.</summary>
    private void Kill(Process victim)
    {
        victim.IsKilled = true;
        _pending.Add(() => Stop(victim));
        _pending.Insert(_random.Next(2), () => MarkSeat(victim));
    }

    private void Stop(Process victim)
    {
        if (victim.IsStopped)
        {
            return;
        }

        victim.IsStopped = true;
        foreach (var actor in _actors.Where(actor => actor.Process == victim))
        {
            actor.Drain();
            if (actor.Sleep is not null)
            {
                Awake(actor);
            }
        }
    }

    /// <summary>As the kernel does for a robust list: it marks the word, and wakes one sleeper.</summary>
    private unsafe void MarkSeat(Process victim)
    {
        var place = (nuint)(RosterLayout.HeaderSize + (RosterLayout.SeatSize * (victim.Self.Seat - 1)));
        *(uint*)Arena.AddressOf(place) = RosterLayout.Waiters | RosterLayout.Died;
        Wake(place, 1);
        _isMarked = true;
        foreach (var actor in _actors.Where(actor => actor.AwaitsDeath))
        {
            actor.AwaitsDeath = false;
        }
    }

    private void Finish()
    {
        IsOver = true;
        _end.Set();
    }

    private string Trace()
    {
        var text = new StringBuilder();
        foreach (var (actor, act, member, place, value) in _notes)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {actor,-10} {act,-16} {member,-18} {(place < Arena.Length ? $"0x{place:x}" : ""),-8} {(act == "load" ? "" : $"{value:x}")}");
        }

        return text.ToString();
    }
#pragma warning restore CA5394
}
