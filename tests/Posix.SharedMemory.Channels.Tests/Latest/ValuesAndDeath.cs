using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Latest;

/// <summary>Writers and readers in other processes, killed and stopped anywhere; bytes that no correct writer stores.</summary>
public sealed class ValuesAndDeath
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [Rule("latest.whole")]
    [Rule("latest.died")]
    public void Writers_killed_at_random_leave_whole_values(int buffers)
    {
        using var name = new TemporaryName("latest");
        using var value = LatestBytes.Create(name, new() { MaxLength = 2000, Buffers = buffers });
        using var reader = value.OpenReader();
        var bytes = new byte[2000];
        long last = 0, read = 0;
        var rounds = Environment.GetEnvironmentVariable("STRESS_SECONDS") is { Length: > 0 } text ? 4 * int.Parse(text, CultureInfo.InvariantCulture) : 8;
        for (var round = 0; round < rounds; round++)
        {
            using var peer = Partner.Start("latest-stream", name);
            Assert.Equal("open", peer.ReadLine());
            var until = last + Random.Shared.Next(1, 60_000);
            while (last < until)
            {
                last = reader.WaitForChange(last, Watchdog.Limit);
                read += Read(reader, bytes, ref last);
            }

            peer.Kill();
            Watchdog.Until(() => reader.Writer == PeerState.Died, "the death");
            read += Read(reader, bytes, ref last);
            // Nothing moves any more: every reader gets the same whole value.
            using var other = value.OpenReader();
            Assert.True(other.TryRead(bytes, out _, out var version));
            Assert.Equal(last, version);
            Assert.Throws<PeerDiedException>(() => reader.WaitForChange(last, Watchdog.Limit));
            Assert.Equal(last, reader.WaitForChange(last, TimeSpan.FromMilliseconds(1)));
        }

        Assert.InRange(read, rounds, long.MaxValue);
    }

    [Theory]
    [InlineData("begin")]
    [InlineData("publish 7")]
    [Rule("latest.died")]
    [Rule("latest.stopped")]
    public async Task A_writer_that_is_stopped_and_killed_leaves_what_it_had_published(string window)
    {
        using var name = new TemporaryName("latest");
        using var value = LatestValue<long>.Create(name, new() { Buffers = 2 });
        using var reader = value.OpenReader();
        using var peer = Partner.Start("latest-writer", name);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("publish 6"));
        Assert.Equal("done", peer.Ask("publish 7"));
        Assert.Equal("done", peer.Ask(window));
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        Assert.Equal(PeerState.Alive, reader.Writer);
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => value.OpenWriter()).Errno);
        Assert.True(reader.TryRead(out var seven, out var version));
        Assert.Equal((7, window == "begin" ? 4 : 6), (seven, version));
        Assert.Equal(version, reader.WaitForChange(version, TimeSpan.FromSeconds(1.5)));
        var waiting = reader.WaitForChangeAsync(version).AsTask();
        peer.Kill();
        Assert.Equal(EndpointRole.Writer, (await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit))).Peer.Role);
        using var next = value.OpenWriter();
        Assert.True(reader.TryRead(out seven, out _));
        Assert.Equal(7, seven);
        next.Publish(8);
        Assert.Equal(version + 2, await reader.WaitForChangeAsync(version).AsTask().WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("latest.unhindered")]
    public void Readers_that_are_stopped_and_killed_change_nothing()
    {
        using var name = new TemporaryName("latest");
        using var value = LatestValue<long>.Create(name);
        using var writer = value.OpenWriter();
        using var waiting = Partner.Start("latest-reader", name, "ReadWrite");
        using var looking = Partner.Start("latest-reader", name, "Read");
        Assert.Equal("open", waiting.ReadLine());
        Assert.Equal("open", looking.ReadLine());
        writer.Publish(1);
        Assert.Equal("1", waiting.Ask("read"));
        Assert.Equal("1", looking.Ask("read"));
        Native.Kill(waiting.ProcessId, Native.SIGSTOP);
        for (var i = 0; i < 1000; i++)
        {
            writer.Publish(i);
        }

        waiting.Kill();
        writer.Publish(77);
        Assert.Equal("77", looking.Ask("read"));
    }

    [Fact]
    [Rule("latest.hostile")]
    public void Bytes_that_no_writer_stores_are_detected()
    {
        foreach (var (offset, stored, field) in ((long, ulong, string)[])[(256, 7, "the newest version"), (256, 2, "the newest version"), (256, ulong.MaxValue - 1, "the newest version"), (256, 6, "a buffer's version"),
            (8192 + 256, 3, "a buffer's version"), (8192 + 256, 8, "a buffer's version"), (8192 + 256 + 8, 51, "a value's length"), (8192 + 256 + 8, uint.MaxValue, "a value's length"), (288, 9, "the writer's state")])
        {
            using var value = LatestBytes.CreateAnonymous(new() { MaxLength = 50 });
            using var bytes = value.Memory.Map();
            using var writer = value.OpenWriter();
            using var reader = value.OpenReader();
            writer.Publish("one"u8);
            writer.Publish("two"u8);
            var buffer = new byte[50];
            Assert.True(reader.TryRead(buffer, out _, out var version));
            bytes.GetReference<ulong>(offset) = stored;
            var corruption = Assert.Throws<ChannelCorruptException>(() =>
            {
                reader.TryRead(buffer, out _, out _);
                reader.WaitForChange(version, TimeSpan.Zero);
            });
            Assert.Contains(field, corruption.Field, StringComparison.Ordinal);
            Assert.Throws<ChannelCorruptException>(() => reader.TryRead(buffer, out _, out _));
        }

        using var other = LatestValue<long>.CreateAnonymous();
        using var map = other.Memory.Map();
        map.GetReference<ulong>(256) = 5;
        Assert.Throws<ChannelCorruptException>(() => other.OpenWriter());
        map.GetReference<ulong>(256) = 0;
        other.OpenWriter().Dispose();
    }

    [Fact]
    [Rule("latest.hostile")]
    public void Random_bytes_anywhere_in_the_object_do_no_harm()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var corruptions = 0;
        for (var round = 0; round < 100; round++)
        {
            using var value = LatestBytes.CreateAnonymous(new() { MaxLength = 50 });
            using var bytes = value.Memory.Map();
            using var writer = value.OpenWriter();
            using var reader = value.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
            var buffer = new byte[50];
            try
            {
                for (var step = 0; step < 200; step++)
                {
                    writer.Publish(buffer.AsSpan(0, random.Next(51)));
                    long place = random.Next(4) switch { 0 => 256, 1 => 8192 + (random.Next(4) * 128), 2 => 8200 + (random.Next(4) * 128), _ => 256 + (random.Next(1024) * 8L) };
                    ref var word = ref bytes.GetReference<ulong>(place);
                    word = random.Next(3) switch { 0 => word ^ (1UL << random.Next(64)), 1 => word + (ulong)random.Next(5), _ => (ulong)random.Next(5000) };
                    reader.TryRead(buffer, out var length, out var version);
                    Assert.InRange(length, 0, 50);
                    reader.WaitForChange(version, TimeSpan.FromTicks(10));
                }
            }
            catch (ChannelCorruptException)
            {
                corruptions++;
            }
            catch (ChannelException e) when (e is not (PeerDiedException or PeerLeftException) && bytes.GetReference<uint>(288) == (uint)ChannelState.Aborted)
            {
                // A state that a writer may store: it has given up.
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e}", e);
            }
        }

        Assert.InRange(corruptions, 10, 100);
    }

    private static int Read(LatestBytesReader reader, byte[] bytes, ref long last)
    {
        if (!reader.TryRead(bytes, out var length, out var version))
        {
            return 0;
        }

        var number = Streams.Check(bytes.AsSpan(0, length), 2000);
        Assert.Equal(version, 2 * number);
        Assert.InRange(version, last, long.MaxValue);
        last = version;
        return 1;
    }
}
