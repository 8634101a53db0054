using System.Diagnostics;

namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>Frames to several readers of this process.</summary>
public sealed class Publishing
{
    private static readonly FrameOptions s_small = new() { SlotLength = 4096, SlotCount = 4, MaxReaders = 3 };

    [Fact]
    [Rule("frames.create")]
    [Rule("frames.bad-options")]
    public void It_is_created_opened_and_refused_like_a_channel()
    {
        using var name = new TemporaryName("frames");
        foreach (var options in (FrameOptions[])[new() { SlotLength = 0 }, new() { SlotLength = (1 << 30) + 1 }, new() { SlotCount = 0 }, new() { SlotCount = 65537 }, new() { Depth = 0 }, new() { Depth = 1025 }, new() { MaxReaders = 0 },
            new() { MaxReaders = 65 }, new() { Alignment = 32 }, new() { Alignment = 100 }, new() { Alignment = 4 << 20 }, new() { ContentType = new('x', 49) }, new() { Classes = [new(0, 1)] }, new() { Classes = [new(1, 0)] },
            new() { Classes = [new(64, 65536), new(128, 1)] }, new() { Classes = [new(1, 1), new(2, 1), new(3, 1), new(4, 1), new(5, 1), new(6, 1), new(7, 1), new(8, 1), new(9, 1)] }])
        {
            Assert.ThrowsAny<ArgumentException>(() => FrameChannel.Create(name, options));
        }

        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => FrameChannel.Open(name)).Errno);
        using (var channel = FrameChannel.Create(name, s_small with { SchemaId = 7 }))
        {
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => FrameChannel.Create(name)).Errno);
            using var again = FrameChannel.OpenOrCreate(name, out var created, new() { SchemaId = 7 });
            Assert.False(created);
            Assert.Throws<InvalidDataException>(() => FrameChannel.Open(name, schemaId: 8));
            Assert.Throws<ArgumentException>(() => FrameChannel.OpenOrCreate(name, out _, new() { OnConflict = NameConflict.Replace }));
            Assert.Contains("a frame channel of kind 5", Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name)).Message, StringComparison.Ordinal);
            Assert.ThrowsAny<ArgumentException>(() => channel.OpenReader(new() { Overflow = (FrameOverflow)3 }));
            var status = again.GetStatus();
            Assert.Equal((ChannelKind.Frames, 4L * 4096, 0L, 4, 4096), (status.Kind, status.Capacity, status.Used, status.Endpoints.Count, status.MaxMessageLength));
            using var received = FrameChannel.FromObject(SharedMemoryObject.Open(name));
            using var writer = received.OpenWriter();
            Assert.Equal((4096, 4), (writer.MaxFrameLength, writer.CountFree()));
        }

        Assert.False(name.Exists);
        using var unnamed = FrameChannel.CreateAnonymous();
        Assert.Equal(9, unnamed.GetStatus().Endpoints.Count);
    }

    [Fact]
    [Rule("frames.endpoints")]
    public void It_admits_one_writer_and_as_many_readers_as_it_was_created_for()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { MaxReaders = 2 });
        using var writer = channel.OpenWriter(new() { Label = "camera" });
        Assert.Contains("camera", Assert.Throws<SharedMemoryException>(() => channel.OpenWriter()).Message, StringComparison.Ordinal);
        var one = channel.OpenReader(new() { Label = "one" });
        using var two = channel.OpenReader(new() { Label = "two" });
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => channel.OpenReader()).Errno);
        Assert.Equal(["one", "two"], writer.Readers.Select(reader => reader.Label));
        one.Dispose();
        using var three = channel.OpenReader(new() { Label = "three" });
        Assert.Equal(["three", "two"], writer.Readers.Select(reader => reader.Label));
        Assert.Equal((PeerState.Alive, PeerState.Alive), (two.Writer, three.Writer));
    }

    [Fact]
    [Rule("frames.send")]
    [Rule("frames.in-place")]
    [Rule("frames.dispose")]
    [Rule("frames.loan")]
    public void A_frame_arrives_whole_at_every_reader_and_its_slot_is_free_when_all_have_returned_it()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small);
        using var writer = channel.OpenWriter();
        using FrameReader one = channel.OpenReader(), two = channel.OpenReader();
        Assert.True(writer.TryLoan(1000, out var frame));
        Assert.Equal((1000, 1000, 4096, 3), (frame.Span.Length, frame.Memory.Length, frame.Capacity, writer.CountFree(1)));
        Assert.Equal(4096, channel.GetStatus().Used);
        frame.Span.Fill(7);
        frame.Length = 900;
        (frame.Type, frame.Timestamp) = (5, 123);
        frame.Header.Width = 30;
        Assert.Equal(2, writer.Send(frame));
        RequireEnded(frame);
        Assert.Throws<ObjectDisposedException>(() => writer.Send(frame));
        frame.Dispose();
        Assert.Equal((1, 1), (one.Available, two.Available));
        Assert.True(one.TryRead(out var first));
        Assert.True(two.TryRead(out var second));
        Assert.False(one.TryRead(out _));
        foreach (var read in (Frame[])[first, second])
        {
            Assert.Equal((900, (ushort)5, 123L, 0L, 30), (read.Length, read.Type, read.Timestamp, read.Sequence, read.Header.Width));
            Assert.False(read.ReadOnlySpan.ContainsAnyExcept((byte)7));
            Assert.Equal(900, read.ReadOnlyMemory.Span.Length);
            RequireReadOnly(read);
            Assert.Throws<ArgumentException>(() => writer.Send(read));
        }

        var memory = first.ReadOnlyMemory;
        first.Dispose();
        first.Dispose();
        RequireEnded(first);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Equal(3, writer.CountFree());
        second.Dispose();
        Assert.Equal((4, 0L), (writer.CountFree(), channel.GetStatus().Used));
        Assert.Equal((1L, 900L), (channel.GetStatus().Messages, channel.GetStatus().Bytes));
    }

    [Fact]
    [Rule("frames.send")]
    [Rule("frames.dispose")]
    [Rule("frames.loan")]
    public void A_reader_that_is_disposed_returns_what_it_holds_and_what_waits()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small);
        using var writer = channel.OpenWriter();
        using FrameReader one = channel.OpenReader(), two = channel.OpenReader();
        Assert.True(writer.TryLoan(0, out var frame));
        Assert.Throws<ArgumentOutOfRangeException>(() => frame.Length = 4097);
        Assert.Throws<ArgumentOutOfRangeException>(() => frame.Type = 0xFF00);
        var before = Stopwatch.GetTimestamp();
        writer.Send(frame);
        Assert.True(one.TryRead(out var first));
        Assert.Equal((0, 0L), (first.ReadOnlySpan.Length, first.Sequence));
        Assert.InRange(first.Timestamp, before, Stopwatch.GetTimestamp());
        Assert.Throws<ArgumentException>(() => writer.TryLoan(4097, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.TryLoan(-1, out _));
        one.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.ReadOnlySpan.Length);
        two.Dispose();
        Assert.Equal(4, writer.CountFree());
        Assert.True(writer.TryLoan(10, out frame));
        Assert.Equal(0, writer.Send(frame));
        Assert.Equal((2L, 10L), (channel.GetStatus().Messages, channel.GetStatus().Bytes));
    }

    [Fact]
    [Rule("frames.dispose")]
    public void A_frame_that_has_ended_stays_so_while_its_slot_is_used_again()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { SlotCount = 1 });
        using var writer = channel.OpenWriter();
        var sent = writer.Loan(8);
        Assert.Equal(0, writer.Send(sent));
        var next = writer.Loan(9);
        sent.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.Send(sent));
        RequireEnded(sent);
        Assert.Equal((9, 0), (next.Span.Length, writer.CountFree()));
        using var reader = channel.OpenReader();
        writer.Send(next);
        Assert.True(reader.TryRead(out var read));
        var memory = read.ReadOnlyMemory;
        read.Dispose();
        // 64 others of the same end come between two frames of an object, and as many end.
        for (var others = 1; others <= 64; others++)
        {
            writer.Send(writer.Loan(1));
            Assert.True(reader.TryRead(out var later));
            Assert.NotSame(read, later);
            read.Dispose();
            Assert.Equal((0, 1), (writer.CountFree(), later.ReadOnlySpan.Length));
            later.Dispose();
        }

        RequireEnded(read);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
    }

    [Fact]
    [Rule("frames.dispose")]
    public void Frames_that_are_read_and_disposed_while_their_reader_is_disposed_go_back()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { MaxReaders = 1 });
        using var writer = channel.OpenWriter();
        for (var round = 0; round < 2000; round++)
        {
            var reader = channel.OpenReader();
            writer.Send(writer.Loan(1));
            writer.Send(writer.Loan(1));
            Assert.True(reader.TryRead(out var held));
            Parallel.Invoke(
                held.Dispose,
                reader.Dispose,
                () =>
                {
                    try
                    {
                        reader.TryRead(out _);
                    }
                    catch (ObjectDisposedException)
                    {
                        // It was disposed first.
                    }
                });
            // Of a place that somebody has again, the publisher frees only what was returned.
            using var next = channel.OpenReader();
            Assert.Equal(4, writer.CountFree());
        }
    }

    [Fact]
    [Rule("frames.loan")]
    public void A_loan_takes_the_smallest_free_slot_that_is_long_enough()
    {
        using var channel = FrameChannel.CreateAnonymous(new() { Classes = [new(1 << 16, 1), new(100, 2), new(4096, 1)], Alignment = 64 });
        using var writer = channel.OpenWriter();
        Assert.Equal((1 << 16, 4, 2, 1), (writer.MaxFrameLength, writer.CountFree(128), writer.CountFree(129), writer.CountFree(4097)));
        var loans = new List<Frame>();
        for (var i = 0; i < 4; i++)
        {
            Assert.True(writer.TryLoan(100, out var frame));
            frame.Span.Fill((byte)i);
            loans.Add(frame);
        }

        Assert.Equal([128, 128, 4096, 1 << 16], loans.Select(loan => loan.Capacity));
        Assert.False(writer.TryLoan(1, out _));
        Assert.All(loans.Index(), loan => Assert.False(loan.Item.Span.ContainsAnyExcept((byte)loan.Index)));
        loans[2].Dispose();
        Assert.False(writer.TryLoan(4097, out _));
        Assert.True(writer.TryLoan(4096, out _));
    }

    [Fact]
    [Rule("frames.overflow")]
    [Rule("frames.missed")]
    public async Task Each_reader_chooses_what_becomes_of_a_frame_when_too_many_wait()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { SlotCount = 16, Depth = 3 });
        using var writer = channel.OpenWriter();
        using FrameReader newest = channel.OpenReader(), oldest = channel.OpenReader(new() { Overflow = FrameOverflow.DropNewest });
        for (var number = 0; number < 10; number++)
        {
            Send(number, number < 3 ? 2 : 1);
        }

        Assert.Equal([7, 8, 9], Read(newest));
        Assert.Equal([0, 1, 2], Read(oldest));
        Assert.Equal((7L, 0L), (newest.Missed, oldest.Missed));
        Send(10, 2);
        Assert.Equal([10], Read(newest));
        Assert.Equal([10], Read(oldest));
        Assert.Equal((7L, 7L, 7L), (newest.Missed, oldest.Missed, writer.Readers[1].Missed));

        using var waiting = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        for (var number = 11; number < 14; number++)
        {
            Send(number, 3);
        }

        Assert.True(writer.TryLoan(1, out var frame));
        frame.Span[0] = 14;
        Assert.Throws<TimeoutException>(() => writer.Send(frame, TimeSpan.Zero));
        using var source = new CancellationTokenSource();
        var sending = writer.SendAsync(frame, source.Token).AsTask();
        Assert.Throws<InvalidOperationException>(() => writer.TryLoan(1, out _));
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal([11, 12, 13], Read(newest));
        // It is still the caller's.
        sending = writer.SendAsync(frame).AsTask();
        Assert.False(sending.IsCompleted);
        Assert.True(waiting.TryRead(out var read));
        Assert.Equal(11, read.ReadOnlySpan[0]);
        read.Dispose();
        Assert.Equal(2, await sending.WaitAsync(Watchdog.Limit));
        Assert.Equal([12, 13, 14], Read(waiting));
        Assert.Equal(0, waiting.Missed);
        Assert.Equal([14], Read(newest));
        Assert.Equal([11, 12, 13], Read(oldest));

        void Send(int number, int reached)
        {
            Assert.True(writer.TryLoan(1, out var sent));
            sent.Span[0] = (byte)number;
            Assert.Equal(reached, writer.Send(sent));
        }
    }

    [Fact]
    [Rule("frames.overflow")]
    [Rule("frames.wait")]
    public void A_blocked_sender_goes_on_when_the_reader_takes_leaves_or_is_evicted()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { Depth = 1 });
        using var writer = channel.OpenWriter(new() { SpinBudget = TimeSpan.Zero });
        foreach (Action<FrameReader> act in (Action<FrameReader>[])[reader => Read(reader), reader => reader.Dispose(), _ => writer.Evict(1)])
        {
            using var reader = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
            Assert.Equal(1, writer.Send(writer.Loan(1)));
            var frame = writer.Loan(1);
            var sending = Task.Run(() => writer.Send(frame));
            Watchdog.Until(() => channel.GetStatus().WriterWaits > 0, "the wait");
            act(reader);
            Assert.True(sending.Wait(Watchdog.Limit));
        }
    }

    [Fact]
    [Rule("frames.wait")]
    public async Task Loans_and_reads_wait_blocked_or_not_and_end_by_timeout_token_and_dispose()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { SlotCount = 1 });
        using var writer = channel.OpenWriter();
        var reader = channel.OpenReader();
        Assert.False(reader.WaitToRead(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.WaitToRead(TimeSpan.FromSeconds(-2)));
        var reading = reader.ReadAsync().AsTask();
        Assert.Throws<InvalidOperationException>(() => reader.TryRead(out _));
        writer.Send(await writer.LoanAsync(8));
        var frame = await reading.WaitAsync(Watchdog.Limit);
        Assert.Throws<TimeoutException>(() => writer.Loan(1, TimeSpan.FromMilliseconds(1)));
        using var source = new CancellationTokenSource();
        var loaning = writer.LoanAsync(1, source.Token).AsTask();
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loaning);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writer.LoanAsync(1, source.Token).AsTask());
        loaning = writer.LoanAsync(1).AsTask();
        Assert.False(loaning.IsCompleted);
        frame.Dispose();
        var loan = await loaning.WaitAsync(Watchdog.Limit);
        // Another thread gives an unsent loan back.
        loaning = writer.LoanAsync(1).AsTask();
        await Task.Run(loan.Dispose);
        (await loaning.WaitAsync(Watchdog.Limit)).Dispose();
        var blocked = Task.Run(() => reader.WaitToRead(Watchdog.Limit));
        writer.Send(writer.Loan(1));
        Assert.True(await blocked.WaitAsync(Watchdog.Limit));
        reader.TryRead(out frame);
        frame!.Dispose();
        var waiting = reader.WaitToReadAsync().AsTask();
        reader.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [Rule("frames.complete")]
    public async Task A_completed_channel_is_read_to_its_end(int error)
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_small);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        writer.Send(writer.Loan(1));
        writer.Send(writer.Loan(2));
        writer.Complete(error);
        Assert.Throws<InvalidOperationException>(() => writer.TryLoan(1, out _));
        writer.Dispose();
        var completion = reader.Completion;
        var lengths = new List<int>();
        async Task ReadAsync()
        {
            await foreach (var frame in reader.ReadAllAsync())
            {
                lengths.Add(frame.Length);
            }
        }

        if (error == 0)
        {
            await ReadAsync();
            await completion.WaitAsync(Watchdog.Limit);
            await Assert.ThrowsAsync<InvalidOperationException>(() => reader.ReadAsync().AsTask());
        }
        else
        {
            Assert.Equal(error, (await Assert.ThrowsAsync<ChannelException>(ReadAsync)).Error);
            Assert.Equal(error, (await Assert.ThrowsAsync<ChannelException>(() => completion.WaitAsync(Watchdog.Limit))).Error);
        }

        Assert.Equal([1, 2], lengths);
        Assert.Throws<InvalidOperationException>(() => channel.OpenWriter());
    }

    [Fact]
    [Rule("frames.evict")]
    public void An_evicted_reader_gets_nothing_more_and_its_place_is_taken_again()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small with { SlotCount = 2, MaxReaders = 1 });
        using var writer = channel.OpenWriter();
        var reader = channel.OpenReader();
        var completion = reader.Completion;
        writer.Send(writer.Loan(1));
        writer.Send(writer.Loan(1));
        Assert.True(reader.TryRead(out var held));
        Assert.False(writer.TryLoan(1, out _));
        writer.Evict(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Evict(2));
        Assert.Equal(2, writer.CountFree());
        Assert.Throws<ChannelException>(() => reader.TryRead(out _));
        Assert.Throws<ChannelException>(() => reader.WaitToRead(TimeSpan.Zero));
        Assert.ThrowsAny<AggregateException>(() => completion.Wait(Watchdog.Limit));
        held.Dispose();
        Assert.Equal(0, writer.Send(writer.Loan(1)));
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => channel.OpenReader()).Errno);
        reader.Dispose();
        writer.CountFree();
        using var next = channel.OpenReader();
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.Equal([0], Read(next));
        Assert.Equal((0L, 2), (next.Missed, writer.CountFree()));
    }

    [Theory]
    [InlineData(FrameOverflow.DropOldest)]
    [InlineData(FrameOverflow.DropNewest)]
    [InlineData(FrameOverflow.Wait)]
    [Rule("frames.send")]
    [Rule("frames.overflow")]
    [Rule("frames.missed")]
    public void A_reader_beside_a_fast_publisher_gets_whole_frames_in_order_and_knows_what_it_missed(FrameOverflow overflow)
    {
        // Each frame that is waited for may cost two changes of threads.
        var frames = overflow == FrameOverflow.Wait ? 3_000 : 30_000;
        using var channel = FrameChannel.CreateAnonymous(new() { SlotLength = 64, Alignment = 64, SlotCount = 6, Depth = 1, MaxReaders = 2 });
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader(new() { Overflow = overflow });
        var publishing = Task.Run(() =>
        {
            for (var number = 0L; number < frames; number++)
            {
                var frame = writer.Loan(64);
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(frame.Span).Fill(number);
                writer.Send(frame);
            }

            writer.Complete();
        });
        var (read, next) = (0L, 0L);
        while (reader.WaitToRead(Watchdog.Limit))
        {
            _ = reader.Available;
            while (reader.TryRead(out var frame))
            {
                using (frame)
                {
                    var numbers = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(frame.ReadOnlySpan);
                    Assert.True(frame.Sequence >= next && !numbers.ContainsAnyExcept(frame.Sequence));
                    next = frame.Sequence + 1;
                    read++;
                }
            }
        }

        publishing.GetAwaiter().GetResult();
        Assert.Equal(next, read + reader.Missed);
        Assert.True(overflow != FrameOverflow.Wait || read == frames);
        Assert.True(overflow == FrameOverflow.DropNewest || next == frames);
    }

    [Fact]
    [Rule("frames.allocation")]
    public void Frames_allocate_nothing()
    {
        using var channel = FrameChannel.CreateAnonymous(s_small);
        using var writer = channel.OpenWriter();
        using FrameReader one = channel.OpenReader(), two = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        // The objects are created by the first frames.
        for (var i = 0; i < 80; i++)
        {
            Round();
        }

        Assert.Equal(0, Allocation.OfRounds(10_000, Round));

        void Round()
        {
            writer.TryLoan(100, out var frame);
            frame!.Header = FrameHeader.ForImage(10, 10, 1);
            frame.Span[0] = frame.Memory.Span[1] = 1;
            writer.Send(frame);
            one.TryRead(out var first);
            two.TryRead(out var second);
            _ = first!.ReadOnlySpan[0] + second!.ReadOnlyMemory.Span[0];
            first.Dispose();
            second.Dispose();
            one.WaitToRead(TimeSpan.Zero);
        }
    }

    [Fact]
    [Rule("frames.allocation")]
    public void Waits_of_a_reader_that_was_there_before_its_publisher_allocate_nothing()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_small);
        using var reader = channel.OpenReader(new() { SpinBudget = TimeSpan.Zero, AllowSynchronousContinuations = true });
        Assert.False(reader.WaitToRead(TimeSpan.Zero));
        using var writer = channel.OpenWriter();
        // The objects are created by the first frames.
        for (var i = 0; i < 80; i++)
        {
            Round();
        }

        Assert.Equal(0, Allocation.OfRounds(200, Round));

        void Round()
        {
            var reading = reader.ReadAsync();
            writer.TryLoan(1, out var frame);
            writer.Send(frame!);
            while (!reading.IsCompleted)
            {
                Thread.Yield();
            }

            reading.Result.Dispose();
        }
    }

    [Fact]
    [Rule("frames.endpoints")]
    public void Opening_and_closing_a_thousand_times_leaves_nothing_behind()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_small);
        using var writer = channel.OpenWriter();
        for (var i = 0; i < 1000; i++)
        {
            using var opened = FrameChannel.Open(name);
            using var reader = opened.OpenReader();
            Assert.Equal(1, writer.Send(writer.Loan(1)));
            if (i % 2 == 0)
            {
                // It is not given back.
                Assert.True(reader.TryRead(out _));
            }
        }

        Assert.Equal(4, writer.CountFree());
        // That of the creator shows no name: its object got one later.
        Assert.Empty(Held.Descriptors(name.Path));
    }

    [Fact]
    [Rule("frames.huge-pages")]
    public void It_works_whether_or_not_the_system_has_huge_pages()
    {
        using var channel = FrameChannel.CreateAnonymous(new() { SlotLength = 1 << 20, SlotCount = 4, HugePages = true });
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        var frame = writer.Loan(1 << 20);
        frame.Span.Fill(3);
        writer.Send(frame);
        Assert.True(reader.TryRead(out frame));
        Assert.False(frame.ReadOnlySpan.ContainsAnyExcept((byte)3));
    }

    private static void RequireEnded(Frame frame)
    {
        foreach (Action use in (Action[])[() => _ = frame.Span.Length, () => _ = frame.Memory, () => _ = frame.ReadOnlySpan.Length, () => _ = frame.ReadOnlyMemory, () => _ = frame.Length, () => _ = frame.Capacity,
            () => _ = frame.Sequence, () => _ = frame.Timestamp, () => _ = frame.Type, () => _ = frame.Header.Width, () => frame.Length = 1, () => frame.Timestamp = 1, () => frame.Type = 1, () => frame.Header.Width = 1])
        {
            Assert.Throws<ObjectDisposedException>(use);
        }
    }

    private static void RequireReadOnly(Frame frame)
    {
        Assert.Throws<InvalidOperationException>(() => frame.Span.Length);
        Assert.Throws<InvalidOperationException>(() => frame.Memory);
        Assert.Throws<InvalidOperationException>(() => frame.Type = 1);
        Assert.Throws<InvalidOperationException>(() => frame.Timestamp = 1);
        Assert.Throws<InvalidOperationException>(() => frame.Length = 1);
    }

    /// <summary>Reads what waits, and gives it back.</summary>
    private static List<int> Read(FrameReader reader)
    {
        var numbers = new List<int>();
        while (reader.TryRead(out var frame))
        {
            numbers.Add(frame.ReadOnlySpan[0]);
            frame.Dispose();
        }

        return numbers;
    }
}
