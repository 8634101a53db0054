using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>A process that closes any descriptor of a file loses all its POSIX locks on it: what a bridge in the process opens and closes does not cost it a lock.</summary>
public sealed class CallersLocks(LockJudge judge) : IClassFixture<LockJudge>
{
    [Fact]
    [Rule("bridge.locks")]
    public async Task Objects_that_a_bridge_looks_at_keep_the_locks_of_its_process()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var other = TemporaryName.Of(hosts.NameOnA("other"));
        using var file = new FileStream(other.Path, FileMode.CreateNew, FileAccess.ReadWrite);
        file.SetLength(8192);
        using var taken = MessageChannel.Create(hosts.NameOnB("x"));
        using var takenFile = new FileStream("/dev/shm/" + hosts.NameOnB("x"), FileMode.Open, FileAccess.ReadWrite);
        Lock(file);
        Lock(takenFile);
        using var source = hosts.CreateSource("x");
        using var typed = LatestValue<long>.Create(hosts.NameOnA("typed"));
        Watchdog.Until(() => hosts.Refusals.Any(refusal => refusal.Channel == "typed") && hosts.Refusals.Any(refusal => refusal.Channel == "x"), "both refusals");
        Assert.True(judge.SeesLock(file.SafeFileHandle));
        Assert.True(judge.SeesLock(takenFile.SafeFileHandle));
    }

    private static void Lock(FileStream file)
    {
        if (OperatingSystem.IsLinux())
        {
            file.Lock(0, 100);
        }
    }
}
