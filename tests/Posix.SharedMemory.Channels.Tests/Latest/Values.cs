namespace Posix.SharedMemory.Channels.Tests.Latest;

/// <summary>What a writer publishes, and what readers in the same process get.</summary>
public sealed class Values
{
    [Fact]
    [Rule("latest.create")]
    public void It_is_created_opened_and_refused_like_a_channel()
    {
        using var name = new TemporaryName("latest");
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => LatestValue<long>.Open(name, 0)).Errno);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => LatestBytes.Open(name, 0)).Errno);
        using (var value = LatestValue<long>.Create(name, new() { SchemaId = 7, ContentType = "counter" }))
        {
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => LatestValue<long>.Create(name)).Errno);
            using var again = LatestValue<long>.Open(name, FileAccess.ReadWrite, 7);
            using var third = LatestValue<long>.OpenOrCreate(name, out var created, new() { SchemaId = 7 });
            Assert.False(created);
            var status = third.GetStatus();
            Assert.Equal((ChannelKind.Latest, 8L, 0L, "counter", 7UL), (status.Kind, status.Capacity, status.Used, status.ContentType, status.SchemaId));
            Assert.Equal((PeerState.None, EndpointRole.Writer), (Assert.Single(status.Endpoints).State, status.Endpoints[0].Role));
            Assert.Contains("8 bytes", Assert.Throws<InvalidDataException>(() => LatestValue<int>.Open(name)).Message, StringComparison.Ordinal);
            Assert.Contains("LatestValue", Assert.Throws<InvalidDataException>(() => LatestBytes.Open(name)).Message, StringComparison.Ordinal);
            Assert.Contains("LatestValue", Assert.Throws<InvalidDataException>(() => LatestBytes.OpenOrCreate(name, out _, new() { SchemaId = 7 })).Message, StringComparison.Ordinal);
            Assert.Contains("schema 7", Assert.Throws<InvalidDataException>(() => LatestValue<long>.OpenOrCreate(name, out _, new() { SchemaId = 8 })).Message, StringComparison.Ordinal);
            var refusal = Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name));
            Assert.Contains("kind 4", refusal.Message, StringComparison.Ordinal);
            using var writer = value.OpenWriter(new() { Label = "first" });
            Assert.Contains("'first'", Assert.Throws<SharedMemoryException>(() => again.OpenWriter()).Message, StringComparison.Ordinal);
            writer.Publish(3);
            Assert.Equal(8, value.GetStatus().Used);
        }

        Assert.False(name.Exists);
        using var ring = MessageChannel.Create(name);
        Assert.Contains("kind 1", Assert.Throws<InvalidDataException>(() => LatestValue<long>.Open(name)).Message, StringComparison.Ordinal);
        using var otherName = new TemporaryName("latest");
        using var unnamed = LatestValue<long>.Create(otherName);
        using var received = LatestValue<long>.FromObject(SharedMemoryObject.Open(otherName));
        using var one = unnamed.OpenWriter();
        using var two = received.OpenReader();
        one.Publish(5);
        Assert.True(two.TryRead(out var five, out _));
        Assert.Equal(5, five);
    }

    [Fact]
    [Rule("latest.create")]
    public void A_header_that_contradicts_itself_is_refused()
    {
        using var name = new TemporaryName("latest");
        using var value = LatestBytes.Create(name, new LatestBytesOptions { MaxLength = 100 });
        using var bytes = value.Memory.Map();
        foreach (var (offset, wrong) in ((long, uint)[])[(48, 4096), (60, 8), (56, 0), (56, 1 << 20), (144, 3), (144, 0), (144, 1), (144, 128), (144, 64), (72, 99), (36, 0x00010000 | 2000), (36, 0x0002003F)])
        {
            ref var field = ref bytes.GetReference<uint>(offset);
            var before = field;
            field = wrong;
            using var copy = SharedMemoryObject.Open(name);
            Assert.Throws<InvalidDataException>(() => LatestBytes.FromObject(copy));
            field = before;
        }
    }

    [Fact]
    [Rule("latest.bad-options")]
    public void Options_out_of_their_range_are_refused_before_anything_is_created()
    {
        using var name = new TemporaryName("latest");
        foreach (var options in (LatestBytesOptions[])[new() { Buffers = 1 }, new() { Buffers = 3 }, new() { Buffers = 128 }, new() { MaxLength = 0 }, new() { MaxLength = int.MaxValue }, new() { ContentType = new('x', 49) }])
        {
            Assert.ThrowsAny<ArgumentException>(() => LatestBytes.Create(name, options));
            Assert.ThrowsAny<ArgumentException>(() => LatestBytes.OpenOrCreate(name, out _, options));
        }

        Assert.ThrowsAny<ArgumentException>(() => LatestBytes.OpenOrCreate(name, out _, new() { OnConflict = NameConflict.Replace }));
        Assert.False(name.Exists);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(64)]
    [Rule("latest.newest")]
    public void A_reader_gets_the_newest_value_and_its_version(int buffers)
    {
        using var value = LatestValue<(long, long)>.CreateAnonymous(new() { Buffers = buffers });
        using var reader = value.OpenReader();
        Assert.False(reader.TryRead(out _, out var version));
        Assert.Equal((0, PeerState.None), (version, reader.Writer));
        using (var writer = value.OpenWriter())
        {
            Assert.Equal(PeerState.Alive, reader.Writer);
            for (var i = 1; i <= 200; i++)
            {
                writer.Publish((i, -i));
                Assert.True(reader.TryRead(out var pair, out version));
                Assert.Equal(((i, -i), 2 * i), (pair, version));
            }
        }

        using var next = value.OpenWriter();
        Assert.True(reader.TryRead(out _, out version));
        next.Publish((1, 1));
        Assert.True(reader.TryRead(out _, out var after));
        Assert.Equal(version + 2, after);
        Assert.Equal((201, 201 * 16), (value.GetStatus().Messages, value.GetStatus().Bytes));
    }

    [Fact]
    [Rule("latest.reserve")]
    [Rule("latest.short")]
    public void A_value_is_written_in_place_and_only_its_first_commit_publishes_it()
    {
        using var value = LatestBytes.CreateAnonymous(new() { MaxLength = 16, Buffers = 2 });
        using var writer = value.OpenWriter();
        using var reader = value.OpenReader();
        var bytes = new byte[16];
        writer.Publish("first"u8);
        using (var dropped = writer.Begin())
        {
            dropped.Span.Fill(9);
            Assert.Throws<InvalidOperationException>(() => writer.Publish("other"u8));
            Assert.Throws<InvalidOperationException>(() => writer.Begin());
            Assert.True(reader.TryRead(bytes, out _, out var same));
            Assert.Equal(2, same);
        }

        var reservation = writer.Begin();
        var copy = reservation;
        "second"u8.CopyTo(reservation.Span);
        reservation.Commit(6);
        try
        {
            copy.Commit(3);
            Assert.Fail("A copy was committed again.");
        }
        catch (InvalidOperationException)
        {
            // It is the same reservation.
        }

        copy.Dispose();
        Assert.True(reader.TryRead(bytes, out var length, out var version));
        Assert.Equal(("second", 4), (System.Text.Encoding.UTF8.GetString(bytes.AsSpan(0, length)), version));
        Assert.False(reader.TryRead(new byte[5], out length, out version));
        Assert.Equal((6, 4), (length, version));
        writer.Publish([]);
        Assert.True(reader.TryRead([], out length, out _));
        Assert.Equal(0, length);
        Assert.Throws<ArgumentException>(() => writer.Publish(new byte[17]));
        using var typed = LatestValue<int>.CreateAnonymous();
        using var typedWriter = typed.OpenWriter();
        using (var place = typedWriter.Begin())
        {
            place.Value = 5;
            place.Commit();
        }

        using var typedReader = typed.OpenReader();
        Assert.True(typedReader.TryRead(out var five, out _));
        Assert.Equal(5, five);
    }

    [Fact]
    [Rule("latest.wait")]
    public async Task A_change_a_timeout_cancellation_and_disposal_end_the_wait_of_a_reader()
    {
        using var value = LatestValue<int>.CreateAnonymous();
        using var writer = value.OpenWriter();
        using var one = value.OpenReader();
        using var two = value.OpenReader();
        var (first, second) = (one.WaitForChangeAsync(0), Task.Run(() => two.WaitForChange(0, Watchdog.Limit)));
        Assert.False(first.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => one.TryRead(out _, out _));
        writer.Publish(1);
        Assert.Equal((2, 2), (await first.AsTask().WaitAsync(Watchdog.Limit), await second.WaitAsync(Watchdog.Limit)));
        Assert.Equal(2, await one.WaitForChangeAsync(0));
        Assert.Equal(2, one.WaitForChange(2, TimeSpan.FromMilliseconds(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.WaitForChange(2, TimeSpan.FromMilliseconds(-5)));
        using var stop = new CancellationTokenSource();
        var cancelled = one.WaitForChangeAsync(2, stop.Token).AsTask();
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Watchdog.Limit));
        var disposed = one.WaitForChangeAsync(2).AsTask();
        one.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => disposed.WaitAsync(Watchdog.Limit));
        Assert.Throws<ObjectDisposedException>(() => one.TryRead(out _, out _));
        Assert.True(two.TryRead(out _, out _));
    }

    [Fact]
    [Rule("latest.complete")]
    public async Task Completion_is_final_and_leaves_the_newest_value()
    {
        foreach (var error in (int[])[0, 7])
        {
            using var value = LatestValue<int>.CreateAnonymous();
            using var reader = value.OpenReader();
            var (completion, waiting) = (reader.Completion, reader.WaitForChangeAsync(0).AsTask());
            Assert.False(completion.IsCompleted);
            using (var writer = value.OpenWriter())
            {
                writer.Publish(3);
                Assert.Equal(2, await waiting.WaitAsync(Watchdog.Limit));
                waiting = reader.WaitForChangeAsync(2).AsTask();
                writer.Complete(error);
                Assert.Throws<InvalidOperationException>(() => writer.Publish(4));
            }

            if (error == 0)
            {
                Assert.Equal(2, await waiting.WaitAsync(Watchdog.Limit));
                await completion.WaitAsync(Watchdog.Limit);
            }
            else
            {
                Assert.Equal(7, (await Assert.ThrowsAsync<ChannelException>(() => waiting.WaitAsync(Watchdog.Limit))).Error);
                Assert.Equal(7, (await Assert.ThrowsAsync<ChannelException>(() => completion.WaitAsync(Watchdog.Limit))).Error);
            }

            Assert.True(reader.TryRead(out var last, out _));
            Assert.Equal(3, last);
            Assert.Equal(2, await reader.WaitForChangeAsync(0));
            Assert.Throws<InvalidOperationException>(() => value.OpenWriter());
        }
    }

    [Fact]
    [Rule("latest.read-only")]
    public void A_process_that_may_only_read_reads_and_does_not_wait()
    {
        using var name = new TemporaryName("latest");
        using var value = LatestValue<long>.Create(name);
        using var look = LatestValue<long>.Open(name, FileAccess.Read);
        using var reader = look.OpenReader();
        Assert.Equal(PeerState.None, reader.Writer);
        Assert.False(reader.TryRead(out _, out _));
        using (var writer = value.OpenWriter())
        {
            writer.Publish(5);
            Assert.Equal(PeerState.Alive, reader.Writer);
            Assert.True(reader.TryRead(out var five, out var version));
            Assert.Equal((5, 2), (five, version));
            Assert.Throws<NotSupportedException>(() => reader.WaitForChange(0, TimeSpan.Zero));
            Assert.Throws<NotSupportedException>(() => _ = reader.WaitForChangeAsync(0).IsCompleted);
            Assert.Throws<NotSupportedException>(() => _ = reader.Completion.IsCompleted);
            Assert.Throws<NotSupportedException>(() => reader.PeerChanged += (_, _) => { });
            Assert.Throws<InvalidOperationException>(() => look.OpenWriter());
            writer.Complete();
        }

        Assert.True(reader.Completion.IsCompleted);
        Assert.Equal(PeerState.Left, reader.Writer);
        reader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _, out _));
    }

    [Fact]
    [Rule("latest.allocation")]
    public void Publishing_reading_and_waiting_allocate_nothing()
    {
        using var value = LatestValue<(long, long)>.CreateAnonymous();
        using var bytes = LatestBytes.CreateAnonymous();
        using var writer = value.OpenWriter();
        using var reader = value.OpenReader();
        using var bytesWriter = bytes.OpenWriter();
        using var bytesReader = bytes.OpenReader();
        var buffer = new byte[4096];
        var i = 0;
        Assert.Equal(0, Allocation.OfRounds(20_000, () =>
        {
            writer.Publish((i, i++));
            reader.TryRead(out _, out var version);
            bytesWriter.Publish(buffer);
            bytesReader.TryRead(buffer, out _, out _);
            using (var place = writer.Begin())
            {
                place.Value = (i, i);
                place.Commit();
            }

            using (var room = bytesWriter.Begin())
            {
                room.Span[0] = 1;
                room.Commit(1);
            }

            reader.WaitForChange(version - 2, TimeSpan.Zero);
            _ = reader.WaitForChangeAsync(version - 2).Result;
        }));
    }

    [Fact]
    [Rule("latest.allocation")]
    public async Task Waits_allocate_nothing_after_the_first_ones()
    {
        using var there = LatestValue<int>.CreateAnonymous();
        using var back = LatestValue<int>.CreateAnonymous();
        using var writer = there.OpenWriter();
        using var answers = back.OpenWriter();
        using var reader = there.OpenReader(new() { AllowSynchronousContinuations = true });
        using var answered = back.OpenReader(new() { AllowSynchronousContinuations = true });
        const int Rounds = 2000, MostSeries = 6;
        var echo = Task.Run(async () =>
        {
            for (var seen = 0L; await reader.WaitForChangeAsync(seen) is var newest && newest != seen; seen = newest)
            {
                answers.Publish(1);
            }
        });
        // As for the ring: the runtime's own threads allocate now and then, so the least of some series is the waits' own.
        var (allocated, version) = (long.MaxValue, 0L);
        for (var series = 0; series < MostSeries && (series < 2 || allocated > Rounds * 8); series++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Rounds; i++)
            {
                writer.Publish(i);
                version = await answered.WaitForChangeAsync(version);
            }

            allocated = Math.Min(allocated, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        writer.Complete();
        await echo.WaitAsync(Watchdog.Limit);
        Assert.InRange(allocated, 0, Rounds * 8);
    }
}
