namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>Tasks of waits that are awaited twice, or not at all before the next call; and ends that are disposed beside a wait.</summary>
public sealed class Awaiting
{
    private static readonly FrameOptions s_options = new() { SlotLength = 64, Alignment = 64, SlotCount = 4, MaxReaders = 2 };

    [Fact]
    [Rule("frames.wait")]
    public void A_frame_that_was_waited_for_goes_to_one_awaiter_and_is_not_lost_to_a_later_call()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        var reading = reader.ReadAsync();
        Assert.False(reading.IsCompleted);
        writer.Send(writer.Loan(1));
        Watchdog.Until(() => reading.IsCompleted, "the frame");
        writer.Send(writer.Loan(2));
        // The call has not ended: nobody has taken its frame.
        Assert.Throws<InvalidOperationException>(() => reader.TryRead(out _));
        Assert.Throws<InvalidOperationException>(() => reader.ReadAsync());
        Assert.Equal(1, reading.GetAwaiter().GetResult().Length);
        Assert.Contains("another awaiter", Assert.Throws<InvalidOperationException>(() => reading.GetAwaiter().GetResult()).Message, StringComparison.Ordinal);
        Assert.True(reader.TryRead(out var second));
        Assert.Equal(2, second.Length);
    }

    [Fact]
    [Rule("frames.wait")]
    public async Task A_second_await_of_a_pending_read_is_refused_and_the_first_one_gets_the_frame()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        for (var round = 0; round < 200; round++)
        {
            var reading = reader.ReadAsync();
            Assert.False(reading.IsCompleted);
            var first = reading.AsTask();
            Assert.ThrowsAny<InvalidOperationException>(() => { _ = reading.AsTask(); });
            writer.Send(writer.Loan(round % 64));
            var frame = await first.WaitAsync(Watchdog.Limit);
            Assert.Equal((round, round % 64), (frame.Sequence, frame.Length));
            frame.Dispose();
        }
    }

    [Fact]
    [Rule("frames.wait")]
    [Rule("frames.loan")]
    public void A_loan_that_was_waited_for_goes_to_one_awaiter_and_is_not_lost_to_a_later_call()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options with { SlotCount = 1 });
        using var writer = channel.OpenWriter();
        var held = writer.Loan(1);
        var loaning = writer.LoanAsync(8);
        Assert.False(loaning.IsCompleted);
        held.Dispose();
        Watchdog.Until(() => loaning.IsCompleted, "the loan");
        Assert.Throws<InvalidOperationException>(() => writer.TryLoan(1, out _));
        var loan = loaning.GetAwaiter().GetResult();
        Assert.Equal(8, loan.Length);
        Assert.Contains("another awaiter", Assert.Throws<InvalidOperationException>(() => loaning.GetAwaiter().GetResult()).Message, StringComparison.Ordinal);
        loan.Dispose();
        Assert.Equal(1, writer.CountFree());
    }

    [Fact]
    [Rule("frames.wait")]
    [Rule("frames.dispose")]
    public void An_end_that_is_disposed_beside_a_frame_that_nobody_has_taken_returns_it()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var writer = channel.OpenWriter();
        var reader = channel.OpenReader();
        var reading = reader.ReadAsync();
        writer.Send(writer.Loan(1));
        Watchdog.Until(() => reading.IsCompleted, "the frame");
        Assert.Equal(3, writer.CountFree());
        reader.Dispose();
        Assert.Equal(4, writer.CountFree());
        var frame = reading.GetAwaiter().GetResult();
        Assert.Throws<ObjectDisposedException>(() => frame.Length);
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
    }

    [Fact]
    [Rule("frames.follow")]
    public void A_reader_that_is_opened_beside_a_restarted_publisher_is_one_of_the_new_object()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        var former = channel.OpenWriter();
        using var restarted = FrameChannel.Open(name);
        former.Dispose();
        // Two places of the former object are taken by readers that stay there.
        using FrameReader one = restarted.OpenReader(), two = restarted.OpenReader();
        using var other = FrameChannel.Open(name);
        using var writer = other.OpenWriter();
        var identity = other.Memory.GetStatus().Identity;
        Assert.NotEqual(identity, channel.Memory.GetStatus().Identity);
        using var reader = channel.OpenReader();
        Assert.Equal(PeerState.Alive, reader.Writer);
        Assert.Equal(identity, channel.Memory.GetStatus().Identity);
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        // It reports no loss of a publisher that it never had.
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.True(reader.TryRead(out _));
        Assert.Equal(2, channel.GetStatus().Endpoints.Count(endpoint => endpoint.State == PeerState.Alive));
    }

    [Fact]
    [Rule("frames.follow")]
    public void A_reader_stays_with_a_publisher_that_lives_although_another_object_has_the_name()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var writer = channel.OpenWriter();
        using var replacing = FrameChannel.Create(name, s_options with { OnConflict = NameConflict.Replace });
        using var reader = channel.OpenReader();
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.True(reader.TryRead(out _));
    }

    [Fact]
    [Rule("frames.follow")]
    public void A_name_that_something_else_has_by_now_is_refused_and_nothing_is_left()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        channel.OpenWriter().Dispose();
        using var replacing = MessageChannel.Create(name, new() { Capacity = 4096, OnConflict = NameConflict.Replace });
        Assert.Throws<InvalidDataException>(() => channel.OpenReader());
        Assert.DoesNotContain(channel.GetStatus().Endpoints, endpoint => endpoint.State == PeerState.Alive);
    }
}
