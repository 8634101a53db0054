using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Processes that use psm.h and are killed after each of their instructions: what they leave, survivors here and in C find whole.</summary>
/// <remarks>With <c>EVERY_INSTRUCTION=1</c> no instruction is left out; otherwise some are, chosen by a fixed seed.</remarks>
public sealed class Stepping : TwoParticipants
{
    private static readonly bool s_every = Environment.GetEnvironmentVariable("EVERY_INSTRUCTION") == "1";

    private readonly SharedMutex _mutex;
    private readonly Random _random = new(20261126);
    private Peer? _stepper;

    private readonly ITestOutputHelper _output;

    public Stepping(ITestOutputHelper output)
    {
        _output = output;
        _mutex = SharedMutex.At(Roster, Memory.Mutex);
    }

    private Peer Stepper => _stepper ??= Peer.Run(CCompilation.Build("cc", "stepper.c"), "/dev/shm/" + Memory.Name);

    [SkippableTheory]
    [InlineData("enter-leave", "free")]
    [InlineData("enter-leave", "dead")]
    [InlineData("repair", "unrepaired")]
    [InlineData("repair", "dead")]
    [InlineData("leave", "free")]
    [InlineData("try", "free")]
    [Rule("killed.instruction")]
    public void A_mutex_reports_the_death_exactly_if_its_owner_was_killed_or_left_it_unrepaired(string scenario, string before)
    {
        var steps = Walk(scenario, n =>
        {
            Memory.Store(Memory.Mutex, before switch { "unrepaired" => 0x40000000u, "dead" => DeadOwner(), _ => 0 });
            Begin(scenario, n);
            var finished = Go();
            Survive(n, Memory.Word(Memory.Mutex));
            return finished;
        });
        Assert.InRange(steps, 20, 5000);
    }

    [SkippableFact]
    [Rule("killed.instruction")]
    public void A_process_killed_while_leaving_keeps_no_sleeper_out()
    {
        var died = false;
        Walk("leave", n =>
        {
            Memory.Store(Memory.Mutex, 0);
            Begin("leave", n);
            var blocked = Task.Run(() => Enter(_mutex));
            Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the sleeper");
            var waiting = EnterAsync(SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex));
            var finished = Go();
            var deaths = (Result(blocked) ? 1 : 0) + (Result(waiting) ? 1 : 0);
            // At first it is killed inside, at last outside. Where it leaves depends on the bits that the sleepers have set: one that looked again is patient.
            Assert.InRange(deaths, n == 0 ? 1 : 0, 1);
            died = deaths == 1;
            Survive(n, Memory.Word(Memory.Mutex));
            return finished;
        });
        Assert.False(died);
    }

    [SkippableTheory]
    [InlineData("enter-leave")]
    [InlineData("try")]
    [Rule("killed.instruction")]
    public void A_killed_waiter_consumes_no_wake_up(string scenario)
    {
        Walk(scenario, n =>
        {
            Memory.Store(Memory.Mutex, 0);
            var hold = SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex).Enter();
            Begin(scenario, n);
            Task<bool>? blocked = null;
            var answer = Stepper.Ask("go");
            if (answer == "asleep")
            {
                blocked = Task.Run(() => Enter(_mutex));
                Thread.Sleep(2);
                hold.Dispose();
                answer = Stepper.Ask("on");
            }
            else
            {
                hold.Dispose();
            }

            _ = blocked is not null && Result(blocked);
            Survive(n, Memory.Word(Memory.Mutex));
            return answer == "finished";
        }, stride: 30);
    }

    [SkippableTheory]
    [InlineData("release")]
    [InlineData("take")]
    [Rule("killed.instruction")]
    public void A_sleeper_gets_an_available_permit(string scenario)
    {
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0, 5);
        Walk(scenario, n =>
        {
            Memory.Store(Memory.Semaphore, 0);
            Begin(scenario, n);
            var answer = scenario == "take" ? Stepper.Ask("go") : "";
            var waiting = Task.Run(() => semaphore.Wait(Watchdog.Limit));
            Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1, "the sleeper");
            if (scenario == "release")
            {
                answer = Go() ? "finished" : "killed";
            }
            else if (answer == "asleep")
            {
                // The mark is the victim's: a sleeper that begins only now would take the permit at its first look.
                Thread.Sleep(20);
                semaphore.Release();
                answer = Stepper.Ask("on");
            }
            else
            {
                semaphore.Release();
            }

            // What the victim took is lost, as documented; what it did not take, the sleeper gets.
            if (!waiting.Wait(scenario == "take" && semaphore.CurrentCount == 0 ? TimeSpan.FromMilliseconds(5) : TimeSpan.FromMilliseconds(20)) && semaphore.CurrentCount == 0)
            {
                semaphore.Release();
            }

            Assert.True(Result(waiting));
            Assert.InRange(semaphore.CurrentCount, 0, 1);
            return answer == "finished";
        });
    }

    [SkippableFact]
    [Rule("killed.instruction")]
    public void An_event_is_set_or_not_set_and_its_sleeper_learns_which()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        Walk("set", n =>
        {
            Memory.Store(Memory.Event, 0);
            Begin("set", n);
            var waiting = Task.Run(() => signal.Wait(Watchdog.Limit));
            Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "the sleeper");
            var finished = Go();
            if (!waiting.Wait(10) && !signal.IsSet)
            {
                signal.Set();
            }

            Assert.True(Result(waiting));
            return finished;
        });
    }

    [SkippableFact]
    [Rule("killed.instruction")]
    public void The_death_of_a_notifier_wakes_the_waiters_that_its_notification_did_not_reach()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Walk("notify", n =>
        {
            Begin("notify", n);
            var key = count.PrepareWait();
            var waiting = count.WaitAsync(key).AsTask();
            var blocked = Task.Run(() => count.Wait(key, Watchdog.Limit));
            var finished = Go();
            waiting.WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
            Assert.True(Result(blocked));
            return finished;
        });
    }

    [SkippableFact]
    [Rule("killed.claim")]
    public void A_process_killed_while_joining_a_roster_leaves_a_seat_that_can_be_taken()
    {
        var steps = Walk("join", n =>
        {
            Mapping.GetSpan(Memory.OneSeat, 128).Clear();
            Begin("join", n);
            var finished = Go();
            Roster.Join(Mapping, Memory.OneSeat, 1).Dispose();
            return finished;
        }, stride: 60);
        Assert.InRange(steps, 100, 20000);
    }

    [SkippableFact]
    [Rule("killed.leave")]
    public void A_process_killed_while_leaving_a_roster_leaves_a_seat_that_can_be_taken()
    {
        Walk("join-leave", n =>
        {
            Mapping.GetSpan(Memory.OneSeat, 128).Clear();
            Begin("join-leave", n);
            var finished = Go();
            using var next = Roster.Join(Mapping, Memory.OneSeat, 1);
            Assert.Equal(2, next.Self.Incarnation);
            return finished;
        }, stride: 60);
    }

    /// <summary>A mutex word whose owner died long ago in seat 60.</summary>
    private uint DeadOwner()
    {
        Memory.Store(64 + (59 * 32), 0xC0000000);
        Memory.Store(64 + (59 * 32) + 4, 0x80000005);
        return (1u << 28) | (60u << 18) | 5;
    }

    private void Begin(string scenario, long n)
    {
        var answer = Stepper.Ask(string.Create(CultureInfo.InvariantCulture, $"{scenario} {n}"));
        Skip.If(answer.StartsWith("refused", StringComparison.Ordinal), $"This machine lets no process be traced: {answer}.");
        Assert.StartsWith("ready ", answer, StringComparison.Ordinal);
    }

    private bool Go()
    {
        var answer = Stepper.Ask("go");
        return (answer == "asleep" ? Stepper.Ask("on") : answer) == "finished";
    }

    /// <summary>Survivors in both languages enter; the first one learns of a death exactly if the word says so.</summary>
    private void Survive(long n, uint word)
    {
        var told = (word & 0x5FFFFFFF) != 0;
        if (n % 2 == 0)
        {
            Assert.Equal(told ? "after a death" : "entered", Stepper.Ask("enter"));
            Assert.False(Enter(_mutex));
        }
        else
        {
            Assert.Equal(told, Enter(_mutex));
            Assert.Equal("entered", Stepper.Ask("enter"));
        }
    }

    /// <summary>Walks through the instructions of a scenario.</summary>
    /// <param name="scenario">What the victim does.</param>
    /// <param name="run">Starts it, has it killed after so many instructions, and checks; true: there are no more.</param>
    /// <param name="stride">How many instructions are left out at most, unless none is to be.</param>
    /// <returns>How many there are, nearly.</returns>
    private long Walk(string scenario, Func<long, bool> run, int stride = 16)
    {
        var clock = Stopwatch.StartNew();
        for (var n = 0L; ; n += s_every ? 1 : 1 + _random.Next(stride))
        {
            try
            {
                if (run(n))
                {
                    _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{scenario}: {n} instructions in {clock.Elapsed.TotalSeconds:F1} s"));
                    return n;
                }
            }
            catch (Exception e) when (e is not SkipException)
            {
                throw new InvalidOperationException($"Killed after instruction {n} of {scenario}: {e.Message}; the mutex is {Memory.Word(Memory.Mutex):x8}.", e);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        _stepper?.Dispose();
        base.Dispose(disposing);
    }
}
