using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>Whatever a peer stores, an end throws <see cref="ChannelCorruptException"/> or delivers bytes of the ring: it does not crash, hang, or leave the object.</summary>
public sealed class Hostile
{
    private const long Data = 8192;

    [Theory]
    [InlineData(256, 4UL, "the tail")]
    [InlineData(256, 8192UL, "the tail")]
    [InlineData(256, ulong.MaxValue - 7, "the tail")]
    [InlineData(256, 0UL, "the tail")]
    [InlineData(Data + 16, 9999UL, "a record")]
    [InlineData(Data + 16, 0xFFFFFFFFUL, "a record")]
    [InlineData(Data + 16, 2041UL, "a record")]
    [InlineData(Data + 16, 40UL, "a record")]
    [InlineData(Data + 16, 1UL << 48, "a record")]
    [InlineData(Data + 16, 2UL << 48, "a record")]
    [InlineData(Data + 16, 0xFF00UL << 32, "a record")]
    [InlineData(Data + 16, ulong.MaxValue, "a record")]
    [Rule("ring.hostile")]
    public async Task A_reader_detects_bytes_that_no_writer_writes(long offset, ulong value, string field)
    {
        using var ring = new Ring();
        ring.Writer.TryWrite([1]);
        ring.Writer.TryWrite(new byte[8]);
        ring.Writer.TryWrite(new byte[8]);
        var completion = ring.Reader.Completion;
        ring.ReadOne();
        ring.U64(offset) = value;
        // The tail is loaded again only when everything before the last one was read.
        var corruption = Assert.Throws<ChannelCorruptException>(() =>
        {
            for (var i = 0; i < 4; i++)
            {
                ring.Reader.TryRead(new byte[4096], out _, out _);
            }
        });
        Assert.Contains(field, corruption.Field, StringComparison.Ordinal);
        Assert.Equal(offset, corruption.Offset);
        Assert.Contains(offset.ToString(CultureInfo.InvariantCulture), corruption.Message, StringComparison.Ordinal);
        // The end is closed for good: it says so again, and another process may have it.
        Assert.Throws<ChannelCorruptException>(() => ring.Reader.TryRead(out MessageLease _));
        Assert.Throws<ChannelCorruptException>(() => ring.Reader.WaitToRead(TimeSpan.Zero));
        Assert.Throws<ChannelCorruptException>(() => _ = ring.Reader.WaitToReadAsync().IsCompleted);
        Assert.Throws<ChannelCorruptException>(() => ring.Reader.Available);
        Assert.Equal(PeerState.Left, ring.Writer.Reader);
        await Assert.ThrowsAsync<ChannelCorruptException>(() => completion.WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [InlineData(4UL)]
    [InlineData(4096 + 64)]
    [InlineData(ulong.MaxValue - 7)]
    [Rule("ring.hostile")]
    public void A_writer_detects_a_head_that_no_reader_stores(ulong head)
    {
        using var ring = new Ring();
        while (ring.Writer.TryWrite(new byte[8]))
        {
        }

        ring.U64(384) = head;
        // Any thread may read how much is free: that judges nothing.
        Assert.InRange(ring.Writer.Free, 0, 4096);
        var corruption = Assert.Throws<ChannelCorruptException>(() => ring.Writer.TryWrite([1]));
        Assert.Equal(("the head", 384L), (corruption.Field, corruption.Offset));
        Assert.Throws<ChannelCorruptException>(() => ring.Writer.TryWrite([1]));
        Assert.Equal(PeerState.Left, ring.Reader.Writer);
    }

    [Fact]
    [Rule("ring.hostile")]
    public void Impossible_indices_and_states_are_detected_on_opening()
    {
        foreach (var (offset, value) in ((long, ulong)[])[(256, 12), (256, 1UL << 63 | 8), (384, 12), (384, 800), (256, 8192)])
        {
            using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
            using var bytes = channel.Memory.Map();
            bytes.GetReference<ulong>(offset) = value;
            Assert.Throws<ChannelCorruptException>(() => channel.OpenReader());
            Assert.Throws<ChannelCorruptException>(() => channel.OpenWriter());
            // The refused ends are free.
            bytes.GetReference<ulong>(offset) = 0;
            channel.OpenReader().Dispose();
            channel.OpenWriter().Dispose();
        }

        using var ring = new Ring();
        ring.U32(256 + 32) = 9;
        Assert.Equal("the writer's state", Assert.Throws<ChannelCorruptException>(() => ring.Reader.WaitToRead(TimeSpan.Zero)).Field);
        Assert.Throws<ChannelCorruptException>(() => ring.Channel.GetStatus());
        while (ring.Writer.TryWrite(new byte[1000]))
        {
            // Until it is full.
        }

        ring.U32(384 + 32) = 9;
        Assert.Equal("the reader's state", Assert.Throws<ChannelCorruptException>(() => ring.Writer.WaitToWrite(1000, TimeSpan.Zero)).Field);
    }

    [Fact]
    [Rule("ring.hostile")]
    public void Overwritten_endpoints_and_rosters_are_detected()
    {
        foreach (var (offset, value) in ((long, uint)[])[(4480, 0x0FFFFFFF), (4480, 0x1FFC0001), (4484, 77), (4096, 77), (516, 77)])
        {
            using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
            using var bytes = channel.Memory.Map();
            bytes.GetReference<uint>(offset) = value;
            Assert.Throws<ChannelCorruptException>(() => channel.OpenWriter());
        }

        using var ring = new Ring();
        ring.U32(4480) = 0x1FFC0001;
        Assert.Equal(PeerState.Died, ring.Reader.Writer);
        Assert.Equal(4480, Assert.Throws<ChannelCorruptException>(() => ring.Reader.WaitToRead(TimeSpan.Zero)).Offset);
        // The writer whose mutex was overwritten closes without an exception.
        ring.Writer.Dispose();
    }

    [Fact]
    [Rule("ring.hostile")]
    public void Random_bytes_anywhere_in_the_object_do_no_harm()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var corruptions = 0;
        try
        {
            for (var round = 0; round < 150; round++)
            {
                corruptions += Mutate(random) ? 1 : 0;
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e}", e);
        }

        Assert.InRange(corruptions, 50, 150);
    }

    /// <summary>Both ends run while a third party stores into the object.</summary>
    private static bool Mutate(Random random)
    {
        using var ring = new Ring(4096, 8, new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
        var buffer = new byte[4096];
        try
        {
            for (var step = 0; step < 400; step++)
            {
                Store(random, ring);
                ring.Writer.TryWrite(buffer.AsSpan(0, random.Next(ring.Writer.MaxMessageLength + 1)));
                ring.Reader.TryRead(buffer, out _, out _);
                if (step % 16 == 0)
                {
                    ring.Writer.WaitToWrite(10, TimeSpan.FromTicks(10));
                    ring.Reader.WaitToRead(TimeSpan.FromTicks(10));
                }

                foreach (var message in ring.Reader.ReadAvailable())
                {
                    Assert.InRange(message.Span.Length, 0, 2040);
                }
            }

            return false;
        }
        catch (ChannelCorruptException)
        {
            return true;
        }
        catch (ChannelException e) when (e is not (PeerDiedException or PeerLeftException) && ring.U32(256 + 32) == (uint)ChannelState.Aborted)
        {
            // The state that was stored is one that a writer may store: it has given up.
            return false;
        }
    }

    private static void Store(Random random, Ring ring) => Store(random, ref ring.U64(PlaceOfInterest(random)));

    private static long PlaceOfInterest(Random random)
    {
        // Indices, states, event counts, endpoints, the roster's seats are hit more often than the data.
        ReadOnlySpan<long> places = [256, 288, 384, 416, 512, 640, 704, 4096 + 64, 4480, 4608, 4496, Data + (random.Next(512) * 8L), Data + (random.Next(512) * 8L), random.Next(1536) * 8L];
        return places[random.Next(places.Length)];
    }

    private static void Store(Random random, ref ulong word) =>
        word = random.Next(4) switch
        {
            0 => word ^ (1UL << random.Next(64)),
            1 => word + (ulong)(random.Next(9) * 8),
            2 => (ulong)random.NextInt64(),
            _ => (ulong)random.Next(5000),
        };
}
