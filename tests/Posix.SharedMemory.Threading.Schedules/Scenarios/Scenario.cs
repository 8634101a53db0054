namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>What processes do in a schedule, and what may not come of it.</summary>
internal abstract class Scenario
{
    /// <summary>Gets who is inside what excludes others, with whether it shares that: processes that were stopped inside stay.</summary>
    private readonly List<(Process Process, bool Shares)> _inside = [];

    /// <summary>Gets the processes of the schedule.</summary>
    internal Process[] Processes { get; private set; } = [];

    protected Schedule Schedule { get; private set; } = null!;

    protected virtual int ProcessCount => 3;

    internal void Begin(Schedule schedule)
    {
        Schedule = schedule;
        Processes = schedule.Arena.Begin(ProcessCount);
        Prepare();
    }

    /// <summary>Leaves the rosters again.</summary>
    internal void End()
    {
        foreach (var process in Processes)
        {
            process.Roster.Dispose();
        }
    }

    /// <summary>Says who acts.</summary>
    protected abstract void Prepare();

    /// <summary>What is wrong when nobody moves any more; null: nothing.</summary>
    internal virtual string? Judge() => null;

    /// <summary>The actor is inside for a moment.</summary>
    /// <param name="process">Whose actor.</param>
    /// <param name="shares">Others that share may be there.</param>
    /// <param name="knowsOfDeath">It learned that an owner died.</param>
    protected void BeInside(Process process, bool shares, bool knowsOfDeath)
    {
        foreach (var other in _inside)
        {
            if (!other.Process.IsStopped && !(shares && other.Shares))
            {
                Schedule.Fail($"Process {process.Number} is inside with process {other.Process.Number}.");
            }
        }

        if (_inside.RemoveAll(other => other.Process.IsStopped && !other.Shares) > 0 && !knowsOfDeath)
        {
            Schedule.Fail($"Process {process.Number} does not know that an owner died inside.");
        }

        if (knowsOfDeath && !Array.Exists(Processes, other => other.IsKilled))
        {
            Schedule.Fail($"Process {process.Number} learned of a death, and nobody has died.");
        }

        _inside.Add((process, shares));
        Actor.Current!.Point("inside", "", 0, 0);
        _inside.Remove((process, shares));
    }
}
