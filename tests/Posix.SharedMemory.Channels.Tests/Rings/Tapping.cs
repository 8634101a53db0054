using System.Buffers.Binary;

namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>Status and messages, looked at by copying, while the ends go on.</summary>
public sealed class Tapping
{
    [Fact]
    [Rule("looking.status")]
    public void A_status_is_read_from_any_object_that_is_a_channel()
    {
        using var ring = new Ring();
        ring.Writer.TryWrite([1, 2, 3]);
        var status = ChannelStatus.TryRead(ring.Channel.Memory)!;
        var open = ring.Channel.GetStatus();
        Assert.Equal((open.Used, open.Messages, open.Bytes, open.MaxMessageLength, 0), (status.Used, status.Messages, status.Bytes, status.MaxMessageLength, status.ElementSize));
        // The same but for the time, which is counted back from now.
        Assert.Equal(open.Endpoints.Select(end => end with { OpenedAt = null }), status.Endpoints.Select(end => end with { OpenedAt = null }));
        Assert.Equal(PeerState.Alive, status.Endpoints[1].State);
        using var other = SharedMemoryObject.CreateAnonymous(8192);
        Assert.Null(ChannelStatus.TryRead(other));
        Assert.Throws<InvalidDataException>(() => MessageTap.On(other));
        using var empty = SharedMemoryObject.CreateAnonymous(0);
        Assert.Null(ChannelStatus.TryRead(empty));
        Assert.Throws<InvalidDataException>(() => MessageTap.On(empty));
        ring.Bytes[7] = 2;
        Assert.Throws<InvalidDataException>(() => ChannelStatus.TryRead(ring.Channel.Memory));
        ring.Bytes[7] = 1;
        ring.U32(288) = 9;
        Assert.Throws<ChannelCorruptException>(() => ChannelStatus.TryRead(ring.Channel.Memory));
        Assert.Throws<ArgumentNullException>(() => ChannelStatus.TryRead(null!));
        Assert.Throws<ArgumentNullException>(() => MessageTap.On(null!));
    }

    [Fact]
    [Rule("looking.status")]
    [Rule("looking.hostile")]
    public void An_object_that_was_cut_is_an_exception_and_nothing_stays_open()
    {
        using var name = TemporaryName.Of("tap");
        var channel = MessageChannel.Create(name.Name, new() { Capacity = 4096, Lifetime = Lifetime.Keep });
        channel.Dispose();
        using var memory = SharedMemoryObject.Open(name.Name);
        var tap = MessageTap.On(memory);
        Assert.False(tap.TryRead(out _));
        var open = Directory.GetFiles("/proc/self/fd").Length;
        memory.SetLength(4096);
        for (var i = 0; i < 5; i++)
        {
            Assert.Throws<InvalidDataException>(() => ChannelStatus.TryRead(memory));
            Assert.Throws<InvalidDataException>(() => MessageTap.On(memory));
        }

        memory.SetLength(300);
        Assert.Throws<InvalidDataException>(() => tap.TryRead(out _));
        memory.SetLength(100);
        Assert.Null(ChannelStatus.TryRead(memory));
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, open + 3);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(64)]
    [Rule("looking.tap")]
    [Rule("looking.reads-only")]
    public void A_tap_sees_each_message_wherever_it_wraps(int alignment)
    {
        using var ring = new Ring(4096, alignment);
        var tap = MessageTap.On(ring.Channel.Memory);
        for (var number = 0; number < 2000; number++)
        {
            var message = Pattern(number, number % 700);
            Assert.True(ring.Writer.TryWrite(message, (ushort)number));
            var before = ring.Bytes.ToArray();
            Assert.True(tap.TryRead(out var seen));
            Assert.True(seen.Span.SequenceEqual(message));
            Assert.Equal((number, false, 0L), ((int)seen.Type, seen.IsTaken, seen.Missed));
            Assert.False(tap.TryRead(out _));
            Assert.False(tap.HasEnded);
            Assert.True(ring.Bytes.SequenceEqual(before));
            Assert.Equal(message, ring.ReadOne());
        }

        ring.Writer.Complete();
        Assert.False(tap.TryRead(out _));
        Assert.True(tap.HasEnded);
        Assert.Equal(0, tap.Missed);
    }

    [Fact]
    [Rule("looking.taken")]
    [Rule("looking.missed")]
    [Rule("looking.ended")]
    public void Messages_that_were_read_are_shown_from_the_newer_half_and_counted_otherwise()
    {
        using var ring = new Ring();
        var tap = MessageTap.On(ring.Channel.Memory);
        Assert.False(tap.TryRead(out _));
        Write(ring, 1);
        Write(ring, 2);
        ring.ReadOne();
        ring.ReadOne();
        Assert.True(tap.TryRead(out var seen));
        Assert.Equal((1, true, 0L), ((int)seen.Span[0], seen.IsTaken, seen.Missed));
        Assert.True(tap.TryRead(out seen));
        Assert.Equal((2, true, 0L), ((int)seen.Span[0], seen.IsTaken, seen.Missed));
        // 1024 bytes each: three more, and the first of them is in the older half.
        for (var number = 3; number <= 5; number++)
        {
            Write(ring, number);
            ring.ReadOne();
        }

        Write(ring, 6);
        Assert.True(tap.TryRead(out seen));
        Assert.Equal((6, false, 3L), ((int)seen.Span[0], seen.IsTaken, seen.Missed));
        Assert.Equal(3, tap.Missed);
        ring.Writer.Complete();
        Assert.False(tap.TryRead(out _));
        Assert.True(tap.HasEnded);
    }

    [Fact]
    [Rule("looking.tap")]
    [Rule("looking.missed")]
    public async Task Beside_a_fast_writer_and_reader_no_waiting_message_is_torn_and_all_are_accounted_for()
    {
        const int Count = 300_000;
        using var ring = new Ring(1 << 14);
        var tap = MessageTap.On(ring.Channel.Memory);
        var writing = Task.Run(() =>
        {
            var message = new byte[256];
            for (var number = 0; number < Count; number++)
            {
                Fill(message, number);
                ring.Writer.Write(message.AsSpan(0, 8 + (number % 249)));
            }

            ring.Writer.Complete();
        });
        var reading = Task.Run(() =>
        {
            while (ring.Reader.WaitToRead(Watchdog.Limit))
            {
                foreach (var message in ring.Reader.ReadAvailable())
                {
                    _ = message.Span.Length;
                }
            }
        });
        long seen = 0, last = -1;
        var expected = new byte[256];
        while (!tap.HasEnded)
        {
            while (tap.TryRead(out var message))
            {
                seen++;
                var number = BinaryPrimitives.ReadInt64LittleEndian(message.Span);
                Assert.True(number > last);
                Fill(expected, number);
                Assert.True(message.Span.SequenceEqual(expected.AsSpan(0, 8 + (int)(number % 249))));
                last = number;
            }
        }

        await writing;
        await reading;
        Assert.InRange(seen, 1, Count);
        // What was passed over at the end has no message after it that could tell.
        // A message that the reader released just then may be counted as passed over and be read too.
        Assert.InRange(seen + tap.Missed, last + 1, Count + (Count / 1000));
    }

    [Fact]
    [Rule("looking.newest")]
    [Rule("looking.status")]
    public void The_newest_value_of_a_latest_value_is_seen_once()
    {
        using var latest = LatestBytes.CreateAnonymous(new() { MaxLength = 100 });
        using var writer = latest.OpenWriter();
        var tap = MessageTap.On(latest.Memory);
        Assert.False(tap.TryRead(out _));
        writer.Publish([1]);
        writer.Publish([2, 3]);
        Assert.True(tap.TryRead(out var seen));
        Assert.Equal([2, 3], seen.Span.ToArray());
        Assert.False(tap.TryRead(out _));
        for (byte number = 4; number < 10; number++)
        {
            writer.Publish([number, number, number]);
        }

        Assert.True(tap.TryRead(out seen));
        Assert.Equal((9, 5L, 5L), ((int)seen.Span[2], seen.Missed, tap.Missed));
        var status = ChannelStatus.TryRead(latest.Memory)!;
        Assert.Equal((ChannelKind.Latest, 3L, 8L, 100), (status.Kind, status.Used, status.Messages, status.MaxMessageLength));
        writer.Complete();
        Assert.False(tap.TryRead(out _));
        Assert.True(tap.HasEnded);
    }

    [Fact]
    [Rule("looking.hostile")]
    public void Random_bytes_neither_crash_a_tap_nor_hold_it_up()
    {
        var random = new Random(11);
        using var ring = new Ring();
        for (var round = 0; round < 2000; round++)
        {
            for (var at = 0; at < 5; at++)
            {
                var place = random.Next(3) switch { 0 => 256L, 1 => 384L, _ => 8192 + (8 * random.Next(512)) };
                ring.U64(place) = random.Next(3) switch { 0 => (ulong)random.Next(9000), 1 => (ulong)random.NextInt64(), _ => (ulong)(8 * random.Next(600)) };
            }

            try
            {
                var tap = MessageTap.On(ring.Channel.Memory);
                for (var i = 0; i < 20 && tap.TryRead(out var message); i++)
                {
                    Assert.InRange(message.Span.Length, 0, 2040);
                }
            }
            catch (ChannelCorruptException e)
            {
                Assert.NotEmpty(e.Field);
            }
        }

        ring.U64(256) = 8 * 10;
        ring.U64(384) = 0;
        ring.U64(8192) = 5000;
        var corrupt = MessageTap.On(ring.Channel.Memory);
        Assert.Equal(("a record", 8192L), Assert.Throws<ChannelCorruptException>(() => corrupt.TryRead(out _)) is var e2 ? (e2.Field, e2.Offset) : default);
    }

    private static void Write(Ring ring, int number)
    {
        var message = new byte[1016];
        message[0] = (byte)number;
        Assert.True(ring.Writer.TryWrite(message));
    }

    private static byte[] Pattern(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static void Fill(Span<byte> message, long number)
    {
        message.Fill((byte)(number * 7));
        BinaryPrimitives.WriteInt64LittleEndian(message, number);
    }
}
