namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>Two processes sleep on an event count until they have seen all that a third one stores, or its death.</summary>
/// <param name="kills">The notifier is killed at some instant.</param>
internal sealed class Notifying(bool kills) : Scenario
{
    private const uint Messages = 2;

    protected override void Prepare()
    {
        var notifier = Processes[2];
        foreach (var process in Processes[..2])
        {
            var count = SharedEventCount.At(process.Roster, process.Mapping, Arena.Lock);
            Schedule.Add(process, $"sleeper {process.Number}", () =>
            {
                while (!IsOver(process, notifier))
                {
                    var key = count.PrepareWait();
                    if (!Mutant.Is("no second look") && IsOver(process, notifier))
                    {
                        count.CancelWait(key);
                        break;
                    }

                    if (process.Number == 0)
                    {
                        count.Wait(key, Timeout.InfiniteTimeSpan);
                    }
                    else
                    {
                        // By the way of all waits that can be cancelled.
                        using var source = new CancellationTokenSource();
                        count.Wait(key, Timeout.InfiniteTimeSpan, source.Token);
                    }
                }
            });
        }

        var notifies = SharedEventCount.At(notifier.Roster, notifier.Mapping, Arena.Lock);
        Schedule.Add(notifier, "notifier", () =>
        {
            for (var message = 1u; message <= Messages; message++)
            {
                Volatile.Write(ref notifier.Mapping.GetReference<uint>(Arena.Data), message);
                notifies.NotifyAll();
            }
        });
        if (kills)
        {
            Schedule.KillOneOf([notifier], Processes);
        }
    }

    private static bool IsOver(Process process, Process notifier) =>
        Volatile.Read(ref process.Mapping.GetReference<uint>(Arena.Data)) == Messages || !process.Roster.IsAlive(notifier.Self);
}
