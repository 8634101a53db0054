using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>Bytes that no correct peer stores.</summary>
public sealed class Hostile
{
    // Two blocks of 640 bytes at 8192, three slots' headers, and the slots at the next multiple of 4096.
    private const int Blocks = 8192, Block = 640, SlotHeaders = Blocks + (2 * Block);

    private static readonly FrameOptions s_options = new() { SlotLength = 4096, SlotCount = 4, MaxReaders = 2, Depth = 2 };

    [Theory]
    // The head of the submission ring; the tail of the return ring; an entry there: a slot that is not, another life, flags, a slot that it does not hold.
    [InlineData(0, 9, null)]
    [InlineData(0, -1, null)]
    [InlineData(384, 5, null)]
    [InlineData(384, -1, null)]
    [InlineData(384, 1, 4L | (1L << 24))]
    [InlineData(384, 1, 2L << 24)]
    [InlineData(384, 1, (1L << 24) | (1L << 48))]
    [InlineData(384, 1, 2L | (1L << 24))]
    [Rule("frames.hostile")]
    public void A_subscriber_that_stores_nonsense_is_evicted_and_the_other_one_is_not(int offset, long value, long? entry)
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var bytes = channel.Memory.Map(0, SlotHeaders);
        using var writer = channel.OpenWriter();
        using FrameReader honest = channel.OpenReader(), hostile = channel.OpenReader();
        Assert.Equal(2, writer.Send(writer.Loan(1)));
        if (entry is { } stored)
        {
            bytes.GetReference<long>(Blocks + Block + 512 + 16) = stored;
        }

        bytes.GetReference<long>(Blocks + Block + offset) = value;
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.Throws<ChannelException>(() => hostile.TryRead(out _));
        for (var number = 0; number < 2; number++)
        {
            Assert.True(honest.TryRead(out var frame));
            Assert.Equal(number, frame.Sequence);
            frame.Dispose();
        }

        Assert.Equal(4, writer.CountFree());
        // Its place is put in order when it is gone.
        hostile.Dispose();
        writer.CountFree();
        using var next = channel.OpenReader();
        Assert.Equal(2, writer.Send(writer.Loan(1)));
        Assert.True(next.TryRead(out _));
    }

    [Theory]
    [InlineData(0, 9)]
    [InlineData(128, 9)]
    [InlineData(256, 9)]
    [InlineData(384, 9)]
    [Rule("frames.hostile")]
    public void A_place_that_was_left_with_nonsense_is_put_in_order(int offset, long value)
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var bytes = channel.Memory.Map(0, SlotHeaders);
        using var writer = channel.OpenWriter();
        bytes.GetReference<long>(Blocks + offset) = value;
        Assert.Throws<ChannelCorruptException>(() => channel.OpenReader());
        // The next one takes the next place.
        using (var second = channel.OpenReader())
        {
            Assert.Equal(1, writer.Send(writer.Loan(1)));
            Assert.True(second.TryRead(out _));
        }

        Assert.Equal(4, writer.CountFree());
        using FrameReader one = channel.OpenReader(), two = channel.OpenReader();
        Assert.Equal(2, writer.Send(writer.Loan(1)));
        Assert.True(one.TryRead(out _));
        Assert.True(two.TryRead(out _));
    }

    [Theory]
    // It was stopped while it left; it pretends to be evicted.
    [InlineData(0)]
    [InlineData(4)]
    [Rule("frames.evict")]
    [Rule("frames.hostile")]
    public void A_subscriber_that_holds_slots_is_evicted_whatever_its_place_shows(int mode)
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var bytes = channel.Memory.Map(0, SlotHeaders);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        writer.Send(writer.Loan(1));
        Assert.True(reader.TryRead(out _));
        bytes.GetReference<int>(FirstReader(bytes) + 24) = mode;
        Assert.Equal(3, writer.CountFree());
        writer.Evict(1);
        Assert.Equal(4, writer.CountFree());
        Assert.Throws<ChannelException>(() => reader.TryRead(out _));
    }

    [Theory]
    [InlineData(Blocks + 128, 9, "ring")]
    [InlineData(Blocks + 512, 4L | (1L << 24), "ring")]
    [InlineData(Blocks + 512, (1L << 24) | (1L << 50), "ring")]
    [InlineData(Blocks + 512, 7L << 24, "ring")]
    [InlineData(Blocks + 512, 2L | (1L << 24), "ring")]
    [InlineData(SlotHeaders + 16, 4097, "ring")]
    [InlineData(SlotHeaders, -1, "ring")]
    [InlineData(288, 9, "the writer's state")]
    [Rule("frames.hostile")]
    public void Nonsense_of_a_publisher_closes_the_subscriber(int offset, long value, string field)
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var bytes = channel.Memory.Map(0, SlotHeaders + 512);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        // The first slot that is loaned is slot 0.
        bytes.GetReference<long>(offset) = value;
        var corruption = Assert.Throws<ChannelCorruptException>(() =>
        {
            reader.TryRead(out _);
            reader.WaitToRead(TimeSpan.Zero);
        });
        Assert.Contains(field, corruption.Field, StringComparison.Ordinal);
        Assert.Throws<ChannelCorruptException>(() => reader.TryRead(out _));
        // The publisher has everything back.
        Assert.Equal(4, writer.CountFree());
    }

    [Fact]
    [Rule("frames.hostile")]
    public void Random_bytes_anywhere_in_the_object_do_no_harm()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var (corruptions, evictions) = (0, 0);
        for (var round = 0; round < 150; round++)
        {
            using var channel = FrameChannel.CreateAnonymous(s_options);
            using var bytes = channel.Memory.Map(0, SlotHeaders + 512);
            var steps = 0;
            Count(Run(channel, seed, () =>
            {
                long place = random.Next(6) switch { 0 => 256, 1 => Blocks + (random.Next(2) * Block) + (random.Next(4) * 128), 2 => Blocks + (random.Next(2) * Block) + 512 + (random.Next(6) * 8), 3 => SlotHeaders + (random.Next(64) * 8), 4 => 4480 + (random.Next(64) * 8), _ => 256 + (random.Next(1024) * 8L) };
                Store(random, ref bytes.GetReference<ulong>(place));
                return ++steps < 100;
            }));
        }

        Assert.InRange(corruptions + evictions, 20, 150);
        Assert.InRange(corruptions, 5, 150);

        void Count(bool? isCorrupt)
        {
            corruptions += isCorrupt == true ? 1 : 0;
            evictions += isCorrupt == false ? 1 : 0;
        }
    }

    [Fact]
    [Rule("frames.hostile")]
    public void Stores_at_any_instant_do_no_harm()
    {
        // SHM_MUTATE=60 does it for a minute.
        var time = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("SHM_MUTATE") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1);
        var start = Stopwatch.GetTimestamp();
        var (rounds, found) = (0, 0);
        for (; Stopwatch.GetElapsedTime(start) < time; rounds++)
        {
            using var channel = FrameChannel.CreateAnonymous(s_options);
            using var bytes = channel.Memory.Map(0, SlotHeaders + 512);
            var isOver = false;
            var mutating = Task.Run(() =>
            {
                var random = new Random();
                while (!Volatile.Read(ref isOver))
                {
                    Store(random, ref bytes.GetReference<ulong>(Blocks + (random.Next((2 * Block / 8) + 64) * 8)));
                    Thread.SpinWait(random.Next(1000));
                }
            });
            var steps = 0;
            found += Run(channel, seed: 0, () => ++steps < 1000) is null ? 0 : 1;
            Volatile.Write(ref isOver, true);
            mutating.GetAwaiter().GetResult();
        }

        Assert.InRange(found, 1, rounds);
    }

    private static long FirstReader(MemoryMapping bytes) => ((4096 + Threading.Roster.SizeFor(bytes.GetReference<ushort>(36)) + 127) / 128 * 128) + 128;

    private static void Store(Random random, ref ulong word) => word = random.Next(3) switch { 0 => word ^ (1UL << random.Next(64)), 1 => word + (ulong)random.Next(5), _ => (ulong)random.Next(5000) };

    /// <summary>Uses a channel in every way, until something is found that no correct peer stores.</summary>
    /// <returns>Whether that was corruption; false: something that a peer may store; <see langword="null"/>: nothing was found.</returns>
    private static bool? Run(FrameChannel channel, int seed, Func<bool> goesOn)
    {
        try
        {
            using var writer = channel.OpenWriter(new() { SpinBudget = TimeSpan.Zero });
            using var first = channel.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
            while (goesOn())
            {
                using var second = channel.OpenReader(new() { Overflow = FrameOverflow.DropNewest, Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
                if (writer.TryLoan(4000, out var frame))
                {
                    frame.Span.Fill(1);
                    writer.Send(frame, TimeSpan.FromTicks(10));
                }

                foreach (var reader in (FrameReader[])[first, second])
                {
                    if (reader.TryRead(out frame))
                    {
                        Assert.InRange(frame.ReadOnlySpan.ToArray().Length, 0, 4096);
                        frame.Dispose();
                    }

                    reader.WaitToRead(TimeSpan.FromTicks(10));
                }

                channel.GetStatus();
            }

            return null;
        }
        catch (Exception e) when (e is ChannelCorruptException or InvalidDataException)
        {
            return true;
        }
        catch (Exception e) when (e is ChannelException or TimeoutException or SharedMemoryException { Errno: Errno.EAGAIN or Errno.EBUSY } or Threading.RosterFullException
            || (e is InvalidOperationException && (e.Message.Contains("had a writer", StringComparison.Ordinal) || e.Message.Contains("completed", StringComparison.Ordinal))))
        {
            // Bytes that a peer may store: a state that says the end, a subscriber that is evicted, places that are taken.
            return false;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e}", e);
        }
    }
}
