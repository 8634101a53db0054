using System.Globalization;
using Posix.SharedMemory.Threading.Tests.Peers;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Processes of ours that are killed inside of what they do with a POSIX mutex, before and after each system call and between instructions. A program in C survives with us.</summary>
/// <remarks>With <c>EVERY_INSTRUCTION=1</c> no instruction is left out; otherwise most are, chosen by a fixed seed: each needs a process.</remarks>
public sealed class KillingPosixOwners : IDisposable
{
    private const string OwnerDied = "130";

    private static readonly bool s_every = Environment.GetEnvironmentVariable("EVERY_INSTRUCTION") == "1";

    private readonly Memory _memory = new();
    private readonly Random _random = new(20261127);
    private readonly PosixMutex _mutex;

    private readonly ITestOutputHelper _output;

    public KillingPosixOwners(ITestOutputHelper output)
    {
        _output = output;
        _mutex = PosixMutex.At(_memory.Mapping, PosixVictim.Mutex);
    }

    private string File => "/dev/shm/" + _memory.Name;

    [SkippableTheory]
    [InlineData("enter", false)]
    [InlineData("leave", false)]
    [InlineData("repair", true)]
    [InlineData("hand-back", true)]
    [Rule("posix.mutex.killed")]
    public void Killed_at_each_system_call_beside_a_sleeper_in_C_and_one_here(string act, bool isUnrepaired)
    {
        using var survivor = StartC();
        for (var point = 0; ; point++)
        {
            Assert.True(point < 40);
            Reset(isUnrepaired);
            using var victim = Partner.Start("posix-act", _memory.Name, act);
            var thread = victim.ReadLine();
            // What waits is asleep when the victim begins, and the victim when the others leave.
            var isInside = act is "leave" or "hand-back";
            if (!isInside && !isUnrepaired)
            {
                Assert.Equal("0", survivor.Ask("lock"));
            }

            Task<bool>? blocked = null;
            if (isInside)
            {
                survivor.Tell("lock");
                Watchdog.Until(HasWaiters, "the sleeper in C");
                blocked = PosixMutexPartners.OnThread(Enter);
            }

            using var tracer = Trace(thread, "calls", point);
            if (!isInside && !isUnrepaired)
            {
                Watchdog.Until(() => HasWaiters() || victim.HasExited, "the victim");
                Assert.Equal("0", survivor.Ask("unlock"));
            }

            Assert.Equal("killed", tracer.ReadLine());
            victim.Kill();
            var told = isInside ? survivor.ReadLine() : survivor.Ask("lock");
            Leave(survivor, told);
            var died = blocked is not null && blocked.WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
            // At most one of them learns of a death, since that one repairs; after a hand-back, one of them always does.
            Assert.False(told == OwnerDied && died);
            Assert.True(act != "hand-back" || told == OwnerDied || died);
            AssertWhole(survivor);
            if (IsDone())
            {
                Assert.True(point > 0, "It was never killed.");
                _output.WriteLine($"{act}: done after {point} stops.");
                return;
            }
        }
    }

    [SkippableTheory]
    [InlineData("leave", 2000)]
    [InlineData("hand-back", 4000)]
    [Rule("posix.mutex.killed")]
    public void Killed_between_two_instructions(string act, int most)
    {
        using var survivor = StartC();
        for (var point = 0; ; point += s_every ? 1 : 1 + _random.Next(most / 10))
        {
            Reset(isUnrepaired: act == "hand-back");
            using var victim = Partner.Start("posix-act", _memory.Name, act);
            using var tracer = Trace(victim.ReadLine(), "steps", point);
            Assert.Equal("killed", tracer.ReadLine());
            victim.Kill();
            Assert.False(_mutex.IsHeld);
            // What is left unrepaired is a death for the next, wherever its owner is killed.
            Assert.True(act != "hand-back" || _mutex.IsInconsistent, $"Killed after {point} instructions.");
            var isInconsistent = _mutex.IsInconsistent;
            var told = survivor.Ask("lock");
            Assert.Equal(isInconsistent ? OwnerDied : "0", told);
            Leave(survivor, told);
            AssertWhole(survivor);
            if (IsDone())
            {
                Assert.True(point > 0, "It was never killed.");
                _output.WriteLine($"{act}: done after {point} stops.");
                return;
            }
        }
    }

    public void Dispose()
    {
        _memory.Dispose();
    }

    private void Reset(bool isUnrepaired)
    {
        _memory.Mapping.GetSpan(PosixVictim.Go, 256).Clear();
        if (isUnrepaired)
        {
            using var peer = StartC();
            Assert.Equal("0", peer.Ask("lock"));
            peer.Kill();
            Watchdog.Until(() => !_mutex.IsHeld && _mutex.IsInconsistent, "the death");
        }
    }

    private bool IsDone() => _memory.Word(PosixVictim.Done) == 1;

    private bool HasWaiters() => (_memory.Word(PosixVictim.Mutex + PosixMutexLayout.Current.WordOffset) >> 31) == 1;

    private bool Enter()
    {
        using var hold = _mutex.EnterUnrepaired();
        if (hold.OwnerDied)
        {
            hold.MarkConsistent();
        }

        return hold.OwnerDied;
    }

    private static void Leave(Peer survivor, string told)
    {
        if (told == OwnerDied)
        {
            Assert.Equal("0", survivor.Ask("consistent"));
        }
        else
        {
            Assert.Equal("0", told);
        }

        Assert.Equal("0", survivor.Ask("unlock"));
    }

    private void AssertWhole(Peer survivor)
    {
        Assert.False(Enter());
        Assert.Equal("0", survivor.Ask("trylock"));
        Assert.Equal("0", survivor.Ask("unlock"));
    }

    private Peer StartC()
    {
        var peer = Peer.Run(CCompilation.Build("cc", "mutex.c"), File, PosixVictim.Mutex.ToString(CultureInfo.InvariantCulture));
        peer.ReadLine();
        return peer;
    }

    private Peer Trace(string thread, string kind, int count)
    {
        var tracer = Peer.Run(
            CCompilation.Build("cc", "tracer.c"), thread, kind, count.ToString(CultureInfo.InvariantCulture), File, PosixVictim.Go.ToString(CultureInfo.InvariantCulture));
        Skip.If(tracer.ReadLine() == "refused", "This machine lets no process be traced.");
        return tracer;
    }
}
