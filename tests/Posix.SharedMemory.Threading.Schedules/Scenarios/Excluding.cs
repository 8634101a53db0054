namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>Processes enter and leave a mutex, of which one may be killed, and one may give up.</summary>
/// <param name="kills">One of them is killed at some instant.</param>
/// <param name="givesUp">One of them waits for a millisecond only.</param>
internal sealed class Excluding(bool kills, bool givesUp) : Scenario
{
    private const int Times = 2;

    protected override void Prepare()
    {
        foreach (var process in Processes)
        {
            var mutex = SharedMutex.At(process.Roster, process.Mapping, Arena.Lock);
            Schedule.Add(process, $"process {process.Number}", () =>
            {
                for (var i = 0; i < Times; i++)
                {
                    MutexHold hold;
                    if (givesUp && process.Number == 0)
                    {
                        if (!mutex.TryEnter(TimeSpan.FromMilliseconds(1), out hold))
                        {
                            continue;
                        }
                    }
                    else
                    {
                        hold = mutex.EnterUnrepaired();
                    }

                    BeInside(process, shares: false, hold.OwnerDied);
                    if (hold.OwnerDied)
                    {
                        hold.MarkConsistent();
                    }

                    hold.Dispose();
                }
            });
        }

        if (kills)
        {
            Schedule.LooksAllowed = 3;
            Schedule.KillOneOf(Processes, Processes);
        }
    }

    internal override string? Judge()
    {
        foreach (var process in Processes.Where(process => !process.IsStopped))
        {
            if (!SharedMutex.At(process.Roster, process.Mapping, Arena.Lock).TryEnterUnrepaired(out var hold))
            {
                return $"In the end process {process.Number} does not get in.";
            }

            hold.Dispose();
        }

        return null;
    }
}
