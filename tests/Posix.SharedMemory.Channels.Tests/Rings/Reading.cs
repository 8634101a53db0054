using System.Buffers;

namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>Messages come out by every way there is.</summary>
public sealed class Reading
{
    [Fact]
    [Rule("ring.lease")]
    public void A_lease_keeps_its_message_until_it_is_disposed_once()
    {
        using var ring = new Ring();
        ring.Writer.TryWrite([1], 1);
        ring.Writer.TryWrite([2], 2);
        Assert.True(ring.Reader.TryRead(out MessageLease first));
        Assert.False(first.IsRedelivered);
        Assert.Throws<InvalidOperationException>(() => ring.Reader.TryRead(out MessageLease _));
        Assert.Throws<InvalidOperationException>(() => ring.Reader.WaitToRead(TimeSpan.Zero));
        Assert.Equal(4096 - 32, ring.Writer.Free);
        var copy = first;
        first.Dispose();
        Assert.Equal(4096 - 16, ring.Writer.Free);
        copy.Dispose();
        Assert.Equal(4096 - 16, ring.Writer.Free);
        Assert.True(ring.Reader.TryRead(out MessageLease second));
        copy.Dispose();
        Assert.Equal(4096 - 16, ring.Writer.Free);
        second.Dispose();
        Assert.Equal(4096, ring.Writer.Free);
        default(MessageLease).Dispose();
        Assert.False(default(MessageLease).IsRedelivered);
        Assert.True(default(MessageLease).Span.IsEmpty);
    }

    [Fact]
    [Rule("ring.copy")]
    public void A_copy_that_does_not_fit_leaves_the_message_and_says_how_long_it_is()
    {
        using var ring = new Ring();
        Span<byte> destination = stackalloc byte[10];
        Assert.False(ring.Reader.TryRead(destination, out var length, out var type));
        Assert.Equal((0, 0), (length, type));
        ring.Writer.TryWrite(new byte[11], 4);
        Assert.False(ring.Reader.TryRead(destination, out length, out type));
        Assert.Equal((11, 4), (length, type));
        ring.Reader.TryRead(new byte[11], out length, out type);
        Assert.Equal((11, 4), (length, type));
        Assert.Equal(0, ring.Reader.Available);
        var buffer = new ArrayBufferWriter<byte>();
        Assert.False(ring.Reader.TryRead(buffer, out type));
        ring.Writer.TryWrite([7, 8], 5);
        Assert.Throws<InvalidOperationException>(() => ring.Reader.TryRead(new Unwilling(), out _));
        Assert.True(ring.Reader.TryRead(buffer, out type));
        Assert.Equal([7, 8], buffer.WrittenSpan.ToArray());
        Assert.Equal(5, type);
    }

    [Fact]
    [Rule("ring.enumerate")]
    public void All_messages_that_are_there_are_read_in_one_go()
    {
        using var ring = new Ring(8192);
        foreach (var message in ring.Reader.ReadAvailable())
        {
            Assert.Fail($"There is none, and it has {message.Span.Length} bytes.");
        }

        for (var round = 0; round < 50; round++)
        {
            for (var i = 0; i < 90; i++)
            {
                Assert.True(ring.Writer.TryWrite(new byte[i], (ushort)i));
            }

            var read = 0;
            foreach (var message in ring.Reader.ReadAvailable())
            {
                Assert.Equal(read, message.Span.Length);
                Assert.Equal(read, message.Type);
                Assert.Throws<InvalidOperationException>(() => ring.Reader.TryRead(out MessageLease _));
                message.Dispose();
                read++;
            }

            Assert.Equal(90, read);
            Assert.Equal(8192, ring.Writer.Free);
        }
    }

    [Fact]
    [Rule("ring.enumerate")]
    public void An_enumeration_that_ends_early_has_read_only_the_messages_it_reached()
    {
        using var ring = new Ring();
        for (byte i = 0; i < 10; i++)
        {
            ring.Writer.TryWrite([i]);
        }

        foreach (var message in ring.Reader.ReadAvailable())
        {
            if (message.Span[0] == 3)
            {
                break;
            }
        }

        Assert.Equal([4], ring.ReadOne());
        var enumerator = ring.Reader.ReadAvailable().GetEnumerator();
        Assert.True(enumerator.MoveNext());
        var stale = enumerator;
        Assert.True(enumerator.MoveNext());
        Assert.True(Throws(ref stale));
        enumerator.Dispose();
        stale.Dispose();
        Assert.True(Throws(ref enumerator));
        Assert.Equal([7], ring.ReadOne());

        static bool Throws(ref MessageSequence.Enumerator enumerator)
        {
            try
            {
                enumerator.MoveNext();
                return false;
            }
            catch (InvalidOperationException)
            {
                return true;
            }
        }
    }

    [Fact]
    [Rule("ring.enumerate")]
    public async Task An_enumeration_gives_room_back_to_a_writer_that_sleeps()
    {
        using var ring = new Ring();
        while (ring.Writer.TryWrite(new byte[8]))
        {
            // Until it is full.
        }

        var waiting = ring.Writer.WaitToWriteAsync(8).AsTask();
        var read = 0;
        foreach (var message in ring.Reader.ReadAvailable())
        {
            Assert.Equal(8, message.Span.Length);
            if (++read == 3)
            {
                break;
            }
        }

        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("ring.read-all")]
    public async Task All_messages_are_read_asynchronously_until_the_end()
    {
        using var ring = new Ring();
        var reading = Task.Run(async () =>
        {
            var sum = 0L;
            await foreach (var message in ring.Reader.ReadAllAsync())
            {
                sum += message.Span[0];
            }

            return sum;
        });
        for (var i = 0; i < 1000; i++)
        {
            await ring.Writer.WriteAsync(new byte[] { (byte)i, 1, 2 });
        }

        ring.Writer.Complete();
        Assert.Equal(Enumerable.Range(0, 1000).Sum(i => (byte)i), await reading.WaitAsync(Watchdog.Limit));
        await ring.Reader.Completion.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("ring.counters")]
    public void Counters_count_the_messages_and_bytes_that_were_sent()
    {
        using var ring = new Ring();
        ring.Writer.TryWrite(new byte[10]);
        ring.Writer.TryWrite(new byte[20]);
        ring.ReadOne();
        ring.Reader.WaitToRead(TimeSpan.Zero);
        ring.ReadOne();
        Assert.False(ring.Reader.WaitToRead(TimeSpan.Zero));
        ring.Writer.TryWrite(new byte[3]);
        var status = ring.Channel.GetStatus();
        Assert.Equal((3, 33, 16, 0, 1), (status.Messages, status.Bytes, status.Used, status.WriterWaits, status.ReaderWaits));
        Assert.Equal(2UL, ring.U64(384 + 8));
        Assert.Equal(30UL, ring.U64(384 + 16));
        ring.ReopenWriter();
        ring.Writer.TryWrite(new byte[1]);
        Assert.Equal(4, ring.Channel.GetStatus().Messages);
    }

    private sealed class Unwilling : IBufferWriter<byte>
    {
        public void Advance(int count) => throw new InvalidOperationException();

        public Memory<byte> GetMemory(int sizeHint = 0) => throw new InvalidOperationException();

        public Span<byte> GetSpan(int sizeHint = 0) => throw new InvalidOperationException();
    }
}
