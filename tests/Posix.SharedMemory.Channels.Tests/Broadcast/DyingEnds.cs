using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>Writers and readers in other processes, killed and stopped anywhere; bytes that no correct peer stores.</summary>
public sealed class DyingEnds
{
    private static int Rounds => Environment.GetEnvironmentVariable("STRESS_SECONDS") is { Length: > 0 } text ? 4 * int.Parse(text, CultureInfo.InvariantCulture) : 8;

    [Fact]
    [Rule("broadcast.died")]
    [Rule("broadcast.order")]
    [Rule("broadcast.lossy")]
    [Rule("broadcast.missed")]
    public void Writers_killed_at_random_lose_and_invent_nothing_while_readers_come_and_are_killed()
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 1 << 14, MaxReaders = 6, History = 50 });
        using var audience = new Audience(broadcast);
        for (var round = 0; round < Rounds; round++)
        {
            using var joining = Partner.Start("broadcast-rejoin", name);
            using var writer = Partner.Start("broadcast-stream", name);
            Assert.Equal("open", joining.ReadLine());
            Assert.Equal("open", writer.ReadLine());
            audience.ReadUntil(audience.Expected + Random.Shared.Next(1, 10_000));
            // The one that joins again and again held nobody up for good, and was never wrong.
            Assert.False(joining.HasExited);
            if (round % 2 == 0)
            {
                joining.Kill();
                audience.ReadUntil(audience.Expected + 2000);
            }

            writer.Kill();
            audience.ExpectDeath();
            // A next writer goes on with the next number.
            using (var after = broadcast.OpenWriter())
            {
                var message = new byte[Streams.LengthOf(audience.Expected, 1024)];
                Streams.Fill(message, audience.Expected);
                Assert.True(after.TryWrite(message));
                audience.Read();
                Assert.Equal(audience.Expected, broadcast.GetStatus().Messages);
            }

            Assert.Throws<PeerLeftException>(() => audience.Lossless.WaitToRead(Watchdog.Limit));
        }
    }

    [Theory]
    [InlineData("read")]
    [InlineData("lease")]
    [Rule("broadcast.stopped")]
    [Rule("broadcast.reader-died")]
    [Rule("broadcast.evict")]
    public async Task A_stopped_reader_is_waited_for_until_it_goes_on_or_dies(string act)
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 1 << 14 });
        using var writer = broadcast.OpenWriter();
        using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        using var peer = Partner.Start("broadcast-reader", name, nameof(BroadcastDelivery.Lossless));
        using var other = Partner.Start("broadcast-reader", name, nameof(BroadcastDelivery.Lossy));
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("open", other.ReadLine());
        var (number, bytes) = (0L, new byte[1024]);
        Native.Kill(other.ProcessId, Native.SIGSTOP);
        Assert.True(TryWrite());
        Assert.Equal(act == "read" ? "0 0" : "0", peer.Ask(act));
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        while (TryWrite())
        {
            Assert.True(lossy.TryRead(bytes, out var info));
            Assert.Equal(0, info.Missed);
        }

        Assert.InRange(number, 10, 1000);
        Assert.False(writer.WaitToWrite(1000, TimeSpan.FromSeconds(1.5)));
        Assert.Equal(PeerState.Alive, broadcast.GetStatus().Endpoints.Single(endpoint => endpoint.Label == "Lossless").State);
        var waiting = writer.WaitToWriteAsync(1000).AsTask();
        if (act == "read")
        {
            Native.Kill(peer.ProcessId, Native.SIGCONT);
            for (var i = 1; !waiting.IsCompleted; i++)
            {
                Assert.Equal($"{i} 0", peer.Ask("read"));
                await Task.WhenAny(waiting, Task.Delay(1));
            }

            Evict(writer, peer, TryWrite);
        }
        else
        {
            peer.Kill();
        }

        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        for (var i = 0; i < 100; i++)
        {
            Assert.True(TryWrite());
        }

        // The stopped one that may lose messages goes on, and knows what it missed.
        Native.Kill(other.ProcessId, Native.SIGCONT);
        var answer = Array.ConvertAll(other.Ask("read").Split(' '), text => long.Parse(text, CultureInfo.InvariantCulture));
        Assert.Equal(answer[0], answer[1]);
        Assert.InRange(answer[0], 1, number);

        bool TryWrite()
        {
            var message = new byte[Streams.LengthOf(number, 1024)];
            Streams.Fill(message, number);
            var isWritten = writer.TryWrite(message);
            number += isWritten ? 1 : 0;
            return isWritten;
        }
    }

    [Fact]
    [Rule("broadcast.died")]
    [Rule("broadcast.lossy")]
    public void A_writer_killed_in_a_reservation_leaves_what_it_wrote_over_marked()
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, History = 100 });
        var bytes = new byte[1024];
        using (var first = broadcast.OpenWriter())
        {
            for (var number = 0L; number < 200; number++)
            {
                first.TryWrite(BitConverter.GetBytes(number));
            }
        }

        using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Oldest });
        using (var peer = Partner.Start("broadcast-writer", name))
        {
            Assert.Equal("open", peer.ReadLine());
            Assert.Equal("done", peer.Ask("write x"));
            Assert.Equal("done", peer.Ask("reserve"));
            peer.Kill();
            Watchdog.Until(() => lossy.Writer == PeerState.Died, "the death");
        }

        using var next = broadcast.OpenWriter();
        foreach (var delivery in Enum.GetValues<BroadcastDelivery>())
        {
            // Nothing of what the reservation had written over is delivered as a message.
            using var reader = broadcast.OpenReader(new() { Delivery = delivery, Start = BroadcastStart.Oldest });
            var read = 0;
            while (reader.TryRead(bytes, out var info))
            {
                Assert.Equal(info.Sequence == 200 ? 1 : 8, info.Length);
                Assert.True(info.Sequence == 200 || BitConverter.ToInt64(bytes) == info.Sequence);
                read++;
            }

            Assert.InRange(read, 50, 101);
        }

        Assert.True(next.TryWrite(BitConverter.GetBytes(201L)));
        var last = -1L;
        while (lossy.TryRead(bytes, out var info))
        {
            last = info.Sequence;
        }

        Assert.Equal(201, last);
    }

    [Fact]
    [Rule("broadcast.hostile")]
    public void Bytes_that_no_peer_stores_are_detected()
    {
        // The data begins at 8192: a control page, a roster with 11 seats and three endpoints.
        foreach (var (offset, stored, field) in ((long, ulong, string)[])[(256, 7, "the tail"), (256, 8, "the tail"), (256, ulong.MaxValue - 7, "the tail"), (8192 + 24, uint.MaxValue, "a record"), (8192 + 24, 1UL << 48, "a record"),
            (8192 + 24, 0xFF00UL << 32, "a record"), (8192 + 24 + 8, 0, "number"), (288, 9, "the writer's state")])
        {
            foreach (var delivery in Enum.GetValues<BroadcastDelivery>())
            {
                using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2 });
                using var bytes = broadcast.Memory.Map();
                using var writer = broadcast.OpenWriter();
                using var reader = broadcast.OpenReader(new() { Delivery = delivery });
                writer.TryWrite("one"u8);
                writer.TryWrite("two"u8);
                var buffer = new byte[50];
                Assert.True(reader.TryRead(buffer, out _));
                bytes.GetReference<ulong>(offset) = stored;
                var corruption = Assert.Throws<ChannelCorruptException>(() =>
                {
                    reader.TryRead(buffer, out _);
                    reader.WaitToRead(TimeSpan.Zero);
                });
                Assert.Contains(field, corruption.Field, StringComparison.Ordinal);
                Assert.Throws<ChannelCorruptException>(() => reader.TryRead(buffer, out _));
            }
        }

        // Positions of readers, for the writer; what a next writer finds.
        using var other = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2 });
        using var map = other.Memory.Map();
        using (var writer = other.OpenWriter())
        {
            using var reader = other.OpenReader();
            map.GetReference<ulong>(Endpoint(other, 1) + 32) = 8;
            Assert.Throws<ChannelCorruptException>(() => writer.TryWrite(new byte[2000]));
        }

        foreach (var (offset, stored) in ((long, ulong)[])[(256, 7), (256, 16), (768, 4), (768, 8192), (256, ulong.MaxValue)])
        {
            var before = map.GetReference<ulong>(offset);
            map.GetReference<ulong>(offset) = stored;
            Assert.Throws<ChannelCorruptException>(() => other.OpenWriter());
            map.GetReference<ulong>(offset) = before;
        }

        other.OpenWriter().Dispose();
    }

    [Fact]
    [Rule("broadcast.hostile")]
    public void Random_bytes_anywhere_in_the_object_do_no_harm()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var corruptions = 0;
        for (var round = 0; round < 150; round++)
        {
            using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2, History = 8 });
            using var bytes = broadcast.Memory.Map();
            using var writer = broadcast.OpenWriter(new() { SpinBudget = TimeSpan.Zero });
            var buffer = new byte[2032];
            var tap = MessageTap.On(broadcast.Memory);
            try
            {
                using var lossless = broadcast.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
                for (var step = 0; step < 200; step++)
                {
                    writer.TryWrite(buffer.AsSpan(0, random.Next(100)));
                    long place = random.Next(5) switch { 0 => 256, 1 => 768 + (random.Next(5) * 8), 2 => Endpoint(broadcast, random.Next(3)) + (random.Next(6) * 8), 3 => 8192 + (random.Next(520) * 8), _ => 256 + (random.Next(1024) * 8L) };
                    ref var word = ref bytes.GetReference<ulong>(place);
                    word = random.Next(3) switch { 0 => word ^ (1UL << random.Next(64)), 1 => word + (ulong)(random.Next(5) * 8), _ => (ulong)random.Next(5000) };
                    using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Last(random.Next(4)), Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
                    lossy.TryRead(buffer, out var info);
                    Assert.InRange(info.Length, 0, 2032);
                    lossy.SkipToLatest();
                    lossy.WaitToRead(TimeSpan.FromTicks(10));
                    lossless.TryRead(buffer, out info);
                    lossless.WaitToRead(TimeSpan.FromTicks(10));
                    writer.WaitToWrite(1000, TimeSpan.FromTicks(10));
                    tap.TryRead(out _);
                }
            }
            catch (Exception e) when (e is ChannelCorruptException or InvalidDataException)
            {
                corruptions++;
            }
            catch (Exception e) when (e is ChannelException or SharedMemoryException { Errno: Errno.EAGAIN or Errno.EBUSY } or Threading.RosterFullException)
            {
                // Bytes that a peer may store: a state that says the end, a reader that is evicted, places that are taken.
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e}", e);
            }
        }

        Assert.InRange(corruptions, 10, 150);
    }

    /// <summary>Stops the reader, fills the ring, and evicts the reader.</summary>
    private static void Evict(BroadcastWriter writer, Peer peer, Func<bool> tryWrite)
    {
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        while (tryWrite())
        {
        }

        writer.Evict(writer.Readers.Single(reader => reader.Label == "Lossless").Index);
        Assert.True(tryWrite());
        Native.Kill(peer.ProcessId, Native.SIGCONT);
        Assert.Equal("evicted", peer.Ask("read"));
    }

    private static long Endpoint(Broadcast broadcast, int index) => (((4096 + Threading.Roster.SizeFor(broadcast.GetStatus().Endpoints.Count + 8)) + 127) / 128 * 128) + (128 * index);
}
