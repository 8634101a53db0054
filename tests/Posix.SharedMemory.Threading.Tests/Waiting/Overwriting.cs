using System.Globalization;
using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>A hostile process that writes random bytes over a roster and its locks.</summary>
public sealed class Overwriting : TwoParticipants
{
    [Fact]
    [Rule("hostile.bytes")]
    public void Random_bytes_in_the_locks_lead_to_documented_errors_or_a_timeout_and_to_nothing_else()
    {
        var random = new Random(20261126);
        var acts = Scribbling.ActsOf(Roster, Mapping);
        long[] places =
        [
            Memory.Mutex, Memory.ReaderWriter, Memory.ReaderWriter + 64, Memory.Semaphore, Memory.Returning, Memory.Returning + 16, Memory.Returning + 64, Memory.Event, Memory.Once,
            Memory.Barrier, Memory.Barrier + 16, Memory.Barrier + 48, Memory.Barrier + 64, Memory.EventCount,
        ];
        for (var round = 0; round < 600; round++)
        {
            foreach (var place in places)
            {
                if (random.Next(3) == 0)
                {
                    random.NextBytes(Mapping.GetSpan(place, 8));
                }
            }

            Assert.True(Scribbling.IsDocumented(acts[round % acts.Length], out var failure), failure?.ToString());
        }
    }

    [Fact]
    [Rule("hostile.region")]
    public void Random_bytes_over_roster_and_locks_while_processes_work_end_none_of_them()
    {
        var mine = Scribbling.ActsOf(Roster, Mapping);
        using var worker = Partner.Start("struggle", Memory.Name);
        Assert.Equal("ready", worker.ReadLine());
        using var hostile = Partner.Start("scribble", Memory.Name);
        Assert.Equal("scribbling", hostile.ReadLine());
        var acts = Watchdog.Run(() => Scribbling.Struggle(Roster, mine), "the acts here");
        Assert.True(acts > 0);
        Assert.InRange(int.Parse(Watchdog.Run(worker.ReadLine, "the acts there"), CultureInfo.InvariantCulture), 1, int.MaxValue);
        Assert.Equal((0, ""), worker.Finish() is var (code, output, _) ? (code, output) : default);
        hostile.Kill();

        // What serves all rosters of this process, its guard and those who wait for it, still does.
        using var other = new Memory();
        using var roster = Roster.Join(other.Mapping);
        using var partner = Partner.Join(other);
        partner.Ask("enter");
        var waiting = EnterAsync(SharedMutex.At(roster, Memory.Mutex));
        partner.Kill();
        Assert.True(Result(waiting));
    }
}
