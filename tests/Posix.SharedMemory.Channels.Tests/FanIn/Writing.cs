using System.Buffers;
using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.FanIns;

/// <summary>Messages of several writers of this process.</summary>
public sealed class Writing
{
    [Fact]
    [Rule("fanin.create")]
    [Rule("fanin.bad-options")]
    public void It_is_created_opened_and_refused_like_a_channel()
    {
        using var name = new TemporaryName("fanin");
        foreach (var options in (FanInOptions[])[new() { Capacity = 2048 }, new() { Capacity = 5000 }, new() { MaxWriters = 0 }, new() { MaxWriters = 65 }, new() { ContentType = new('x', 49) }])
        {
            Assert.ThrowsAny<ArgumentException>(() => FanIn.Create(name, options));
        }

        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => FanIn.Open(name)).Errno);
        using (var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2, SchemaId = 7 }))
        {
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => FanIn.Create(name)).Errno);
            using var again = FanIn.OpenOrCreate(name, out var created, new() { SchemaId = 7 });
            Assert.False(created);
            Assert.Throws<InvalidDataException>(() => FanIn.Open(name, 8));
            Assert.Contains("it is a fan-in of kind 6, not a message channel of kind 1", Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name)).Message, StringComparison.Ordinal);
            var status = again.GetStatus();
            Assert.Equal((ChannelKind.FanIn, 4096L, 0L, 3), (status.Kind, status.Capacity, status.Used, status.Endpoints.Count));
            Assert.Equal([EndpointRole.Writer, EndpointRole.Writer, EndpointRole.Reader], status.Endpoints.Select(endpoint => endpoint.Role));
            using var received = FanIn.FromObject(SharedMemoryObject.Open(name));
            using var one = received.OpenWriter();
            Assert.Equal((4096L, 2032, 4096L), (one.Capacity, one.MaxMessageLength, one.Free));
        }

        Assert.False(name.Exists);
        using var unnamed = FanIn.CreateAnonymous();
        using var bytes = unnamed.Memory.Map();
        Assert.Equal(262_064, unnamed.OpenWriter().MaxMessageLength);
    }

    [Fact]
    [Rule("fanin.endpoints")]
    public void It_admits_one_reader_and_as_many_writers_as_it_was_created_for()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader(new() { Label = "daemon" });
        var one = fanIn.OpenWriter();
        using var two = fanIn.OpenWriter();
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => fanIn.OpenWriter()).Errno);
        Assert.Contains("daemon", Assert.Throws<SharedMemoryException>(() => fanIn.OpenReader()).Message, StringComparison.Ordinal);
        one.Complete();
        Assert.Throws<InvalidOperationException>(() => one.TryWrite([1]));
        Assert.Throws<InvalidOperationException>(() => one.Free);
        one.Dispose();
        Assert.Throws<ObjectDisposedException>(() => one.TryWrite([1]));
        using var three = fanIn.OpenWriter(new() { Label = "third" });
        Assert.Equal([PeerState.Alive, PeerState.Alive], reader.Writers.Select(writer => writer.State));
        Assert.Equal("third", reader.Writers[0].Label);
        Assert.Equal(PeerState.Alive, two.Reader);
        // What a writer left unread keeps its label as long as another place is free.
        using var wide = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
        using (var first = wide.OpenWriter(new() { Label = "first" }))
        {
            first.TryWrite([1]);
        }

        using var second = wide.OpenWriter(new() { Label = "second" });
        using var wideReader = wide.OpenReader();
        Assert.True(wideReader.TryRead(out FanInLease lease));
        Assert.Equal("first", lease.Writer.Label);
        lease.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("fanin.hostile")]
    public void Padding_that_was_never_claimed_is_corrupt(bool isWaiting)
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        using var bytes = fanIn.Memory.Map();
        // One line at position 0, committed by writer 0: as a peer writes it that never comes to an end.
        bytes.GetReference<ulong>((long)bytes.GetReference<ulong>(40)) = (3UL << 62) | (48UL << 38);
        var corrupt = Assert.Throws<ChannelCorruptException>(() => isWaiting ? reader.WaitToRead(Watchdog.Limit) : reader.TryRead(out var _));
        Assert.Equal("a record", corrupt.Field);
    }

    [Fact]
    [Rule("fanin.record")]
    [Rule("fanin.reserve")]
    public void Messages_of_every_length_written_and_read_in_every_way_wrap_around_the_end()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var one = fanIn.OpenWriter(new() { Label = "one" });
        using var two = fanIn.OpenWriter(new() { Label = "two" });
        using var reader = fanIn.OpenReader();
        var bytes = new byte[2032];
        for (var length = 0; length <= one.MaxMessageLength; length += 7)
        {
            var (writer, index) = length % 2 == 0 ? (one, 0) : (two, 1);
            var message = Enumerable.Range(0, length).Select(i => (byte)(i + length)).ToArray();
            Write(writer, message, length % 5);
            if (length % 3 == 0)
            {
                Assert.True(reader.TryRead(out FanInLease lease));
                Assert.True(lease.Span.SequenceEqual(message));
                Assert.Equal((length, index, false), (lease.Type, lease.Writer.Index, lease.IsRedelivered));
                lease.Dispose();
                lease.Dispose();
            }
            else
            {
                Assert.True(length == 0 || !reader.TryRead(bytes.AsSpan(0, length - 1), out _, out _));
                Assert.True(reader.TryRead(bytes, out var read, out var type));
                Assert.Equal((length, length), (read, type));
                Assert.True(bytes.AsSpan(0, read).SequenceEqual(message));
            }

            Assert.False(reader.TryRead(bytes, out _, out _));
        }

        Assert.Equal((0, 0), (reader.Available, reader.LostClaims));
        Assert.Throws<ArgumentException>(() => one.TryWrite(new byte[2033]));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.TryWrite([], 0xFF00));
        Assert.Throws<ArgumentException>(() => one.TryReserve(2033, out _));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(1 << 16)]
    [Rule("fanin.batch")]
    [Rule("fanin.available")]
    public void Batches_of_every_length_arrive_in_order_also_around_the_end(int capacity)
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = capacity });
        using var one = fanIn.OpenWriter(new() { Label = "one" });
        using var two = fanIn.OpenWriter(new() { Label = "two" });
        using var reader = fanIn.OpenReader();
        var (written, read) = (0, 0);
        for (var round = 0; round < 400; round++)
        {
            using (var batch = one.BeginBatch())
            {
                for (var i = 0; i < round % 40; i++)
                {
                    var message = Numbered(written);
                    if (i % 3 == 2)
                    {
                        if (!batch.TryReserve(message.Length + 70, out var room))
                        {
                            break;
                        }

                        message.CopyTo(room);
                        // One that is followed by anything but its commit is given up.
                        if (i % 2 == 0 || batch.TryReserve(message.Length, out room))
                        {
                            message.CopyTo(room);
                            batch.Commit(message.Length, 5);
                            written++;
                        }
                    }
                    else if (batch.TryWrite(message, 5))
                    {
                        written++;
                    }
                    else
                    {
                        break;
                    }
                }

                Assert.Throws<InvalidOperationException>(() => one.TryWrite([1]));
            }

            two.TryWrite("two"u8, 6);
            foreach (var message in reader.ReadAvailable())
            {
                if (message.Type == 5)
                {
                    Assert.True(message.Span.SequenceEqual(Numbered(read++)));
                    Assert.Equal("one", message.Writer.Label);
                }

                message.Dispose();
            }

            Assert.Equal((written, 0L), (read, reader.Available));
            Assert.Equal(capacity, one.Free);
        }

        Assert.True(read > 1000);
    }

    [Fact]
    [Rule("fanin.batch")]
    [Rule("fanin.available")]
    public void Batches_and_enumerations_that_ended_are_refused_and_what_is_open_is_dropped_with_the_writer()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        var batch = writer.BeginBatch();
        var copy = batch;
        Assert.True(batch.TryWrite("a"u8));
        Assert.False(reader.TryRead(out FanInLease _));
        batch.Dispose();
        copy.Dispose();
        Refused(copy);
        var messages = reader.ReadAvailable().GetEnumerator();
        Assert.True(messages.MoveNext());
        Assert.Throws<InvalidOperationException>(() => reader.TryRead(new byte[1], out _, out _));
        // The claim of a batch in so small a ring: one line of it was used, and the rest is padding.
        Assert.Equal(4096 - 512, writer.Free);
        messages.Dispose();
        Assert.Equal(4096 - 448, writer.Free);
        Assert.False(reader.TryRead(out FanInLease _));
        Assert.Equal(4096, writer.Free);
        var wasRefused = false;
        try
        {
            messages.MoveNext();
        }
        catch (InvalidOperationException)
        {
            wasRefused = true;
        }

        Assert.True(wasRefused);
        Assert.True(writer.BeginBatch().TryWrite("b"u8));
        writer.Dispose();
        Assert.False(reader.TryRead(out FanInLease _));
        Assert.Equal((0, 0), (reader.Available, reader.LostClaims));

        static void Refused(FanInBatch batch)
        {
            var refusals = 0;
            for (var i = 0; i < 3; i++)
            {
                try
                {
                    _ = i switch { 0 => batch.TryWrite("c"u8), 1 => batch.TryReserve(1, out _), _ => Commit(ref batch) };
                }
                catch (InvalidOperationException)
                {
                    refusals++;
                }
            }

            Assert.Equal(3, refusals);
        }

        static bool Commit(ref FanInBatch batch)
        {
            batch.Commit(1);
            return true;
        }
    }

    [Fact]
    [Rule("fanin.batch")]
    public void A_reservation_ends_when_a_copy_of_the_batch_has_gone_once_around()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        var batch = writer.BeginBatch();
        Assert.True(batch.TryReserve(496, out _));
        // The copy fills the ring: one line, seven, and seven claims of eight. Then one line is free, in the place that was reserved with eight.
        var copy = batch;
        Assert.True(copy.TryWrite(new byte[10], 1));
        Assert.True(copy.TryWrite(new byte[432], 2));
        for (var i = 0; i < 7; i++)
        {
            Assert.True(copy.TryWrite(new byte[496], 3));
        }

        Assert.True(reader.TryRead(new byte[10], out _, out _));
        Assert.True(copy.TryReserve(10, out _));
        var wasRefused = false;
        try
        {
            batch.Commit(496, 4);
        }
        catch (InvalidOperationException)
        {
            wasRefused = true;
        }

        Assert.True(wasRefused);
        copy.Commit(10, 5);
        batch.Dispose();
        List<ushort> types = [];
        while (reader.TryRead(new byte[496], out _, out var type))
        {
            types.Add(type);
        }

        Assert.Equal([2, 3, 3, 3, 3, 3, 3, 3, 5], types);
    }

    [Fact]
    [Rule("looking.claims")]
    public void A_tap_copies_what_waits_for_the_reader_and_counts_what_it_missed()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        var (tap, copied) = (MessageTap.On(fanIn.Memory), new List<int>());
        Assert.False(tap.TryRead(out _));
        for (var number = 0; number < 300; number++)
        {
            Assert.True(writer.TryWrite(Numbered(number), (ushort)number));
            // Two that the tap comes too late for, and then some that it sees, with a reservation that was given up between them.
            if (number % 10 < 2)
            {
                Assert.True(reader.TryRead(new byte[200], out _, out _));
            }
            else if (number % 10 == 9)
            {
                Assert.True(writer.TryReserve(100, out var reservation));
                reservation.Dispose();
                while (tap.TryRead(out var message))
                {
                    Assert.True(message.Span.SequenceEqual(Numbered(message.Type)));
                    Assert.Equal((message.Type % 10 == 2 ? 2 : 0, false), (message.Missed, message.IsTaken));
                    copied.Add(message.Type);
                }

                while (reader.TryRead(out FanInLease lease))
                {
                    lease.Dispose();
                }
            }
        }

        Assert.Equal(Enumerable.Range(0, 300).Where(number => number % 10 >= 2), copied);
        Assert.Equal((60, false), (tap.Missed, tap.HasEnded));
    }

    [Fact]
    [Rule("looking.claims")]
    [Rule("looking.hostile")]
    public void A_tap_of_bytes_that_no_peer_stores_fails_or_returns_bytes_of_the_ring()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = fanIn.OpenWriter();
        using var bytes = fanIn.Memory.Map();
        var data = bytes.Length - 4096;
        var tap = MessageTap.On(fanIn.Memory);
        writer.Write("a"u8);
        bytes.GetReference<ulong>(data) = ulong.MaxValue;
        Assert.Equal("a record", Assert.Throws<ChannelCorruptException>(() => tap.TryRead(out _)).Field);
        var random = new Random(6);
        for (var round = 0; round < 2000; round++)
        {
            bytes.GetReference<ulong>(round % 2 == 0 ? 384 + (random.Next(6) * 8) : data + (random.Next(512) * 8)) = (ulong)random.NextInt64();
            try
            {
                if (tap.TryRead(out var message))
                {
                    Assert.InRange(message.Span.Length, 0, 2032);
                }
            }
            catch (ChannelCorruptException)
            {
                // As it should be.
            }
        }
    }

    private static byte[] Numbered(int number) => [.. Enumerable.Range(0, number % 150).Select(i => (byte)(i + number))];

    [Fact]
    [Rule("fanin.full")]
    public async Task Writers_wait_for_room()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var one = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait });
        using var two = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        while (one.TryWrite(new byte[1000]))
        {
            // Until it is full.
        }

        Assert.False(two.WaitToWrite(1000, TimeSpan.FromMilliseconds(1)));
        Assert.Throws<TimeoutException>(() => two.Write(new byte[1000], 0, TimeSpan.FromMilliseconds(1)));
        var (waiting, blocked) = (one.WriteAsync(new byte[1000], 9).AsTask(), Task.Run(() => two.Write(new byte[900], 8, Watchdog.Limit)));
        Assert.False(waiting.IsCompleted);
        var types = new List<ushort>();
        while (types.Count(type => type != 0) < 2)
        {
            Assert.True(await reader.WaitToReadAsync().AsTask().WaitAsync(Watchdog.Limit));
            Assert.True(reader.TryRead(new byte[1000], out _, out var type));
            types.Add(type);
        }

        await waiting.WaitAsync(Watchdog.Limit);
        await blocked.WaitAsync(Watchdog.Limit);
        using var stop = new CancellationTokenSource();
        var cancelled = reader.WaitToReadAsync(stop.Token).AsTask();
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Watchdog.Limit));
        Assert.False(reader.WaitToRead(TimeSpan.FromMilliseconds(1)));
        reader.Dispose();
        while (two.TryWrite(new byte[1000]))
        {
            // Until it is full again.
        }

        Assert.Throws<PeerLeftException>(() => two.WaitToWrite(1000, Watchdog.Limit));
    }

    [Fact]
    [Rule("fanin.order")]
    public async Task Each_writer_s_order_is_kept()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 1 << 14, MaxWriters = 4 });
        using var reader = fanIn.OpenReader();
        const int count = 20_000;
        var writers = Enumerable.Range(0, 4).Select(number => Task.Run(() =>
        {
            using var writer = fanIn.OpenWriter();
            var bytes = new byte[1024];
            for (var i = 1L; i <= count; i++)
            {
                var message = ((long)number << 32) + i;
                var length = Streams.LengthOf(message, bytes.Length);
                Streams.Fill(bytes.AsSpan(0, length), message);
                writer.Write(bytes.AsSpan(0, length), 0, Watchdog.Limit);
            }
        })).ToArray();
        var last = new long[4];
        for (var read = 0; read < 4 * count;)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            while (reader.TryRead(out FanInLease lease))
            {
                var number = Streams.Check(lease.Span, 1024);
                if (++last[number >> 32] != (int)number)
                {
                    Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"Writer {number >> 32}: message {(int)number} came instead of {last[number >> 32]}."));
                }

                lease.Dispose();
                read++;
            }
        }

        await Task.WhenAll(writers).WaitAsync(Watchdog.Limit);
        Assert.Equal((4 * count, 0), (fanIn.GetStatus().Messages, reader.LostClaims));
    }

    [Fact]
    [Rule("fanin.allocation")]
    public void Messages_allocate_nothing()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        var bytes = new byte[100];
        Assert.Equal(0, Allocation.OfRounds(20_000, () =>
        {
            writer.TryWrite(bytes);
            writer.TryReserve(100, out var reservation);
            reservation.Commit(50);
            bytes.CopyTo(writer.GetSpan(100));
            writer.Advance(100);
            writer.EndMessage();
            reader.TryRead(bytes, out _, out _);
            reader.TryRead(out FanInLease lease);
            _ = lease.Writer;
            lease.Dispose();
            reader.WaitToRead(TimeSpan.Zero);
            reader.TryRead(bytes, out _, out _);
        }));
        Assert.Equal(0, Allocation.OfRounds(20_000, () =>
        {
            using (var batch = writer.BeginBatch())
            {
                batch.TryWrite(bytes);
                batch.TryReserve(100, out _);
                batch.Commit(50);
            }

            foreach (var message in reader.ReadAvailable())
            {
                bytes[0] ^= message.Span[^1];
            }
        }));
    }

    [Fact]
    [Rule("fanin.allocation")]
    public void Messages_that_are_there_are_read_asynchronously_without_allocating()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        var (reading, bytes) = (reader.ReadAllAsync().GetAsyncEnumerator(), new byte[64]);
        Assert.Equal(0, Allocation.OfRounds(20_000, () =>
        {
            var isRight = writer.WriteAsync(bytes).IsCompletedSuccessfully && writer.WaitToWriteAsync(64).Result;
            var next = reading.MoveNextAsync();
            if (!isRight || !next.IsCompletedSuccessfully || !next.Result || reading.Current.Length != 64)
            {
                throw new InvalidOperationException("A message was not there.");
            }
        }));
    }

    private static void Write(FanInWriter writer, byte[] message, int way)
    {
        switch (way)
        {
            case 0:
                Assert.True(writer.TryWrite(message, (ushort)message.Length));
                break;
            case 1:
                Assert.True(writer.TryReserve(Math.Min(message.Length + 300, writer.MaxMessageLength), out var reservation));
                message.CopyTo(reservation.Span);
                reservation.Commit(message.Length, (ushort)message.Length);
                break;
            case 2:
                Assert.True(writer.TryWrite(new ReadOnlySequence<byte>(message), (ushort)message.Length));
                break;
            case 3:
                foreach (var part in message.Chunk(50))
                {
                    part.CopyTo(writer.GetSpan(part.Length));
                    writer.Advance(part.Length);
                }

                writer.EndMessage((ushort)message.Length);
                break;
            default:
                writer.TryReserve(20, out var dropped);
                dropped.Dispose();
                dropped.Dispose();
                Assert.True(writer.WriteAsync(message, (ushort)message.Length).IsCompletedSuccessfully);
                break;
        }
    }
}
