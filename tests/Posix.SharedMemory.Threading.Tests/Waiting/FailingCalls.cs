namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Acts of a participant whose calls into the kernel fail, one after the other. Two others, whose calls do not fail, then find out what is left.</summary>
public abstract class FailingCalls : TwoParticipants
{
    private static readonly string[] s_calls = ["mmap", "mremap", "clone", "kill", "set_robust_list", "futex(FUTEX_WAKE)", "futex(FUTEX_WAKE_OP)", "futex(FUTEX_WAIT)"];

    private readonly MemoryMapping _third;

    protected FailingCalls()
    {
        _third = Memory.MapAgain();
        FailingKernel = new();
        FailingRoster = Roster.Join(FailingKernel, _third, 0, Roster.DefaultSeats, null);
        PagesBefore = FailingKernel.Pages;
    }

    private protected FailingKernel FailingKernel { get; }

    protected Roster FailingRoster { get; }

    protected MemoryMapping FailingMapping => _third;

    /// <summary>Gets how many pages the failing participant's own seat and guard take.</summary>
    protected int PagesBefore { get; }

    protected static TimeSpan Soon { get; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Runs a scenario once for each call that its act makes, which fails, once for each kind of call, all of which fail, and again where several words cannot be slept on.</summary>
    protected void Walk(Action scenario)
    {
        var failures = WalkPoints(scenario);
        foreach (var call in s_calls)
        {
            FailingKernel.FailAll(call, Errno.ENOMEM);
            Run(scenario, call);
            failures += FailingKernel.Hits;
        }

        foreach (var call in (ReadOnlySpan<string>)["membarrier(GLOBAL_EXPEDITED)", "futex_waitv"])
        {
            // Refusals that the library remembers, and goes around.
            FailingKernel.FailAll(call, Errno.EPERM);
            Run(scenario, call);
            failures += FailingKernel.Hits;
        }

        WalkPoints(scenario);
        Assert.True(failures > 0, "No call has failed.");
    }

    /// <summary>Does something while calls fail.</summary>
    /// <returns>Whether it was done; otherwise it has failed with an exception that may come of a failing call.</returns>
    protected bool Attempt(Action act)
    {
        FailingKernel.Arm();
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (e is SharedMemoryException or OutOfMemoryException or OperationCanceledException or OwnerDiedException)
        {
            return false;
        }
        finally
        {
            FailingKernel.Disarm();
        }
    }

    /// <summary>As <see cref="Attempt"/>, for what belongs to no roster.</summary>
    protected bool AttemptWithoutRoster(Action act)
    {
        var kernel = Kernel.Current;
        Kernel.Current = FailingKernel;
        try
        {
            return Attempt(act);
        }
        finally
        {
            Kernel.Current = kernel;
        }
    }

    /// <summary>Makes seat 60 that of a process which has died, in its fifth life.</summary>
    /// <returns>The participant.</returns>
    protected uint MakeDead()
    {
        Memory.Store(64 + (59 * 32), 0xC0000000);
        Memory.Store(64 + (59 * 32) + 4, 0x80000005);
        return (1u << 28) | (60u << 18) | 5;
    }

    /// <summary>Wakes whoever sleeps on a word: a wake-up that has failed would keep it asleep for a second.</summary>
    protected void Wake(long offset) => SharedWord.At(Mapping, offset).Wake();

    protected override void Dispose(bool disposing)
    {
        FailingRoster.Dispose();
        _third.Dispose();
        base.Dispose(disposing);
    }

    private static void Run(Action scenario, string failing)
    {
        try
        {
            Watchdog.Run(
                () =>
                {
                    scenario();
                    return true;
                },
                failing);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{failing} failed: {e.Message}", e);
        }
    }

    private int WalkPoints(Action scenario)
    {
        for (var point = 0; ; point++)
        {
            Assert.True(point < 100);
            FailingKernel.FailAt(point);
            Run(scenario, $"call {point}");
            if (FailingKernel.Hits == 0)
            {
                return point;
            }
        }
    }
}
