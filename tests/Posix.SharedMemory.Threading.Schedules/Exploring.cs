using Xunit.Abstractions;

namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>The library's own code in many interleavings, which a scheduler decides; and mutants of it, which the same interleavings find.</summary>
public sealed class Exploring(ITestOutputHelper output)
{
    private const int SchedulesForMutants = 30_000;

    private static readonly Dictionary<string, Func<Scenario>> s_scenarios = new(StringComparer.Ordinal)
    {
        ["mutex"] = () => new Excluding(kills: false, givesUp: false),
        ["mutex, one gives up"] = () => new Excluding(kills: false, givesUp: true),
        ["mutex, one is killed"] = () => new Excluding(kills: true, givesUp: false),
        ["event count"] = () => new Notifying(kills: false),
        ["event count, the notifier is killed"] = () => new Notifying(kills: true),
        ["semaphore"] = () => new Counting(int.MaxValue, givesUp: false),
        ["semaphore, one gives up"] = () => new Counting(int.MaxValue, givesUp: true),
        ["semaphore with a maximum"] = () => new Counting(5, givesUp: true),
        ["reader-writer lock"] = () => new Sharing(kills: false),
        ["reader-writer lock, one is killed"] = () => new Sharing(kills: true),
    };

    public static TheoryData<string> Scenarios => new(s_scenarios.Keys);

    [Theory]
    [MemberData(nameof(Scenarios))]
    [Rule("schedules.hold")]
    public void No_schedule_of_the_code_breaks_the_lock_or_leaves_a_sleeper(string scenario)
    {
        var failure = Explorer.Explore(s_scenarios[scenario], Explorer.Schedules, Explorer.FirstSeed);
        Assert.True(failure is null, failure);
    }

    [Theory]
    [InlineData("mutex", "enter without waiters")]
    [InlineData("mutex", "wake before leaving")]
    [InlineData("mutex, one is killed", "take over without a fence")]
    [InlineData("event count", "no second look")]
    [InlineData("event count, the notifier is killed", "a death wakes nobody")]
    [InlineData("event count, the notifier is killed", "watch after the look")]
    [InlineData("semaphore", "take without waiters")]
    [InlineData("reader-writer lock", "count after the look")]
    [InlineData("reader-writer lock", "no look after the gate")]
    [InlineData("reader-writer lock", "the gate stays shut")]
    [InlineData("reader-writer lock", "the last reader is silent")]
    [InlineData("reader-writer lock, one is killed", "dead readers count")]
    [Rule("schedules.mutants")]
    public void A_schedule_finds_each_mutant_of_the_code(string scenario, string mutant)
    {
        Mutant.Chosen = mutant;
        try
        {
            var failure = Explorer.Explore(s_scenarios[scenario], SchedulesForMutants, firstSeed: 1);
            Assert.NotNull(failure);
            output.WriteLine(failure[..failure.IndexOf('\n', StringComparison.Ordinal)]);
        }
        finally
        {
            Mutant.Chosen = null;
        }
    }

    /// <summary>Found after some twenty thousand schedules: by hand, with SCHEDULES=30000.</summary>
    [SkippableTheory]
    [InlineData("semaphore", "no second wake")]
    [Rule("schedules.mutants")]
    public void A_schedule_finds_each_rare_mutant_of_the_code(string scenario, string mutant)
    {
        Skip.If(Explorer.Schedules < SchedulesForMutants, $"SCHEDULES={SchedulesForMutants} looks for it.");
        A_schedule_finds_each_mutant_of_the_code(scenario, mutant);
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    [Rule("schedules.hold")]
    public void A_seed_repeats_its_schedule(string scenario)
    {
        using var arena = new Arena();
        for (var seed = 1; seed <= 5; seed++)
        {
            var first = Explorer.Run(s_scenarios[scenario](), seed, arena).Schedule;
            var second = Explorer.Run(s_scenarios[scenario](), seed, arena).Schedule;
            Assert.Equal((first.Hash, first.Steps), (second.Hash, second.Steps));
        }
    }
}
