namespace Posix.SharedMemory.Tests.Races;

/// <summary>Several growers, and a neighbour that truncates.</summary>
public sealed class Growing
{
    [Theory]
    [InlineData(Backing.Reserved)]
    [InlineData(Backing.Sparse)]
    [Rule("length.concurrent")]
    [Rule("length.zeros")]
    public void Processes_that_grow_by_odd_lengths_lose_no_byte(Backing backing)
    {
        const int Writers = 6, Rounds = 700;
        using var name = new TemporaryName("grow");
        using var memory = SharedMemoryObject.Create(name, 8);
        var peers = Enumerable.Range(0, Writers)
            .Select(writer => Peer.Start("race-grow", name, Contending.Text(writer), Contending.Text(Writers), Contending.Text(Rounds), backing.ToString()))
            .ToList();
        try
        {
            Assert.All(Contending.Results(peers), line => Assert.Equal("done", line));
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }

        using var judge = Peer.Start("check-grown", name, Contending.Text(Writers), Contending.Text(Rounds));
        Assert.Equal("whole", judge.ReadLine());
    }

    [Theory]
    [InlineData(Backing.Sparse, Backing.Sparse, 4096)]
    [InlineData(Backing.Sparse, Backing.Sparse, 5001)]
    [InlineData(Backing.Sparse, Backing.Reserved, 4096)]
    [InlineData(Backing.Sparse, Backing.Reserved, 5001)]
    [InlineData(Backing.Reserved, Backing.Sparse, 4096)]
    [InlineData(Backing.Reserved, Backing.Sparse, 5001)]
    [InlineData(Backing.Reserved, Backing.Reserved, 4096)]
    [InlineData(Backing.Reserved, Backing.Reserved, 5001)]
    [Rule("length.concurrent")]
    public void What_a_neighbour_grows_and_writes_meanwhile_stays(Backing backing, Backing neighbours, int length)
    {
        using var name = new TemporaryName("grow");
        using var memory = SharedMemoryObject.Create(name, length);
        Thread? neighbour = null;
        var bytes = Enumerable.Repeat((byte)9, 60_000 - length).ToArray();
        var platform = new HookedPlatform(backing == Backing.Sparse ? "ftruncate" : "fallocate", 1, () =>
        {
            // The neighbour goes as far as it can before the first grower's call: it is done, or it waits for the first one.
            neighbour = new Thread(() =>
            {
                using var second = SharedMemoryObject.Open(name);
                second.SetLength(60_000, neighbours);
                second.Write(bytes, length);
            });
            neighbour.Start();
            Watchdog.Until(
                () => !neighbour.IsAlive || File.ReadLines("/proc/locks").Any(line =>
                    line.Contains("->", StringComparison.Ordinal) && line.Contains(":" + memory.GetStatus().Identity.Number + " ", StringComparison.Ordinal)),
                "the neighbour to be done or to wait");
        });
        using (Platform.Substitute(platform))
        {
            using var first = SharedMemoryObject.Open(name);
            first.SetLength(20_000, backing);
        }

        neighbour!.Join();
        Assert.True(platform.Fired);
        Assert.Equal(60_000, memory.Length);
        var read = new byte[bytes.Length];
        Assert.Equal(read.Length, memory.Read(read, length));
        Assert.Equal(bytes, read);
    }

    [Fact]
    [Rule("read.short")]
    public void Reading_survives_a_neighbour_that_truncates()
    {
        const int Length = 300_000;
        using var name = new TemporaryName("cut");
        using var memory = SharedMemoryObject.Create(name, Length);
        var peers = Contending.Peers(2, "race-truncate", name, Contending.Text(Length));
        try
        {
            Contending.Start(peers);
            var buffer = new byte[Length];
            var shorter = 0;
            for (var round = 0; round < 2000 || (shorter == 0 && round < 200_000); round++)
            {
                var read = memory.Read(buffer, 0);
                Assert.InRange(read, 0, Length);
                Assert.False(buffer.AsSpan(0, read).ContainsAnyExcept((byte)0));
                shorter += read < Length ? 1 : 0;
            }

            Assert.True(shorter > 0, "The object was never seen cut.");
            Assert.Contains(Contending.Stop(peers), line => line != "0");
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }
    }
}
