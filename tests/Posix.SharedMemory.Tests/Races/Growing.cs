using System.Diagnostics;
using Posix.SharedMemory.Interop;

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
    public void Bytes_that_another_process_adds_and_writes_meanwhile_stay(Backing backing, Backing neighbours, int length)
    {
        using var name = new TemporaryName("grow");
        using var memory = SharedMemoryObject.Create(name, length);
        GrowTogether(() => SharedMemoryObject.Open(name), backing, memory, neighbours, length);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(5001)]
    [Rule("length.concurrent")]
    [Rule("length.reserved")]
    public void Bytes_that_another_process_adds_and_writes_stay_if_a_long_growth_fails_whichever_call_fails(int length)
    {
        // More than is allocated in a turn. The neighbour comes before each of the calls, and each allocation fails.
        const int Long = 40 << 20, Neighbours = 20 << 20;
        IReadOnlyList<string> calls;
        var plain = new ScriptedPlatform();
        using (Platform.Substitute(plain))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(length, new() { MemoryCheck = MemoryCheck.None });
            plain.Arm(null);
            memory.SetLength(Long);
            calls = [.. plain.Calls];
        }

        Assert.Contains("fallocate", calls);
        for (var failing = 1; failing <= calls.Count(call => call == "fallocate"); failing++)
        {
            for (var at = 0; at <= calls.Count; at++)
            {
                GrowWhereAnotherFails(length, Long, Neighbours, failing, at);
            }
        }
    }

    private static void GrowWhereAnotherFails(int length, int wanted, int neighbours, int failing, int at)
    {
        using var name = new TemporaryName("grow");
        using var second = SharedMemoryObject.Create(name, length, new() { MemoryCheck = MemoryCheck.None });
        Thread? neighbour = null;
        var bytes = Enumerable.Repeat((byte)9, neighbours - length).ToArray();
        void Grow()
        {
            second.SetLength(neighbours);
            second.Write(bytes, length);
        }

        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var first = SharedMemoryObject.Open(name);
            platform.ActBefore(at, () => neighbour = StartAndLetGoOn(Grow, 50), "fallocate", Errno.ENOSPC, failing);
            Assert.Equal(Errno.ENOSPC, Assert.Throws<SharedMemoryException>(() => first.SetLength(wanted)).Errno);
            // After its last call.
            neighbour ??= StartAndLetGoOn(Grow, 50);
            neighbour.Join();
        }

        Assert.Equal(neighbours, second.Length);
        Assert.True(second.GetStatus().AllocatedBytes >= neighbours, $"{at}: {second.GetStatus().AllocatedBytes} bytes are allocated.");
        var read = new byte[bytes.Length];
        Assert.Equal(read.Length, second.Read(read, length));
        Assert.True(bytes.AsSpan().SequenceEqual(read), $"{at}: bytes are lost.");
    }

    [Theory]
    [InlineData(Backing.Sparse, 4096)]
    [InlineData(Backing.Sparse, 5001)]
    [InlineData(Backing.Reserved, 4096)]
    [InlineData(Backing.Reserved, 5001)]
    [Rule("length.concurrent")]
    public void Processes_that_share_a_descriptor_grow_it_and_lose_no_byte(Backing backing, int length)
    {
        using var memory = SharedMemoryObject.CreateAnonymous(length);
        SharedMemoryObject Receive() => SharedMemoryObject.FromHandle(Native.Duplicate(memory.SafeFileHandle));
        GrowTogether(Receive, backing, memory, backing, length);
        memory.SetLength(length);
        using var third = Receive();
        GrowTogether(Receive, backing, third, backing, length);
    }

    [Theory]
    [InlineData("given out")]
    [InlineData("sent")]
    [InlineData("received")]
    [Rule("length.concurrent")]
    public async Task A_process_killed_while_growing_does_not_hold_up_those_that_share_its_descriptor(string how)
    {
        // The kernel gives back the locks of an open with its last descriptor, so the lock may not be on the one that others have too.
        using var pair = new SocketPair();
        SharedMemoryObject? memory = null;
        var conflicts = false;
        var platform = ScriptedPlatform.Before("fallocate", how == "received" ? 1 : 2, () =>
        {
            var request = new LinuxFlock { l_type = Linux.F_WRLCK, l_start = (long)RecordLock.Growth, l_len = 1 };
            conflicts = Libc.fcntl_flock(memory!.Target.Handle, Linux.F_OFD_SETLK, ref request) == -1;
        });
        using var given = SharedMemoryObject.CreateAnonymous(5000);
        using (Platform.Substitute(platform))
        {
            memory = how == "received" ? SharedMemoryObject.FromHandle(Native.Duplicate(given.SafeFileHandle)) : SharedMemoryObject.CreateAnonymous(5000);
        }

        using (memory)
        {
            if (how == "sent")
            {
                await pair.Sender.SendObjectAsync(memory);
            }
            else if (how == "given out")
            {
                _ = memory.SafeFileHandle;
            }

            memory.SetLength(9000);
            Assert.True(platform.Fired);
            Assert.True(conflicts);
        }
    }

    [Fact]
    [Rule("length.concurrent")]
    public void A_user_that_may_not_open_the_object_again_can_still_grow_it()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(5001);
        foreach (var refusal in new[] { Errno.EACCES, Errno.EPERM, Errno.ENOENT })
        {
            var platform = new ScriptedPlatform("open", refusal);
            using (Platform.Substitute(platform))
            {
                using var received = SharedMemoryObject.FromHandle(Native.Duplicate(memory.SafeFileHandle));
                received.SetLength(memory.Length + 4096 - 5);
            }

            Assert.True(platform.Fired);
        }

        Assert.Equal(5001 + (3 * 4091), memory.Length);
    }

    [Fact]
    [Rule("length.concurrent")]
    [Rule("length.reserved")]
    public void Two_processes_that_shorten_an_object_at_once_never_lengthen_it()
    {
        using var name = new TemporaryName("grow");
        using var memory = SharedMemoryObject.Create(name, 16_384);
        using var second = SharedMemoryObject.Open(name);
        Thread? neighbour = null;
        var platform = ScriptedPlatform.Before("ftruncate", 1, () => neighbour = StartAndLetGoOn(() => second.SetLength(0)));
        using (Platform.Substitute(platform))
        {
            using var first = SharedMemoryObject.Open(name);
            first.SetLength(8192);
        }

        neighbour!.Join();
        Assert.True(platform.Fired);
        Assert.Equal(0, memory.Length);
    }

    private static void GrowTogether(Func<SharedMemoryObject> open, Backing backing, SharedMemoryObject second, Backing neighbours, int length)
    {
        Thread? neighbour = null;
        var bytes = Enumerable.Repeat((byte)9, 60_000 - length).ToArray();
        var platform = ScriptedPlatform.Before("fallocate", 1, () =>
            neighbour = StartAndLetGoOn(() =>
            {
                second.SetLength(60_000, neighbours);
                second.Write(bytes, length);
            }));
        using (Platform.Substitute(platform))
        {
            using var first = open();
            first.SetLength(20_000, backing);
        }

        neighbour!.Join();
        Assert.True(platform.Fired);
        Assert.Equal(60_000, second.Length);
        var read = new byte[bytes.Length];
        Assert.Equal(read.Length, second.Read(read, length));
        Assert.Equal(bytes, read);
    }

    /// <summary>Starts a neighbour, which goes as far as it can before the first one's call: it is done, or it waits for the first one.</summary>
    private static Thread StartAndLetGoOn(Action act, int milliseconds = 300)
    {
        var neighbour = new Thread(() => act());
        neighbour.Start();
        // If it is not done by then, it waits for its turn.
        _ = neighbour.Join(TimeSpan.FromMilliseconds(milliseconds));
        return neighbour;
    }

    [Fact]
    [Rule("read.short")]
    public void Reading_survives_another_process_that_truncates()
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
            var clock = Stopwatch.StartNew();
            for (var round = 0; round < 2000 || (shorter == 0 && clock.Elapsed < Watchdog.Limit); round++)
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
