using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.FanIns;

/// <summary>Writers and readers in other processes, killed and stopped anywhere; bytes that no correct peer stores.</summary>
public sealed class DyingClaims
{
    [Fact]
    [Rule("fanin.died")]
    public async Task The_claim_of_a_killed_writer_is_passed_over_at_once_and_its_place_is_free_afterwards()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        using var living = fanIn.OpenWriter();
        using var peer = Partner.Start("fan-in-writer", name, "dying");
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("write before"));
        Assert.Equal("done", peer.Ask("reserve lost"));
        living.Write("after"u8);
        Assert.Equal("before", Read(reader));
        var waiting = reader.WaitToReadAsync().AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.Equal("dying", fanIn.GetStatus().BlockedBy?.Label);
        peer.Kill();
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal("after", Read(reader));
        Assert.Equal((1, PeerState.Died), (reader.LostClaims, reader.Writers[1].State));
        Assert.Equal(1, fanIn.GetStatus().LostClaims);
        Assert.Null(fanIn.GetStatus().BlockedBy);
        using var next = fanIn.OpenWriter(new() { Label = "next" });
        next.Write("again"u8);
        Assert.Equal("again", Read(reader));
        Assert.Equal("next", reader.Writers[1].Label);
    }

    [Fact]
    [Rule("fanin.batch")]
    [Rule("fanin.died")]
    public void A_batch_arrives_whole_or_is_passed_over_as_one_claim()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        using var living = fanIn.OpenWriter();
        using var peer = Partner.Start("fan-in-writer", name, "dying");
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("batch one two"));
        living.Write("after"u8);
        Assert.False(reader.TryRead(new byte[8], out _, out _));
        Assert.Equal("done", peer.Ask("commit"));
        Assert.Equal(["one", "two", "after"], [Read(reader), Read(reader), Read(reader)]);
        Assert.Equal("done", peer.Ask("batch three four"));
        living.Write("end"u8);
        peer.Kill();
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.Equal("end", Read(reader));
        Assert.Equal(1, reader.LostClaims);
        using var next = fanIn.OpenWriter();
        next.Write("on"u8);
        Assert.Equal("on", Read(reader));
    }

    [Fact]
    [Rule("fanin.settle")]
    public void The_place_of_a_killed_writer_is_not_taken_before_the_reader_has_passed_its_claim()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 1 });
        using (var peer = Partner.Start("fan-in-writer", name, "dying"))
        {
            Assert.Equal("open", peer.ReadLine());
            Assert.Equal("done", peer.Ask("reserve lost"));
            peer.Kill();
        }

        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => fanIn.OpenWriter()).Errno);
        Assert.Equal("dying", fanIn.GetStatus().BlockedBy?.Label);
        using var reader = fanIn.OpenReader();
        Assert.False(reader.TryRead(out FanInLease _));
        Assert.Equal(1, reader.LostClaims);
        using var writer = fanIn.OpenWriter();
        writer.Write("on"u8);
        Assert.Equal("on", Read(reader));
    }

    [Fact]
    [Rule("fanin.stopped")]
    public void A_stopped_writer_is_named_and_waited_for()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096 });
        using var reader = fanIn.OpenReader();
        using var living = fanIn.OpenWriter();
        using var peer = Partner.Start("fan-in-writer", name, "stopped");
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("reserve late"));
        living.Write("after"u8);
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        Assert.False(reader.WaitToRead(TimeSpan.FromSeconds(1.5)));
        Assert.Equal(("stopped", PeerState.Alive), (fanIn.GetStatus().BlockedBy!.Label, fanIn.GetStatus().BlockedBy!.State));
        Native.Kill(peer.ProcessId, Native.SIGCONT);
        Assert.Equal("done", peer.Ask("commit"));
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.Equal("late", Read(reader));
        Assert.Equal("after", Read(reader));
        Assert.Equal(0, reader.LostClaims);
    }

    [Fact]
    [Rule("fanin.changed")]
    public void Writers_that_join_leave_and_die_raise_events()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096 });
        using var reader = fanIn.OpenReader();
        var states = new System.Collections.Concurrent.ConcurrentQueue<(int, PeerState, string)>();
        reader.PeerChanged += (_, change) => states.Enqueue((change.Peer.Index, change.Peer.State, change.Peer.Label));
        using var one = Partner.Start("fan-in-writer", name, "one");
        Assert.Equal("open", one.ReadLine());
        using var two = Partner.Start("fan-in-writer", name, "two");
        Assert.Equal("open", two.ReadLine());
        Watchdog.Until(() => states.Contains((0, PeerState.Alive, "one")) && states.Contains((1, PeerState.Alive, "two")), "the openings");
        two.Kill();
        one.Ask("leave");
        Watchdog.Until(() => states.Contains((0, PeerState.Left, "one")) && states.Contains((1, PeerState.Died, "two")), "the ends");
    }

    [Fact]
    [Rule("fanin.died")]
    [Rule("fanin.order")]
    public void Writers_killed_at_random_lose_nothing_that_was_committed()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 1 << 14, MaxWriters = 4 });
        using var reader = fanIn.OpenReader();
        var peers = new List<Peer>();
        var last = new Dictionary<long, long>();
        var bytes = new byte[1024];
        try
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var limit = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("STRESS_SECONDS") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 5);
            for (var number = 1; number < 12 || clock.Elapsed < limit; number++)
            {
                if (peers.Count == 3)
                {
                    // Each writer is killed when it has written for a while.
                    for (var until = Random.Shared.Next(1, 5000); until > 0; until--)
                    {
                        Assert.True(reader.WaitToRead(Watchdog.Limit));
                        Read(reader, bytes, last);
                    }

                    peers[0].Kill();
                    peers[0].Dispose();
                    peers.RemoveAt(0);
                    while (fanIn.GetStatus().BlockedBy is { State: PeerState.Died })
                    {
                        Read(reader, bytes, last);
                    }
                }

                var peer = Partner.Start("fan-in-stream", name, number.ToString(CultureInfo.InvariantCulture));
                peers.Add(peer);
                // A place is free once what its last writer left was read.
                var opened = Task.Run(peer.ReadLine);
                while (!opened.IsCompleted)
                {
                    Read(reader, bytes, last);
                }

                Assert.Equal("open", opened.GetAwaiter().GetResult());
            }
        }
        finally
        {
            peers.ForEach(peer => peer.Kill());
        }

        while (fanIn.GetStatus().Used > 0)
        {
            Read(reader, bytes, last);
        }

        Assert.InRange(last.Count, 9, int.MaxValue);
        peers.ForEach(peer => peer.Dispose());
    }

    [Fact]
    [Rule("fanin.redelivered")]
    public void Readers_killed_at_random_lose_nothing()
    {
        using var name = new TemporaryName("fanin");
        const int Lines = 256;
        using var fanIn = FanIn.Create(name, new() { Capacity = Lines * 64 });
        using var bytes = fanIn.Memory.Map();
        var stop = false;
        var writing = new Thread(() =>
        {
            using var writer = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait });
            var message = new byte[1024];
            for (var number = 1L; !Volatile.Read(ref stop);)
            {
                var length = Streams.LengthOf(number, message.Length);
                Streams.Fill(message.AsSpan(0, length), number);
                if (writer.WaitToWrite(length, TimeSpan.FromMilliseconds(5)) && writer.TryWrite(message.AsSpan(0, length)))
                {
                    number++;
                }
            }
        });
        writing.Start();
        var first = (Position: 0UL, Number: 1L);
        for (var round = 0; round < 8; round++)
        {
            using (var peer = Partner.Start("fan-in-drain", name))
            {
                Assert.Equal("open", peer.ReadLine());
                var from = fanIn.GetStatus().Messages;
                Watchdog.Until(() => fanIn.GetStatus().Messages > from + Random.Shared.Next(2000), "some messages to go through");
                peer.Kill();
            }

            first = Pass(first, until: bytes.GetReference<ulong>(384 + 40), Lines);
            var expected = first.Number;
            var claim = bytes.GetReference<ulong>(768);
            using var reader = fanIn.OpenReader();
            // A reader that was killed after it began its last release may have left that message out of the counters.
            Assert.InRange(fanIn.GetStatus().Messages, expected - 2 - round, expected - 1);
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out FanInLease lease));
            Assert.Equal(expected, Streams.Check(lease.Span, 1024));
            // Padding may have been all that was claimed.
            Assert.True(lease.IsRedelivered || (claim >> 18) + ((claim >> 6) & 0xFFF) <= first.Position + (Lines - (first.Position % Lines)));
            lease.Dispose();
            for (var i = 0; i < 100; i++)
            {
                Assert.True(reader.WaitToRead(Watchdog.Limit));
                Assert.True(reader.TryRead(out lease));
                Assert.Equal(++expected, Streams.Check(lease.Span, 1024));
                lease.Dispose();
            }
        }

        Volatile.Write(ref stop, true);
        writing.Join();
    }

    [Fact]
    [Rule("fanin.release")]
    public void A_release_that_was_cut_short_is_finished()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var bytes = fanIn.Memory.Map();
        using var writer = fanIn.OpenWriter();
        var first = fanIn.OpenReader();
        writer.Write("one"u8);
        writer.Write("two"u8);
        // As a reader leaves it that is killed after it has zeroed the record, and before it has stored the head.
        var data = bytes.GetReference<long>(40);
        bytes.GetReference<ulong>(384 + 40) = 1;
        bytes.GetReference<ulong>(data) = 0;
        first.Dispose();
        using var reader = fanIn.OpenReader();
        Assert.Equal("two", Read(reader));
        Assert.Equal(0, reader.LostClaims);
    }

    [Theory]
    [InlineData(0, 1UL << 63 | 5, "a record")]
    [InlineData(0, 1UL << 63 | 0x3FFFFUL << 38, "a record")]
    [InlineData(0, 1UL << 63 | 9UL << 56, "a record")]
    [InlineData(-1, 9UL << 18 | 1UL << 6, "the claims")]
    [InlineData(-1, 0UL << 18 | 1UL << 6 | 63, "the claim word")]
    [Rule("fanin.hostile")]
    public void Bytes_that_no_writer_stores_are_detected(int line, ulong value, string field)
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
        using var bytes = fanIn.Memory.Map();
        using var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        bytes.GetReference<ulong>(line < 0 ? 768 : bytes.GetReference<long>(40)) = value;
        Assert.Equal(field, Assert.Throws<ChannelCorruptException>(() => reader.TryRead(out FanInLease _)).Field);
        Assert.Throws<ChannelCorruptException>(() => reader.TryRead(out FanInLease _));
        bytes.GetReference<ulong>(384) = 1000;
        Assert.Throws<ChannelCorruptException>(() => { while (writer.TryWrite(new byte[1000])) { } });
    }

    [Fact]
    [Rule("fanin.hostile")]
    public void Random_bytes_anywhere_in_the_object_do_no_harm()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var corruptions = 0;
        for (var round = 0; round < 100; round++)
        {
            using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
            using var bytes = fanIn.Memory.Map();
            using var one = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
            using var two = fanIn.OpenWriter();
            using var reader = fanIn.OpenReader(new() { SpinBudget = TimeSpan.Zero });
            var buffer = new byte[4096];
            try
            {
                for (var step = 0; step < 200; step++)
                {
                    one.TryWrite(buffer.AsSpan(0, random.Next(2033)));
                    two.TryWrite(buffer.AsSpan(0, random.Next(100)));
                    long place = random.Next(6) switch { 0 => 768, 1 => 384, 2 => 4640 + (random.Next(2) * 128), 3 => 8192 + (random.Next(64) * 64), 4 => 424, _ => 256 + (random.Next(1024) * 8L) };
                    ref var word = ref bytes.GetReference<ulong>(place);
                    word = random.Next(3) switch { 0 => word ^ (1UL << random.Next(64)), 1 => word + (ulong)random.Next(100), _ => (ulong)random.NextInt64() };
                    reader.TryRead(buffer, out var length, out _);
                    Assert.InRange(length, 0, 2032);
                    reader.WaitToRead(TimeSpan.FromTicks(10));
                    one.WaitToWrite(100, TimeSpan.FromTicks(10));
                    fanIn.GetStatus();
                }
            }
            catch (ChannelCorruptException)
            {
                corruptions++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e}", e);
            }
        }

        Assert.InRange(corruptions, 10, 100);
    }

    /// <summary>Which message begins at a line: those of one writer have known lengths.</summary>
    private static (ulong Position, long Number) Pass((ulong Position, long Number) at, ulong until, ulong lines)
    {
        while (at.Position < until)
        {
            var need = (ulong)(16 + Streams.LengthOf(at.Number, 1024) + 63) / 64;
            var room = lines - (at.Position % lines);
            at = need > room ? (at.Position + room, at.Number) : (at.Position + need, at.Number + 1);
        }

        Assert.Equal(until, at.Position);
        return at;
    }

    private static string Read(FanInReader reader)
    {
        Span<byte> bytes = stackalloc byte[1024];
        return reader.TryRead(bytes, out var length, out _) ? System.Text.Encoding.UTF8.GetString(bytes[..length]) : "empty";
    }

    private static void Read(FanInReader reader, byte[] bytes, Dictionary<long, long> last)
    {
        if (!reader.TryRead(bytes, out var length, out var type))
        {
            return;
        }

        var number = Streams.Check(bytes.AsSpan(0, length), 1024);
        var (writer, message) = (number >> 32, number & uint.MaxValue);
        Assert.Equal((last.GetValueOrDefault(writer) + 1, 3), (message, type));
        last[writer] = message;
    }
}
