using System.Buffers;
using System.Text.Json;

namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>Messages go in by every way there is, and come out whole and in order.</summary>
public sealed class Writing
{
    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [Rule("ring.record")]
    [Rule("ring.wrap")]
    public void Messages_of_every_length_pass_at_every_position_of_the_ring(int alignment)
    {
        using var ring = new Ring(4096, alignment);
        var message = new byte[ring.Writer.MaxMessageLength];
        Assert.Equal(2048 - Math.Max(8, alignment), message.Length);
        // Two full circles for each length begin at every multiple of the alignment.
        for (var length = 0; length <= message.Length; length += length < 300 ? 1 : 37)
        {
            for (var round = 0; round < 12; round++)
            {
                message.AsSpan(0, length).Fill((byte)(length + round));
                Assert.True(ring.Writer.TryWrite(message.AsSpan(0, length), (ushort)length));
                Assert.True(ring.Reader.TryRead(out MessageLease lease));
                Assert.True(lease.Span.SequenceEqual(message.AsSpan(0, length)));
                Assert.Equal(length, lease.Type);
                Assert.Equal(0, RingPlace(ring, lease.Span) % alignment);
                lease.Dispose();
            }
        }
    }

    [Fact]
    [Rule("ring.most")]
    public void The_longest_message_fits_into_an_empty_ring_at_any_position()
    {
        using var ring = new Ring();
        var longest = new byte[ring.Writer.MaxMessageLength];
        for (var offset = 0; offset < 4096; offset += 8)
        {
            Assert.True(ring.Writer.TryWrite(longest));
            Assert.Equal(longest.Length, ring.ReadOne().Length);
            Assert.True(ring.Writer.TryWrite([]));
            Assert.Empty(ring.ReadOne());
        }
    }

    [Fact]
    [Rule("ring.most")]
    [Rule("ring.type")]
    public void Messages_that_are_too_long_and_types_that_are_reserved_are_refused_before_anything_is_touched()
    {
        using var ring = new Ring();
        var before = ring.Bytes[..4096].ToArray();
        var long1 = new byte[ring.Writer.MaxMessageLength + 1];
        Assert.Throws<ArgumentException>(() => ring.Writer.TryWrite(long1));
        Assert.Throws<ArgumentException>(() => ring.Writer.TryWrite(new ReadOnlySequence<byte>(long1)));
        Assert.Throws<ArgumentException>(() => ring.Writer.Write(long1));
        Assert.Throws<ArgumentException>(() => ring.Writer.WriteAsync(long1));
        Assert.Throws<ArgumentException>(() => ring.Writer.TryReserve(long1.Length, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Writer.TryReserve(-1, out _));
        Assert.Throws<ArgumentException>(() => ring.Writer.WaitToWrite(long1.Length, TimeSpan.Zero));
        Assert.Throws<ArgumentException>(() => ring.Writer.WaitToWriteAsync(long1.Length));
        Assert.Throws<ArgumentException>(() => ring.Writer.GetSpan(long1.Length));
        ring.Writer.CancelMessage();
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Writer.TryWrite([1], 0xFF00));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Writer.TryWrite(new ReadOnlySequence<byte>([1]), 0xFFFF));
        Assert.Equal(before, ring.Bytes[..4096].ToArray());
        Assert.True(ring.Writer.TryWrite([1], 0xFEFF));
    }

    [Fact]
    [Rule("ring.full")]
    public void A_full_ring_refuses_a_message_and_accepts_it_when_there_is_room()
    {
        using var ring = new Ring();
        var written = 0;
        while (ring.Writer.TryWrite(BitConverter.GetBytes(written)))
        {
            written++;
        }

        Assert.Equal(4096 / 16, written);
        Assert.Equal(0, ring.Writer.Free);
        Assert.Equal(4096, ring.Reader.Available);
        Assert.False(ring.Writer.TryReserve(1, out _));
        Assert.False(ring.Writer.WaitToWrite(1, TimeSpan.FromMilliseconds(1)));
        Assert.Throws<TimeoutException>(() => ring.Writer.Write([1], 0, TimeSpan.FromMilliseconds(1)));
        Assert.Equal(0, BitConverter.ToInt32(ring.ReadOne()));
        Assert.True(ring.Writer.TryWrite(BitConverter.GetBytes(written)));
        for (var i = 1; i <= written; i++)
        {
            Assert.Equal(i, BitConverter.ToInt32(ring.ReadOne()));
        }
    }

    [Fact]
    [Rule("ring.reserve")]
    public void A_reservation_is_sent_by_its_commit_and_only_once()
    {
        using var ring = new Ring();
        Assert.True(ring.Writer.TryReserve(100, out var dropped));
        dropped.Span.Fill(9);
        var copy = dropped;
        dropped.Dispose();
        copy.Dispose();
        AssertSpent(copy);
        Assert.False(ring.Reader.TryRead(out MessageLease _));
        Assert.True(ring.Writer.TryReserve(100, out var kept));
        kept.Span.Fill(7);
        AssertTooLong(kept);
        kept.Commit(50, 3);
        AssertSpent(kept);
        kept.Dispose();
        Assert.True(ring.Reader.TryRead(out MessageLease lease));
        Assert.Equal(3, lease.Type);
        Assert.Equal(50, lease.Span.Length);
        Assert.False(lease.Span.ContainsAnyExcept((byte)7));
        lease.Dispose();
        Assert.Equal(4096, ring.Writer.Free);
        default(MessageReservation).Dispose();
        AssertSpent(default);

        static void AssertSpent(MessageReservation reservation)
        {
            try
            {
                reservation.Commit(1);
                Assert.Fail("It was sent twice.");
            }
            catch (InvalidOperationException)
            {
                // As it has to be.
            }
        }

        static void AssertTooLong(MessageReservation reservation)
        {
            try
            {
                reservation.Commit(101);
                Assert.Fail("It was longer than what was reserved.");
            }
            catch (ArgumentOutOfRangeException)
            {
                // As it has to be.
            }
        }
    }

    [Fact]
    [Rule("ring.batch")]
    public void A_batch_becomes_visible_when_it_is_disposed()
    {
        using var ring = new Ring();
        var batch = ring.Writer.BeginBatch();
        Assert.True(batch.TryWrite([1], 1));
        Assert.True(batch.TryReserve(10, out var given));
        Assert.Equal(10, given.Length);
        Assert.True(batch.TryReserve(20, out var span));
        span[..15].Fill(2);
        batch.Commit(15, 2);
        Assert.True(Throws(ref batch, (ref MessageBatch b) => b.Commit(1)));
        Assert.True(Throws(ref batch, (ref MessageBatch b) => b.TryWrite(new byte[5000])));
        Assert.False(ring.Reader.TryRead(out MessageLease _));
        Assert.Throws<InvalidOperationException>(() => ring.Writer.TryWrite([1]));
        batch.Dispose();
        batch.Dispose();
        Assert.True(Throws(ref batch, (ref MessageBatch b) => b.TryWrite([1])));
        Assert.Equal([1], ring.ReadOne());
        Assert.Equal(15, ring.ReadOne().Length);
        Assert.False(ring.Reader.TryRead(out MessageLease _));
        using (var full = ring.Writer.BeginBatch())
        {
            var count = 0;
            while (full.TryWrite([3]))
            {
                count++;
            }

            // The last 8 bytes of the data hold padding.
            Assert.Equal(255, count);
        }

        Assert.Equal(4088, ring.Reader.Available);
        using (ring.Writer.BeginBatch())
        {
            // Nothing: nothing is published.
        }
    }

    [Fact]
    [Rule("ring.batch")]
    public void A_reservation_past_padding_ends_when_a_copy_of_the_batch_writes_before_it()
    {
        using var ring = new Ring();
        Assert.True(ring.Writer.TryWrite(new byte[2032]));
        Assert.True(ring.Writer.TryWrite(new byte[1992]));
        ring.ReadOne();
        // 56 bytes are left before the end of the data: the reservation is at its beginning, and the copy's message before it.
        var batch = ring.Writer.BeginBatch();
        Assert.True(batch.TryReserve(100, out _));
        var copy = batch;
        Assert.True(copy.TryWrite([1], 1));
        Assert.True(Throws(ref batch, (ref MessageBatch b) => b.Commit(100)));
        Assert.True(batch.TryReserve(200, out var span));
        span.Fill(2);
        batch.Commit(200, 2);
        batch.Dispose();
        Assert.Equal(1992, ring.ReadOne().Length);
        Assert.Equal([1], ring.ReadOne());
        Assert.Equal(200, ring.ReadOne().Length);
        Assert.False(ring.Reader.TryRead(out MessageLease _));
    }

    [Fact]
    [Rule("ring.build")]
    public void A_message_is_built_in_place_by_any_serializer()
    {
        using var ring = new Ring(1 << 16);
        for (var round = 0; round < 200; round++)
        {
            var values = Enumerable.Range(round, round * 7 % 900).ToArray();
            using (var json = new Utf8JsonWriter((IBufferWriter<byte>)ring.Writer))
            {
                JsonSerializer.Serialize(json, values);
            }

            ring.Writer.EndMessage(5);
            Assert.Equal(values, JsonSerializer.Deserialize<int[]>(ring.ReadOne()));
        }

        ring.Writer.GetSpan(100);
        Assert.Throws<InvalidOperationException>(() => ring.Writer.Advance(1 << 16));
        Assert.Throws<InvalidOperationException>(() => ring.Writer.TryWrite([1]));
        ring.Writer.Advance(100);
        ring.Writer.CancelMessage();
        ring.Writer.CancelMessage();
        Assert.False(ring.Reader.TryRead(out MessageLease _));
        ring.Writer.EndMessage();
        Assert.Empty(ring.ReadOne());
        var most = ring.Writer.MaxMessageLength;
        ring.Writer.GetMemory(most).Span.Fill(4);
        ring.Writer.Advance(most);
        Assert.Throws<ArgumentException>(() => ring.Writer.GetSpan());
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Writer.EndMessage(0xFF00));
        ring.Writer.EndMessage();
        Assert.Equal(most, ring.ReadOne().Length);
    }

    [Fact]
    [Rule("ring.build")]
    public async Task Building_waits_for_room_and_moves_to_the_beginning_of_the_data()
    {
        using var ring = new Ring();
        while (ring.Writer.TryWrite(new byte[1000]))
        {
            // Until it is full.
        }

        var building = Task.Run(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                ring.Writer.GetSpan(10)[..10].Fill((byte)i);
                ring.Writer.Advance(10);
            }

            ring.Writer.EndMessage();
        });
        var read = new List<byte[]>();
        while (read.Count < 5)
        {
            Assert.True(ring.Reader.WaitToRead(Watchdog.Limit));
            read.Add(ring.ReadOne());
        }

        await building.WaitAsync(Watchdog.Limit);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (byte)(i / 10)), read[^1]);
    }

    [Fact]
    [Rule("ring.write")]
    public async Task Sequences_and_memory_are_written_and_wait_for_room()
    {
        using var ring = new Ring();
        var first = new Piece([1, 2]);
        var last = first.Append([3]);
        Assert.True(ring.Writer.TryWrite(new ReadOnlySequence<byte>(first, 0, last, 1), 9));
        Assert.Equal([1, 2, 3], ring.ReadOne());
        while (ring.Writer.TryWrite(new byte[2000]))
        {
            // Until it is full.
        }

        Assert.False(ring.Writer.TryWrite(new ReadOnlySequence<byte>(new byte[2000])));
        var writing = ring.Writer.WriteAsync(new byte[1999]).AsTask();
        Assert.Throws<InvalidOperationException>(() => ring.Writer.TryWrite([1]));
        Assert.Equal(2000, ring.ReadOne().Length);
        Assert.Equal(2000, ring.ReadOne().Length);
        await writing.WaitAsync(Watchdog.Limit);
        Assert.Equal(1999, ring.ReadOne().Length);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.True(ring.Writer.WriteAsync(new byte[1], 0, cancelled.Token).IsCanceled);
    }

    private delegate void Act(ref MessageBatch batch);

    private static bool Throws(ref MessageBatch batch, Act act)
    {
        try
        {
            act(ref batch);
            return false;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return true;
        }
    }

    private static unsafe long RingPlace(Ring ring, ReadOnlySpan<byte> span)
    {
        _ = ring;
        fixed (byte* place = span)
        {
            // An empty span has no address; the data begins at a page.
            return span.IsEmpty ? 0 : (long)place % 4096;
        }
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        internal Piece(byte[] bytes) => Memory = bytes;

        internal Piece Append(byte[] bytes)
        {
            var next = new Piece(bytes) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
