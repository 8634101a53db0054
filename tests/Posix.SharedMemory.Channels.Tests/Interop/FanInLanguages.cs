using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) and Python on the same fan-in, through psm_fanin.h and psm_fanin.py.</summary>
public sealed class FanInLanguages
{
    /// <summary>The longest message of a ring of 4096 bytes.</summary>
    private const int Most = 2032;

    [SkippableTheory]
    [InlineData("cc", 2_400)]
    [InlineData("musl-gcc", 2_400)]
    [InlineData("python", 2_400)]
    [Rule("channel.languages")]
    [Rule("fanin.record")]
    public void Another_language_writes_messages_of_every_length_and_this_one_reads(string language, int count)
    {
        RequireEveryWrap(count);
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        using var peer = Start(language, directory, name, fanIn, "plain", 0, count);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(language == "python" ? "python" : "C", fanIn.GetStatus().Endpoints[0].Label);
        for (var number = 0L; number < count; number++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out FanInLease lease));
            Assert.True(Languages.IsSized(lease.Span, number, SizeOf(number)), $"A message of {lease.Span.Length} bytes came as number {number}.");
            Assert.Equal((number % 1000, 0), (lease.Type, lease.Writer.Index));
            lease.Dispose();
        }

        Assert.Equal("written", peer.ReadLine());
        Assert.Equal((count, 0), (fanIn.GetStatus().Messages, reader.LostClaims));
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, reader.Writers[0].State);
    }

    [SkippableTheory]
    [InlineData("cc", 2_400)]
    [InlineData("musl-gcc", 2_400)]
    [InlineData("python", 2_400)]
    [Rule("channel.languages")]
    [Rule("fanin.record")]
    public void This_language_writes_messages_of_every_length_and_another_reads(string language, int count)
    {
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var writer = fanIn.OpenWriter();
        using var peer = Start(language, directory, name, fanIn, "sizes", 0, count);
        Assert.Equal("open", peer.ReadLine());
        var message = new byte[Most];
        for (var number = 0L; number < count; number++)
        {
            var length = SizeOf(number);
            Languages.FillSized(message.AsSpan(0, length), number);
            writer.Write(message.AsSpan(0, length), (ushort)(number % 1000), Watchdog.Limit);
        }

        Assert.Equal("read, 0 lost", peer.ReadLine());
        Assert.Equal(4096, writer.Free);
        Assert.Contains(language == "python" ? "python" : "'C'", Assert.Throws<SharedMemoryException>(() => fanIn.OpenReader()).Message, StringComparison.Ordinal);
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, writer.Reader);
    }

    [SkippableTheory]
    [InlineData("C#")]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("fanin.order")]
    [Rule("fanin.batch")]
    public void Writers_of_three_languages_share_a_fan_in_with_a_reader_of_any(string language)
    {
        const int Count = 2_000;
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 1 << 14, MaxWriters = 4 });
        using var reader = language == "C#" ? fanIn.OpenReader() : null;
        using var other = reader is null ? Start(language, directory, name, fanIn, "drain", 0, 3 * Count) : null;
        Assert.Equal("open", other?.ReadLine() ?? "open");
        using var inC = Start("cc", directory, name, fanIn, "stream", 0, Count);
        using var inPython = Start("python", directory, name, fanIn, "stream", 0, Count);
        using var writer = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait });
        var here = new Thread(() =>
        {
            var message = new byte[1024];
            for (var number = 0L; number < Count; number++)
            {
                var length = Streams.LengthOf(number, message.Length);
                Streams.Fill(message.AsSpan(0, length), number);
                writer.Write(message.AsSpan(0, length), (ushort)(number % 1000), Watchdog.Limit);
            }
        });
        here.Start();
        Assert.Equal("open", inC.ReadLine());
        Assert.Equal("open", inPython.ReadLine());
        var next = new long[4];
        for (var read = 0; reader is not null && read < 3 * Count; read++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out FanInLease lease));
            Assert.Equal(next[lease.Writer.Index]++, Streams.Check(lease.Span, 1024));
            lease.Dispose();
        }

        Assert.Equal("read, 0 lost", other?.ReadLine() ?? "read, 0 lost");
        Assert.Equal("written", inC.ReadLine());
        Assert.Equal("written", inPython.ReadLine());
        here.Join();
        Assert.Equal(3 * Count, fanIn.GetStatus().Messages);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("fanin.died")]
    public void Another_language_passes_over_the_claim_of_a_killed_writer(string language)
    {
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 3 });
        using var dying = Partner.Start("fan-in-writer", name, "dying");
        Assert.Equal("open", dying.ReadLine());
        Assert.Equal("done", dying.Ask("reserve lost"));
        using var living = fanIn.OpenWriter();
        using var peer = Start(language, directory, name, fanIn, "drain", 7, 1);
        Assert.Equal("open", peer.ReadLine());
        var message = new byte[Streams.LengthOf(7, 1024)];
        Streams.Fill(message, 7);
        living.Write(message, 7);
        dying.Kill();
        Assert.Equal("read, 1 lost", peer.ReadLine());
        using var next = fanIn.OpenWriter();
        Assert.Equal(PeerState.Alive, fanIn.GetStatus().Endpoints[0].State);
    }

    [SkippableFact]
    [Rule("channel.languages")]
    [Rule("fanin.died")]
    public void A_claim_of_a_killed_writer_in_C_is_passed_over()
    {
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        using var living = fanIn.OpenWriter();
        using var peer = Start("cc", directory, name, fanIn, "stream", 0, 3);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("written", peer.ReadLine());
        Assert.Equal("reserved", peer.Ask("reserve"));
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => fanIn.OpenWriter()).Errno);
        living.Write(new byte[3]);
        for (var number = 0; number < 3; number++)
        {
            Assert.Equal(number, ReadNumber(reader));
        }

        Assert.False(reader.TryRead(out FanInLease _));
        Assert.Equal("C", fanIn.GetStatus().BlockedBy?.Label);
        peer.Kill();
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.True(reader.TryRead(out FanInLease after));
        Assert.Equal((3, 1), (after.Span.Length, reader.LostClaims));
        after.Dispose();
    }

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("fanin.died")]
    public void A_writer_that_is_killed_in_any_window_loses_nothing_that_it_had_committed()
    {
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        var (expected, killed) = (0L, 0);
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 20, 21, 22]))
        {
            using var peer = Start("cc", directory, name, fanIn, "stream", expected, 40, window, times);
            peer.Tell("close");
            bool hasEnded;
            do
            {
                hasEnded = peer.HasExited;
                reader.WaitToRead(TimeSpan.FromMilliseconds(2));
                while (reader.TryRead(out FanInLease lease))
                {
                    Assert.Equal(expected++, Streams.Check(lease.Span, 1024));
                    lease.Dispose();
                }
            }
            while (!hasEnded);

            var (code, output, _) = peer.Finish();
            Assert.True(code is 0 or 137, output);
            killed += code == 137 ? 1 : 0;
            // A claim that was not committed is passed over; every endpoint is free again.
            Assert.Equal(0, reader.Available);
            using var one = fanIn.OpenWriter();
            using var two = fanIn.OpenWriter();
        }

        // Those of waiting are met only if the ring happens to be full.
        Assert.InRange(killed, 20, int.MaxValue);
        Assert.InRange(expected, 100, long.MaxValue);
    }

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("fanin.release")]
    public void A_reader_that_is_killed_in_any_window_loses_nothing()
    {
        using var name = new TemporaryName("fanin");
        using var directory = TemporaryDirectory.InMemory();
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var writer = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait });
        var (written, killed) = (0L, 0);
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 23, 24]))
        {
            while (TryWriteNumber(writer, written))
            {
                written++;
            }

            long oldest;
            using (var look = fanIn.OpenReader())
            {
                // The padding that a killed reader left may be all that is there.
                Assert.True(look.WaitToRead(Watchdog.Limit));
                Assert.True(look.TryRead(out FanInLease lease));
                oldest = Streams.Check(lease.Span, 1024);
            }

            using var peer = Start("cc", directory, name, fanIn, "drain", oldest, 60, window, times);
            peer.Tell("close");
            while (!peer.HasExited)
            {
                if (writer.WaitToWrite(520, TimeSpan.FromMilliseconds(1)) && TryWriteNumber(writer, written))
                {
                    written++;
                }
            }

            var (code, output, _) = peer.Finish();
            Assert.True(code is 0 or 137, output);
            killed += code == 137 ? 1 : 0;
        }

        var last = 0L;
        using var reader = fanIn.OpenReader();
        while (reader.TryRead(out FanInLease lease))
        {
            last = Streams.Check(lease.Span, 1024);
            lease.Dispose();
        }

        Assert.InRange(killed, 20, int.MaxValue);
        Assert.Equal(written - 1, last);
    }

    /// <summary>The length of a message: every length once, and then long and short ones in turn, so that the ring ends everywhere in the long ones.</summary>
    private static int SizeOf(long number) => number <= Most ? Languages.SizeOf(number, Most) : number % 2 != 0 ? Most : (int)(number * 32 % (Most + 1));

    private static bool TryWriteNumber(FanInWriter writer, long number)
    {
        Span<byte> message = stackalloc byte[Streams.LengthOf(number, 1024)];
        Streams.Fill(message, number);
        return writer.TryWrite(message, (ushort)(number % 1000));
    }

    private static long ReadNumber(FanInReader reader)
    {
        Assert.True(reader.TryRead(out FanInLease lease));
        using (lease)
        {
            return Streams.Check(lease.Span, 1024);
        }
    }

    /// <summary>So many messages of one writer, of every length, meet the end of the data with every number of lines left that can be too few: 1 to 31 of the 32 of the longest.</summary>
    private static void RequireEveryWrap(int count)
    {
        var (at, left, lengths) = (0, new HashSet<int>(), new HashSet<int>());
        for (var number = 0; number < count; number++)
        {
            var (length, room) = (SizeOf(number), 64 - (at % 64));
            var need = (length + 16 + 63) / 64;
            lengths.Add(length);
            if (need > room)
            {
                left.Add(room);
                at += room;
            }

            at += need;
        }

        Assert.Equal(Enumerable.Range(0, Most + 1), lengths.Order());
        Assert.Equal(Enumerable.Range(1, 31), left.Order());
    }

    private static Peer Start(string language, TemporaryDirectory directory, string name, FanIn fanIn, string role, long from, long count, int window = 0, int times = 0) =>
        Languages.Start(language, directory, "fanin_partner", name, fanIn.Memory.Length, role, from, count, window, times);
}
