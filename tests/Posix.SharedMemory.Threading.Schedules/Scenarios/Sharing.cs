namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>Two processes read, a third one writes, and one of the readers writes as well; one of them may be killed.</summary>
internal sealed class Sharing(bool kills) : Scenario
{
    protected override void Prepare()
    {
        foreach (var process in Processes)
        {
            var guarded = SharedReaderWriterLock.At(process.Roster, process.Mapping, Arena.Lock, ReaderLayout.Compact);
            Schedule.Add(process, $"process {process.Number}", () =>
            {
                for (var i = 0; i < 2; i++)
                {
                    if (process.Number == 2 || (process.Number == 1 && i == 1))
                    {
                        var hold = guarded.EnterWriteUnrepaired();
                        BeInside(process, shares: false, hold.OwnerDied);
                        if (hold.OwnerDied)
                        {
                            hold.MarkConsistent();
                        }

                        hold.Dispose();
                    }
                    else
                    {
                        var hold = guarded.EnterReadUnrepaired();
                        BeInside(process, shares: true, hold.OwnerDied);
                        hold.Dispose();
                    }
                }
            });
        }

        if (kills)
        {
            Schedule.LooksAllowed = 3;
            Schedule.KillOneOf(Processes, Processes);
        }
    }
}
