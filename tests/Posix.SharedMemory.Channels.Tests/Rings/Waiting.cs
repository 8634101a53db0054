namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>Ends wait for each other, blocking or not, and for the end.</summary>
public sealed class Waiting
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("ring.wait")]
    public async Task A_message_wakes_the_reader_that_waits_for_it(bool synchronously)
    {
        using var ring = new Ring(4096, 8, new() { AllowSynchronousContinuations = synchronously, SpinBudget = TimeSpan.Zero });
        for (var i = 0; i < 50; i++)
        {
            var waiting = i % 2 == 0 ? ring.Reader.WaitToReadAsync().AsTask() : Task.Run(() => ring.Reader.WaitToRead(Watchdog.Limit));
            Assert.False(waiting.IsCompleted);
            ring.Writer.TryWrite([1]);
            Assert.True(await waiting.WaitAsync(Watchdog.Limit));
            Assert.True(ring.Reader.WaitToReadAsync().Result);
            ring.ReadOne();
        }
    }

    [Fact]
    [Rule("ring.wait")]
    public async Task Room_wakes_the_writer_that_waits_for_it()
    {
        using var ring = new Ring();
        for (var i = 0; i < 50; i++)
        {
            while (ring.Writer.TryWrite(new byte[100]))
            {
                // Until it is full.
            }

            var waiting = i % 2 == 0 ? ring.Writer.WaitToWriteAsync(100).AsTask() : Task.Run(() => ring.Writer.WaitToWrite(100, Watchdog.Limit));
            ring.ReadOne();
            ring.ReadOne();
            Assert.True(await waiting.WaitAsync(Watchdog.Limit));
            Assert.True(ring.Writer.TryWrite(new byte[100]));
        }
    }

    [Fact]
    [Rule("ring.wait-ends")]
    public async Task Waits_end_by_timeout_token_and_disposal()
    {
        using var ring = new Ring();
        Assert.False(ring.Reader.WaitToRead(TimeSpan.FromMilliseconds(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Reader.WaitToRead(TimeSpan.FromSeconds(-2)));
        using var cancellation = new CancellationTokenSource();
        var waiting = ring.Reader.WaitToReadAsync(cancellation.Token).AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.True(ring.Reader.WaitToReadAsync(cancellation.Token).IsCanceled);
        ring.Writer.TryWrite([1]);
        Assert.Equal([1], ring.ReadOne());
        waiting = ring.Reader.WaitToReadAsync().AsTask();
        Assert.Throws<InvalidOperationException>(() => ring.Reader.WaitToReadAsync());
        ring.Reader.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Throws<ObjectDisposedException>(() => ring.Reader.TryRead(out MessageLease _));
        Assert.Throws<ObjectDisposedException>(() => ring.Reader.Available);
    }

    [Fact]
    [Rule("ring.complete")]
    public async Task The_reader_drains_a_completed_channel_and_then_sees_the_end()
    {
        using var ring = new Ring();
        var completion = ring.Reader.Completion;
        ring.Writer.TryWrite([1]);
        ring.Writer.TryWrite([2]);
        ring.Writer.Complete();
        Assert.Throws<InvalidOperationException>(() => ring.Writer.TryWrite([1]));
        Assert.Throws<InvalidOperationException>(() => ring.Writer.Complete());
        Assert.True(ring.Reader.WaitToRead(TimeSpan.Zero));
        Assert.False(completion.IsCompleted);
        ring.ReadOne();
        ring.ReadOne();
        await completion.WaitAsync(Watchdog.Limit);
        Assert.False(ring.Reader.WaitToRead(TimeSpan.Zero));
        Assert.False(await ring.Reader.WaitToReadAsync());
        Assert.Equal(ChannelState.Completed, ring.Channel.GetStatus().State);
        ring.Writer.Dispose();
        Assert.Throws<InvalidOperationException>(() => ring.Channel.OpenWriter());
        ring.ReopenReader();
        Assert.False(ring.Reader.WaitToRead(Watchdog.Limit));
        Assert.True(ring.Reader.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    [Rule("ring.complete")]
    public async Task Completion_wakes_a_reader_that_waits_and_completes_the_task_without_a_read()
    {
        using var ring = new Ring();
        var waiting = ring.Reader.WaitToReadAsync().AsTask();
        ring.Writer.Complete();
        Assert.False(await waiting.WaitAsync(Watchdog.Limit));
        using var other = new Ring();
        var completion = other.Reader.Completion;
        other.Writer.Complete();
        await completion.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("ring.abort")]
    public async Task An_error_of_the_writer_comes_after_everything_it_wrote()
    {
        using var ring = new Ring();
        ring.Writer.TryWrite([1]);
        ring.Writer.Complete(42);
        Assert.True(await ring.Reader.WaitToReadAsync());
        ring.ReadOne();
        Assert.Equal(42, (await Assert.ThrowsAsync<ChannelException>(() => ring.Reader.WaitToReadAsync().AsTask())).Error);
        Assert.Equal(42, Assert.Throws<ChannelException>(() => ring.Reader.WaitToRead(TimeSpan.Zero)).Error);
        Assert.Equal(42, (await Assert.ThrowsAsync<ChannelException>(() => ring.Reader.Completion)).Error);
        Assert.Equal(ChannelState.Aborted, ring.Channel.GetStatus().State);
    }

    [Fact]
    [Rule("ring.takes-no-more")]
    public async Task A_reader_that_stops_reading_ends_the_waits_of_the_writer()
    {
        using var ring = new Ring();
        while (ring.Writer.TryWrite(new byte[1000]))
        {
            // Until it is full.
        }

        ring.U32(384 + 32) = 1;
        Assert.False(await ring.Writer.WaitToWriteAsync(1000));
        Assert.False(ring.Writer.WaitToWrite(1000, Watchdog.Limit));
        Assert.Throws<InvalidOperationException>(() => ring.Writer.Write(new byte[1000]));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ring.Writer.WriteAsync(new byte[1000]).AsTask());
    }

    [Fact]
    [Rule("ring.allocation")]
    public void Messages_allocate_nothing()
    {
        using var ring = new Ring();
        // Spinning is off: each wait sleeps, or would.
        Assert.Equal(0, Allocation.OfRounds(20_000, () => Go(ring)));

        static void Go(Ring ring)
        {
            Span<byte> bytes = stackalloc byte[64];
            ring.Writer.TryWrite(bytes);
            ring.Reader.TryRead(out MessageLease lease);
            lease.Dispose();
            ring.Writer.TryReserve(64, out var reservation);
            reservation.Commit(64);
            ring.Reader.TryRead(bytes, out _, out _);
            using (var batch = ring.Writer.BeginBatch())
            {
                batch.TryWrite(bytes);
                batch.TryWrite(bytes);
            }

            foreach (var message in ring.Reader.ReadAvailable())
            {
                message.Span.CopyTo(bytes);
            }

            ring.Writer.GetSpan(8);
            ring.Writer.Advance(8);
            ring.Writer.EndMessage();
            _ = ring.Reader.WaitToReadAsync().Result;
            _ = ring.Reader.WaitToRead(TimeSpan.Zero);
            _ = ring.Writer.WaitToWrite(8, TimeSpan.Zero);
            ring.Reader.TryRead(bytes, out _, out _);
        }
    }

    [Fact]
    [Rule("ring.allocation")]
    public void Messages_that_are_there_are_read_asynchronously_without_allocating()
    {
        using var ring = new Ring();
        var (reading, bytes) = (ring.Reader.ReadAllAsync().GetAsyncEnumerator(), new byte[64]);
        var sequence = new System.Buffers.ReadOnlySequence<byte>(bytes);
        Assert.Equal(0, Allocation.OfRounds(20_000, () =>
        {
            // The assertions of the test framework allocate.
            var isRight = ring.Writer.WriteAsync(bytes).IsCompletedSuccessfully && ring.Writer.TryWrite(in sequence);
            for (var k = 0; k < 2; k++)
            {
                var next = reading.MoveNextAsync();
                isRight &= next.IsCompletedSuccessfully && next.Result && reading.Current.Length == 64;
            }

            if (!isRight)
            {
                Assert.Fail("A round went wrong.");
            }
        }));
        ring.Writer.TryWrite(bytes);
        ring.Writer.Complete();
        Assert.True(reading.MoveNextAsync().Result);
        Assert.False(reading.MoveNextAsync().Result);
    }

    [Fact]
    [Rule("ring.allocation")]
    public async Task Waits_allocate_nothing_after_the_first_ones()
    {
        using var ring = new Ring(4096, 8, new() { AllowSynchronousContinuations = true });
        using var back = new Ring(4096, 8, new() { AllowSynchronousContinuations = true });
        var echo = Task.Run(async () =>
        {
            while (await ring.Reader.WaitToReadAsync())
            {
                ring.Reader.TryRead(new Span<byte>(), out _, out _);
                back.Writer.TryWrite([]);
            }
        });
        const int rounds = 3000;
        // The pools of the runtime fill once for each processor, and its own threads allocate now and then: the least of some series is the waits' own.
        var allocated = long.MaxValue;
        for (var series = 0; series < 6 && (series < 2 || allocated > rounds * 8); series++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < rounds; i++)
            {
                ring.Writer.TryWrite([]);
                Assert.True(await back.Reader.WaitToReadAsync());
                Assert.True(back.Reader.TryRead(new Span<byte>(), out _, out _));
            }

            allocated = Math.Min(allocated, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        ring.Writer.Complete();
        await echo.WaitAsync(Watchdog.Limit);
        Assert.InRange(allocated, 0, rounds * 8);
    }
}
