using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Programs in .NET and C in front of which a filter of the kernel refuses a call for all of their threads, from their beginning.</summary>
public sealed class BehindFilters : TwoParticipants
{
    private const int EPERM = 1, ENOSYS = 38;

    [SkippableTheory]
    [InlineData("c", "futex_waitv", ENOSYS)]
    [InlineData("c", "FUTEX_WAKE_OP", ENOSYS)]
    [InlineData("c", "membarrier", ENOSYS)]
    [InlineData("c", "set_robust_list", ENOSYS)]
    [InlineData("net", "futex_waitv", EPERM)]
    [InlineData("net", "futex_waitv", ENOSYS)]
    [InlineData("net", "FUTEX_WAKE_OP", ENOSYS)]
    [InlineData("net", "membarrier", EPERM)]
    [InlineData("net", "set_robust_list", ENOSYS)]
    [InlineData("net", "gettid", EPERM)]
    [Rule("languages.refused")]
    [Rule("refused.process")]
    public async Task A_program_takes_part_even_if_a_filter_refuses_its_calls(string language, string refused, int errno)
    {
        using var peer = language == "c"
            ? Peer.Run(CCompilation.Build("cc", "partner.c"), "/dev/shm/" + Memory.Name, refused)
            : Behind(refused, errno, "act");
        var self = new Participant(uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture));
        Assert.Equal(refused != "membarrier", (Memory.Word(64 + (32 * (self.Seat - 1)) + 4) >> 31) == 1);
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        using (mutex.Enter())
        {
            peer.Tell("enter");
            Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the waiter");
        }

        Assert.Equal("entered", peer.ReadLine());
        var blocked = Task.Run(() => mutex.Enter().Dispose());
        Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the waiter here");
        peer.Ask("leave");
        await blocked.WaitAsync(Watchdog.Limit);

        // It finds a death while it sleeps.
        using var owner = Partner.Join(Memory);
        owner.Ask("enter");
        peer.Tell("enter");
        Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the waiter");
        owner.Kill();
        Assert.Equal("after a death", peer.ReadLine());
        Assert.Equal("consistent", peer.Ask("consistent"));
        peer.Ask("leave");

        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Assert.Equal("prepared", peer.Ask("wait-count"));
        count.NotifyAll();
        Assert.Equal("notified", peer.ReadLine());

        // Its own death is found, without a list by the second witness.
        Assert.Equal("entered", peer.Ask("enter"));
        var waiting = Task.Run(() => mutex.Enter());
        peer.Kill();
        await Assert.ThrowsAsync<OwnerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
    }

    [SkippableTheory]
    [InlineData("futex_waitv", "one word, fences, marks, POSIX mutex")]
    [InlineData("membarrier", "several words, no fences, marks, POSIX mutex")]
    [InlineData("set_robust_list", "several words, fences, no marks, no POSIX mutex")]
    [InlineData("get_robust_list", "several words, fences, marks, no POSIX mutex")]
    [Rule("refused.process")]
    [Rule("refused.support")]
    public void A_program_reports_what_a_filter_refuses(string refused, string report)
    {
        using var peer = Behind(refused, EPERM, "refused");
        Assert.Equal(report, peer.ReadLine());
    }

    private Peer Behind(string refused, int errno, string command)
    {
        Skip.If(ThreadFilter.Obstacle is not null, ThreadFilter.Obstacle);
        return Peer.Run(CCompilation.Build("cc", "refuse.c"), refused, errno.ToString(CultureInfo.InvariantCulture), Partner.Program, command, Memory.Name);
    }
}
