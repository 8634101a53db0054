namespace Posix.SharedMemory.Tests.Mapping;

public sealed class SharingValues
{
    [Fact]
    [Rule("map.atomics")]
    public void Two_processes_count_without_losing_one()
    {
        const int Rounds = 500_000;
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 100);
        using var mapping = memory.Map();
        using var peer = Peer.Start("map-count", name, $"{Rounds}");
        Assert.Equal("ready", peer.ReadLine());
        peer.Tell("go");
        Watchdog.Until(() => Volatile.Read(ref mapping.GetReference<long>(0)) > 0, "the other process's first step");
        for (var round = 0; round < Rounds; round++)
        {
            Interlocked.Increment(ref mapping.GetReference<long>(0));
        }

        Assert.Equal("done", peer.ReadLine());
        Assert.Equal(2L * Rounds, mapping.GetReference<long>(0));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Fact]
    [Rule("map.atomics")]
    public void Data_published_with_Volatile_is_seen_whole_by_another_process()
    {
        const int Rounds = 20_000;
        using var memory = SharedMemoryObject.CreateUnpublished(4096);
        using var name = new TemporaryName();
        memory.Publish(name);
        using var mapping = memory.Map();
        using var peer = Peer.Start("map-consume", name, $"{Rounds}");
        Assert.Equal("ready", peer.ReadLine());
        peer.Tell("go");
        Watchdog.Run(
            () =>
            {
                for (var round = 1L; round <= Rounds; round++)
                {
                    mapping.GetSpan<long>(128, 64).Fill(round);
                    Volatile.Write(ref mapping.GetReference<long>(0), round);
                    for (var wait = default(SpinWait); Volatile.Read(ref mapping.GetReference<long>(64)) < round; wait.SpinOnce(sleep1Threshold: -1))
                    {
                    }
                }

                return Rounds;
            },
            "the other process's answers");
        Assert.Equal("done", peer.ReadLine());
        Assert.Equal(0, peer.Finish().ExitCode);
    }
}
