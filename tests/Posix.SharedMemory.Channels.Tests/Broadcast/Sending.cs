using System.Text;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>Messages to several readers of this process.</summary>
public sealed class Sending
{
    [Fact]
    [Rule("broadcast.create")]
    [Rule("broadcast.bad-options")]
    public void It_is_created_opened_and_refused_like_a_channel()
    {
        using var name = new TemporaryName("broadcast");
        foreach (var options in (BroadcastOptions[])[new() { Capacity = 2048 }, new() { Capacity = 5000 }, new() { MaxReaders = 0 }, new() { MaxReaders = 65 }, new() { History = -1 }, new() { History = (1 << 20) + 1 },
            new() { RecordAlignment = 4 }, new() { ContentType = new('x', 49) }])
        {
            Assert.ThrowsAny<ArgumentException>(() => Broadcast.Create(name, options));
        }

        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => Broadcast.Open(name, 0)).Errno);
        using (var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 2, SchemaId = 7 }))
        {
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => Broadcast.Create(name)).Errno);
            using var again = Broadcast.OpenOrCreate(name, out var created, new() { SchemaId = 7 });
            Assert.False(created);
            Assert.Throws<InvalidDataException>(() => Broadcast.Open(name, schemaId: 8));
            Assert.Throws<ArgumentException>(() => Broadcast.OpenOrCreate(name, out _, new() { OnConflict = NameConflict.ReplaceAbandoned }));
            Assert.Contains("a broadcast of kind 3", Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name)).Message, StringComparison.Ordinal);
            Assert.ThrowsAny<ArgumentException>(() => broadcast.OpenReader(new() { Delivery = (BroadcastDelivery)2 }));
            Assert.ThrowsAny<ArgumentException>(() => broadcast.OpenReader(new() { Label = new('x', 33) }));
            Assert.ThrowsAny<ArgumentException>(() => BroadcastStart.Last(-1));
            var status = again.GetStatus();
            Assert.Equal((ChannelKind.Broadcast, 4096L, 0L, 3), (status.Kind, status.Capacity, status.Used, status.Endpoints.Count));
            Assert.Equal([EndpointRole.Writer, EndpointRole.Reader, EndpointRole.Reader], status.Endpoints.Select(endpoint => endpoint.Role));
            using var received = Broadcast.FromObject(SharedMemoryObject.Open(name));
            using var writer = received.OpenWriter();
            Assert.Equal((4096L, 2032, 4096L), (writer.Capacity, writer.MaxMessageLength, writer.Free));
        }

        Assert.False(name.Exists);
        using var unnamed = Broadcast.CreateAnonymous();
        Assert.Equal(17, unnamed.GetStatus().Endpoints.Count);
    }

    [Fact]
    [Rule("broadcast.endpoints")]
    public void It_admits_one_writer_and_as_many_readers_as_it_was_created_for()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2 });
        using var writer = broadcast.OpenWriter(new() { Label = "feed" });
        Assert.Contains("feed", Assert.Throws<SharedMemoryException>(() => broadcast.OpenWriter()).Message, StringComparison.Ordinal);
        var one = broadcast.OpenReader(new() { Label = "one" });
        using var two = broadcast.OpenReader(new() { Label = "two", Delivery = BroadcastDelivery.Lossy });
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => broadcast.OpenReader()).Errno);
        Assert.Equal(["one", "two"], writer.Readers.Select(reader => reader.Label));
        one.Dispose();
        Assert.Equal([PeerState.Left, PeerState.Alive], writer.Readers.Select(reader => reader.State));
        using var three = broadcast.OpenReader(new() { Label = "three" });
        Assert.Equal(["three", "two"], writer.Readers.Select(reader => reader.Label));
        Assert.Equal((PeerState.Alive, PeerState.Alive), (two.Writer, three.Writer));
    }

    [Fact]
    [Rule("broadcast.record")]
    [Rule("broadcast.order")]
    public void Messages_of_every_length_arrive_at_all_readers_also_around_the_end()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 3 });
        using var writer = broadcast.OpenWriter();
        using BroadcastReader one = broadcast.OpenReader(), two = broadcast.OpenReader(), three = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var (copy, message) = (new byte[2032], new byte[2032]);
        for (var number = 0; number < 3 * 2033; number++)
        {
            var length = number * 7 % 2033;
            message.AsSpan().Fill((byte)number);
            Assert.True(writer.TryWrite(message.AsSpan(0, length), (ushort)number));
            foreach (var reader in (BroadcastReader[])[one, two, three])
            {
                Assert.True(reader.TryRead(copy, out var info));
                Assert.Equal(new(number, length, (ushort)number, 0), info);
                Assert.Equal(message.AsSpan(0, length), copy.AsSpan(0, length));
                Assert.False(reader.TryRead(copy, out info));
                Assert.Equal(default, info);
            }
        }

        Assert.Throws<ArgumentException>(() => writer.TryWrite(new byte[2033]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.TryWrite([1], 0xFF00));
        Assert.Throws<ArgumentException>(() => writer.TryReserve(2033, out _));
        Assert.True(writer.TryWrite([1, 2, 3]));
        Assert.False(one.TryRead(new byte[2], out var stays));
        Assert.Equal((3, 3L * 2033), (stays.Length, stays.Sequence));
        Assert.False(three.TryRead(new byte[2], out stays));
        Assert.Equal(3, stays.Length);
        Assert.True(one.TryRead(out MessageLease lease));
        Assert.Throws<InvalidOperationException>(() => one.TryRead(copy, out _));
        Assert.Equal([1, 2, 3], lease.Span.ToArray());
        lease.Dispose();
        lease.Dispose();
        Assert.Equal(0, one.Available);
        // Padding before it counts.
        Assert.InRange(two.Available, 24, 24 + 2047);
        Assert.Equal(two.Available, broadcast.GetStatus().Used);
    }

    [Fact]
    [Rule("broadcast.full")]
    [Rule("broadcast.lossy")]
    [Rule("broadcast.missed")]
    public void A_reader_that_loses_nothing_holds_the_writer_up_and_one_that_may_lose_does_not()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2, History = 1000 });
        using var writer = broadcast.OpenWriter();
        using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var bytes = new byte[8];
        for (var number = 0L; number < 1000; number++)
        {
            Assert.True(writer.TryWrite(BitConverter.GetBytes(number)));
        }

        // 170 messages of 24 bytes fit; it goes on in the newer half.
        Assert.True(lossy.TryRead(bytes, out var info));
        Assert.InRange(info.Sequence, 1000 - 170, 999);
        Assert.Equal((info.Sequence, info.Sequence, info.Sequence), (BitConverter.ToInt64(bytes), info.Missed, lossy.Missed));
        Assert.Equal(info.Missed, writer.Readers[0].Missed);
        Assert.True(lossy.TryRead(bytes, out var following));
        Assert.Equal((info.Sequence + 1, 0L), (following.Sequence, following.Missed));
        Assert.Throws<NotSupportedException>(() => lossy.TryRead(out MessageLease _));

        using (var lossless = broadcast.OpenReader())
        {
            var written = 0;
            while (writer.TryWrite(bytes))
            {
                written++;
            }

            Assert.InRange(written, 160, 170);
            Assert.False(writer.TryReserve(8, out _));
            Assert.Throws<TimeoutException>(() => writer.Write(bytes, 0, TimeSpan.Zero));
            Assert.InRange(writer.Free, 0, 39);
            Assert.True(lossless.TryRead(bytes, out info));
            Assert.Equal((1000L, 0L), (info.Sequence, info.Missed));
            Assert.True(lossless.TryRead(bytes, out _));
            Assert.True(writer.TryWrite(bytes));
        }

        // It has left.
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(writer.TryWrite(bytes));
        }
    }

    [Fact]
    [Rule("broadcast.reserve")]
    public void A_reservation_is_sent_by_its_commit_and_only_once()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var reader = broadcast.OpenReader();
        Assert.True(writer.TryReserve(2000, out var given));
        given.Span.Fill(0xEE);
        Assert.Throws<InvalidOperationException>(() => writer.TryWrite([1]));
        given.Dispose();
        Assert.True(writer.TryReserve(2000, out var reservation));
        "short"u8.CopyTo(reservation.Span);
        reservation.Commit(5, 9);
        try
        {
            reservation.Commit(5, 9);
            Assert.Fail("It was sent twice.");
        }
        catch (InvalidOperationException)
        {
            // As it should be.
        }

        using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var bytes = new byte[8];
        Assert.True(reader.TryRead(bytes, out var info));
        Assert.Equal(("short", 9, 0L), (Encoding.UTF8.GetString(bytes, 0, info.Length), info.Type, info.Sequence));
        Assert.False(reader.TryRead(bytes, out _));
        // What was reserved beyond stays written over: the next message does not take the intent back.
        Assert.True(writer.TryWrite("next"u8));
        Assert.True(lossy.TryRead(bytes, out info));
        Assert.Equal((1L, 0L), (info.Sequence, info.Missed));
    }

    [Theory]
    [InlineData(BroadcastDelivery.Lossless)]
    [InlineData(BroadcastDelivery.Lossy)]
    [Rule("broadcast.history")]
    public void A_reader_that_comes_late_gets_what_the_history_has(BroadcastDelivery delivery)
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 10 });
        using var writer = broadcast.OpenWriter();
        Assert.Null(First(BroadcastStart.Oldest));
        Assert.Null(First(BroadcastStart.Last(3)));
        for (var number = 0L; number < 5; number++)
        {
            writer.TryWrite(BitConverter.GetBytes(number));
        }

        Assert.Equal(0, First(BroadcastStart.Oldest));
        Assert.Equal(2, First(BroadcastStart.Last(3)));
        for (var number = 5L; number < 4000; number++)
        {
            writer.TryWrite(BitConverter.GetBytes(number));
            Assert.Equal(Math.Max(0, number - 9), First(BroadcastStart.Oldest));
            Assert.Equal(Math.Max(0, number - 2), First(BroadcastStart.Last(3)));
            Assert.Equal(number, First(BroadcastStart.Last(1)));
            Assert.Null(First(BroadcastStart.Now));
        }

        // Long messages leave room for few, of which the ring has three quarters.
        for (var number = 4000L; number < 4100; number++)
        {
            writer.TryWrite(new byte[480]);
            Assert.InRange(First(BroadcastStart.Oldest)!.Value, number - 9, number - 4);
        }

        long? First(BroadcastStart start)
        {
            using var reader = broadcast.OpenReader(new() { Delivery = delivery, Start = start });
            return reader.TryRead(new byte[480], out var info) ? info.Sequence : null;
        }
    }

    [Fact]
    [Rule("broadcast.history")]
    public void Without_a_history_every_start_is_the_next_message()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        writer.TryWrite([1]);
        foreach (var delivery in Enum.GetValues<BroadcastDelivery>())
        {
            foreach (var start in (BroadcastStart[])[BroadcastStart.Now, BroadcastStart.Oldest, BroadcastStart.Last(5), default])
            {
                using var reader = broadcast.OpenReader(new() { Delivery = delivery, Start = start });
                Assert.False(reader.TryRead(new byte[8], out _));
                writer.TryWrite([2]);
                Assert.True(reader.TryRead(new byte[8], out var info));
                Assert.Equal(0, info.Missed);
            }
        }

        Assert.Equal(("Now", "Oldest", "Last(5)"), (BroadcastStart.Now.ToString(), BroadcastStart.Oldest.ToString(), BroadcastStart.Last(5).ToString()));
    }

    [Theory]
    [InlineData(BroadcastDelivery.Lossless)]
    [InlineData(BroadcastDelivery.Lossy)]
    [Rule("broadcast.skip")]
    public void A_reader_skips_to_the_newest_message(BroadcastDelivery delivery)
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var reader = broadcast.OpenReader(new() { Delivery = delivery });
        var bytes = new byte[8];
        reader.SkipToLatest();
        Assert.False(reader.TryRead(bytes, out _));
        for (var number = 0; number < 50; number++)
        {
            writer.TryWrite([(byte)number]);
        }

        reader.SkipToLatest();
        Assert.True(reader.TryRead(bytes, out var info));
        Assert.Equal((49L, 0L, 49), (info.Sequence, info.Missed, bytes[0]));
        reader.SkipToLatest();
        Assert.False(reader.TryRead(bytes, out _));
        Assert.Equal(4096, writer.Free);
    }

    [Theory]
    [InlineData(BroadcastDelivery.Lossless)]
    [InlineData(BroadcastDelivery.Lossy)]
    [Rule("broadcast.wait")]
    [Rule("broadcast.complete")]
    public async Task Waits_end_with_a_message_with_room_and_with_the_end(BroadcastDelivery delivery)
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var reader = broadcast.OpenReader(new() { Delivery = delivery });
        var bytes = new byte[1024];
        Assert.False(reader.WaitToRead(TimeSpan.FromMilliseconds(1)));
        using var cancelled = new CancellationTokenSource();
        var waiting = reader.WaitToReadAsync(cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Watchdog.Limit));
        waiting = reader.WaitToReadAsync().AsTask();
        await writer.WriteAsync(bytes);
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        var blocked = Task.Run(() => reader.TryRead(bytes, out _) && reader.WaitToRead(Watchdog.Limit));
        writer.Write(bytes);
        Assert.True(await blocked.WaitAsync(Watchdog.Limit));
        if (delivery == BroadcastDelivery.Lossless)
        {
            while (writer.TryWrite(bytes))
            {
            }

            var writing = writer.WriteAsync(bytes).AsTask();
            Assert.False(writing.IsCompleted);
            while (!writing.IsCompleted)
            {
                reader.TryRead(bytes, out _);
            }

            await writing;
        }

        Assert.True(writer.TryWrite(bytes));
        var completion = reader.Completion;
        writer.Complete();
        Assert.Throws<InvalidOperationException>(() => writer.TryWrite([1]));
        var rest = 0;
        await foreach (var message in reader.ReadAllAsync())
        {
            Assert.Equal(1024, message.Length);
            rest++;
        }

        Assert.InRange(rest, 1, 4);
        await completion.WaitAsync(Watchdog.Limit);
        Assert.False(reader.WaitToRead(Watchdog.Limit));
        writer.Dispose();
        Assert.Throws<InvalidOperationException>(() => broadcast.OpenWriter());
    }

    [Fact]
    [Rule("broadcast.complete")]
    [Rule("broadcast.wait")]
    public async Task An_error_arrives_after_all_messages_and_a_wait_ends_with_its_end()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using BroadcastReader reader = broadcast.OpenReader(), other = broadcast.OpenReader();
        writer.TryWrite([1]);
        writer.Complete(42);
        Assert.True(reader.WaitToRead(TimeSpan.Zero));
        Assert.True(reader.TryRead(new byte[1], out _));
        Assert.Equal(42, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        Assert.Equal(42, (await Assert.ThrowsAsync<ChannelException>(() => reader.Completion.WaitAsync(Watchdog.Limit))).Error);
        Assert.False(other.Completion.IsCompleted);

        using var second = Broadcast.CreateAnonymous();
        var idle = second.OpenReader(new() { Restart = PeerRestart.Wait });
        var waiting = idle.WaitToReadAsync().AsTask();
        idle.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("broadcast.evict")]
    public async Task A_reader_that_is_evicted_is_waited_for_no_longer_and_its_calls_fail()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var slow = broadcast.OpenReader();
        using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var bytes = new byte[1000];
        while (writer.TryWrite(bytes))
        {
        }

        var writing = writer.WriteAsync(bytes).AsTask();
        Assert.False(writing.IsCompleted);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Evict(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Evict(17));
        writer.Evict(2);
        writer.Evict(3);
        Assert.False(writing.IsCompleted);
        writer.Evict(1);
        await writing.WaitAsync(Watchdog.Limit);
        Assert.Contains("evicted", Assert.Throws<ChannelException>(() => slow.TryRead(bytes, out _)).Message, StringComparison.Ordinal);
        Assert.Throws<ChannelException>(() => slow.TryRead(out MessageLease _));
        Assert.Throws<ChannelException>(() => slow.WaitToRead(TimeSpan.Zero));
        Assert.True(lossy.TryRead(bytes, out _));
        slow.Dispose();
        using var again = broadcast.OpenReader();
        Assert.True(writer.TryWrite(bytes));
        Assert.True(again.TryRead(bytes, out _));
    }

    [Fact]
    [Rule("broadcast.read-only")]
    public async Task A_process_that_may_only_read_reads_and_cannot_wait()
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 1, History = 4 });
        using var looking = Broadcast.Open(name, FileAccess.Read);
        Assert.Throws<InvalidOperationException>(() => looking.OpenReader());
        Assert.Throws<InvalidOperationException>(() => looking.OpenWriter());
        using var early = looking.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        Assert.Equal(PeerState.None, early.Writer);
        using var writer = broadcast.OpenWriter();
        Assert.Equal(PeerState.Alive, early.Writer);
        writer.TryWrite("one"u8);
        var bytes = new byte[8];
        Assert.True(early.TryRead(bytes, out var info));
        Assert.Equal((0L, 3), (info.Sequence, info.Length));
        using var late = looking.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Oldest });
        Assert.True(late.TryRead(bytes, out _));
        late.SkipToLatest();
        Assert.Throws<NotSupportedException>(() => early.WaitToRead(TimeSpan.Zero));
        await Assert.ThrowsAsync<NotSupportedException>(() => early.WaitToReadAsync().AsTask());
        await Assert.ThrowsAsync<NotSupportedException>(() => early.Completion);
        Assert.Throws<NotSupportedException>(() => early.PeerChanged += (_, _) => { });
        Assert.Empty(writer.Readers);
        writer.Complete();
        Assert.True(early.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    [Rule("looking.broadcast")]
    public void A_tap_copies_each_message_and_counts_what_was_overwritten()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 20 });
        using var writer = broadcast.OpenWriter();
        var tap = MessageTap.On(broadcast.Memory);
        Assert.False(tap.TryRead(out _));
        writer.TryWrite([0], 5);
        Assert.True(tap.TryRead(out var message));
        Assert.Equal((1, 5, 0L, false), (message.Span.Length, message.Type, message.Missed, message.IsTaken));
        var (seen, missed) = (1L, 0L);
        for (var number = 1; number <= 2000; number++)
        {
            writer.TryWrite(BitConverter.GetBytes(number));
            while (number % 300 == 0 && tap.TryRead(out message))
            {
                seen++;
                missed += message.Missed;
                Assert.Equal(seen + missed - 1, BitConverter.ToInt32(message.Span));
            }
        }

        while (tap.TryRead(out message))
        {
            seen++;
            missed += message.Missed;
        }

        Assert.Equal((2001L, missed), (seen + missed, tap.Missed));
        Assert.InRange(missed, 1, 2000);
        Assert.False(tap.HasEnded);
        writer.Complete();
        Assert.False(tap.TryRead(out _));
        Assert.True(tap.HasEnded);
        Assert.Equal((ChannelKind.Broadcast, 2001L, ChannelState.Completed), (ChannelStatus.TryRead(broadcast.Memory)!.Kind, ChannelStatus.TryRead(broadcast.Memory)!.Messages, broadcast.GetStatus().State));
    }

    [Fact]
    [Rule("broadcast.allocation")]
    public void Messages_allocate_nothing()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var lossless = broadcast.OpenReader();
        using var lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var bytes = new byte[100];
        Assert.Equal(0, Allocation.OfRounds(20_000, () =>
        {
            writer.TryWrite(bytes);
            if (writer.TryReserve(100, out var reservation))
            {
                reservation.Commit(50);
            }

            using (var batch = writer.BeginBatch())
            {
                batch.TryWrite(bytes.AsSpan(0, 20));
                batch.TryWrite(bytes.AsSpan(0, 20));
            }

            writer.GetSpan(20);
            writer.Advance(20);
            writer.EndMessage();
            for (var i = 0; i < 3; i++)
            {
                lossless.TryRead(bytes, out _);
                lossy.TryRead(bytes, out _);
            }

            lossless.TryRead(bytes, out _);
            if (lossless.TryRead(out MessageLease lease))
            {
                lease.Dispose();
            }

            lossy.TryRead(bytes, out _);
            lossy.TryRead(bytes, out _);
        }));
    }
}
