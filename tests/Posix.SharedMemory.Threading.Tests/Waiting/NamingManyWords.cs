using System.Collections.Concurrent;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>More words than one sleep takes: none of them is left to the look of every second, which here never comes.</summary>
public sealed class NamingManyWords : TwoParticipants
{
    private readonly RareLooks _rareLooks = new();

    [SkippableFact]
    [Rule("service.many")]
    public async Task The_last_of_as_many_things_as_can_be_waited_for_at_once_ends_the_wait()
    {
        Skip.IfNot(Kernel.Current.CanWaitForMany, "This kernel lets no thread sleep on several words.");
        const int Most = 126;
        var semaphores = Enumerable.Range(0, Most).Select(i => SharedSemaphore.At(Mapping, Memory.OneSeat + (i * 16), 0)).ToArray<ISharedWaitable>();
        // Another wait, so that the thread that serves both has no room for all words.
        var other = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        var waiting = other.WaitAsync().AsTask();
        var any = SharedWait.WaitAnyAsync(semaphores).AsTask();
        foreach (var place in new[] { Most - 1, 0 })
        {
            Watchdog.Until(() => ServiceThreads.CountInFutex() == ServiceThreads.Count(), "sleeping threads");
            ((SharedSemaphore)semaphores[place]).Release();
            Assert.Equal(place, await any.WaitAsync(Watchdog.Limit));
            any = SharedWait.WaitAnyAsync(semaphores).AsTask();
        }

        other.Release();
        await waiting.WaitAsync(Watchdog.Limit);
        ((SharedSemaphore)semaphores[1]).Release();
        await any.WaitAsync(Watchdog.Limit);
    }

    [SkippableFact]
    [Rule("service.many")]
    public void The_death_of_any_of_three_hundred_participants_is_found_at_once()
    {
        Skip.IfNot(Kernel.Current.CanWaitForMany, "This kernel lets no thread sleep on several words.");
        const int Seats = 300;
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping, 0, Seats);
        for (var seat = 1; seat <= Seats; seat++)
        {
            if (seat != roster.Self.Seat)
            {
                // One that lives: without a namespace, no witness looks for its process.
                memory.Store(RosterLayout.HeaderSize + (RosterLayout.SeatSize * (seat - 1)) + 4, 1);
                memory.Store(RosterLayout.HeaderSize + (RosterLayout.SeatSize * (seat - 1)), 0x80000001);
            }
        }

        var ended = new ConcurrentBag<int>();
        roster.Ended += (_, arguments) => ended.Add(arguments.Participant.Seat);
        foreach (var seat in new[] { Seats, 150, 42 })
        {
            Watchdog.Until(() => ServiceThreads.CountInFutex() == ServiceThreads.Count(), "sleeping threads");
            Die(memory, seat);
            Watchdog.Until(() => ended.Contains(seat), "the news of the death");
        }

        Assert.Equal(3, ended.Count);
    }

    protected override void Dispose(bool disposing)
    {
        _rareLooks.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>What the kernel does.</summary>
    private static unsafe void Die(Memory memory, int seat)
    {
        var at = RosterLayout.HeaderSize + (RosterLayout.SeatSize * (seat - 1));
        memory.Store(at, 0xC0000000);
        Kernel.Current.Wake((uint*)memory.Mapping.DangerousGetPointer() + (at / sizeof(uint)), 1);
    }
}
