namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>A writer that overtakes its readers, or has reserved room over what they would read, is a correct one.</summary>
public sealed class Overtaking
{
    private readonly byte[] _bytes = new byte[2032];

    [Fact]
    [Rule("broadcast.lossy")]
    [Rule("broadcast.missed")]
    public void A_reader_begins_and_skips_while_a_reservation_lies_over_the_newest_message()
    {
        foreach (var start in (BroadcastStart[])[BroadcastStart.Now, BroadcastStart.Oldest, BroadcastStart.Last(3)])
        {
            using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 10 });
            using var writer = broadcast.OpenWriter();
            using var early = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
            Reserve(writer, out var reservation);
            using var reader = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = start });
            early.SkipToLatest();
            Assert.False(early.TryRead(_bytes, out _));
            Assert.False(reader.TryRead(_bytes, out _));
            var tap = MessageTap.On(broadcast.Memory);
            Assert.False(tap.TryRead(out _));
            reservation.Commit(3);
            Assert.True(early.TryRead(_bytes, out var info));
            Assert.Equal((86L, 3, 0L), (info.Sequence, info.Length, info.Missed));
            Assert.True(tap.TryRead(out var message));
            Assert.Equal(3, message.Span.Length);
            // It does not know the first message yet, but the number that comes first.
            for (var number = 87; number < 1000; number++)
            {
                Assert.True(writer.TryWrite(_bytes.AsSpan(0, 8)));
            }

            Assert.True(reader.TryRead(_bytes, out info));
            Assert.Equal((info.Sequence - 86, info.Missed), (info.Missed, reader.Missed));
        }
    }

    [Fact]
    [Rule("broadcast.complete")]
    public async Task A_reader_that_was_overtaken_up_to_the_end_has_drained_the_channel()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var reader = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var completion = reader.Completion;
        Reserve(writer, out var reservation);
        reservation.Dispose();
        writer.Complete();
        Assert.False(reader.TryRead(_bytes, out _));
        await completion.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("broadcast.lossy")]
    [Rule("looking.broadcast")]
    public async Task Readers_and_taps_that_begin_beside_a_busy_writer_find_nothing_corrupt()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 200 });
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            using var writer = broadcast.OpenWriter();
            for (var number = 0L; !stop.IsCancellationRequested; number++)
            {
                Assert.True(writer.TryWrite(BitConverter.GetBytes(number)));
            }
        });
        for (var round = 0; round < 300; round++)
        {
            using var reader = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = round % 2 == 0 ? BroadcastStart.Oldest : BroadcastStart.Last(5), SpinBudget = TimeSpan.Zero });
            if (reader.TryRead(_bytes, out var info))
            {
                Assert.Equal(info.Sequence, BitConverter.ToInt64(_bytes));
            }

            var tap = MessageTap.On(broadcast.Memory);
            for (var i = 0; i < 10; i++)
            {
                tap.TryRead(out _);
            }
        }

        await stop.CancelAsync();
        await writing.WaitAsync(Watchdog.Limit);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("broadcast.evict")]
    public async Task The_completion_of_an_evicted_reader_fails(bool isAskedLater)
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var reader = broadcast.OpenReader();
        var completion = isAskedLater ? null : reader.Completion;
        writer.TryWrite([1]);
        writer.Evict(1);
        Assert.Contains("evicted", (await Assert.ThrowsAsync<ChannelException>(() => (completion ?? reader.Completion).WaitAsync(Watchdog.Limit))).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("broadcast.hostile")]
    public void A_number_that_no_writer_stores_is_detected()
    {
        foreach (var (delivery, number) in ((BroadcastDelivery, ulong)[])[(BroadcastDelivery.Lossless, 11), (BroadcastDelivery.Lossless, 14), (BroadcastDelivery.Lossy, 14), (BroadcastDelivery.Lossy, ulong.MaxValue)])
        {
            using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2 });
            using var map = broadcast.Memory.Map();
            using var writer = broadcast.OpenWriter();
            using var reader = broadcast.OpenReader(new() { Delivery = delivery });
            for (var i = 0; i < 10; i++)
            {
                writer.TryWrite([1]);
            }

            for (var i = 0; i < 9; i++)
            {
                Assert.True(reader.TryRead(_bytes, out _));
            }

            // The last of ten records of 24 bytes: 13 could be before it, and 9 are.
            map.GetReference<ulong>(8192 + (9 * 24) + 8) = number;
            Assert.Contains("number", Assert.Throws<ChannelCorruptException>(() => reader.TryRead(_bytes, out _)).Field, StringComparison.Ordinal);
            if (delivery == BroadcastDelivery.Lossy)
            {
                Assert.Throws<ChannelCorruptException>(() => broadcast.OpenReader(new() { Delivery = delivery }));
            }
        }
    }

    /// <summary>Writes 86 messages, and reserves room that goes on over the newest of them.</summary>
    private static void Reserve(BroadcastWriter writer, out MessageReservation reservation)
    {
        for (var number = 0; number < 86; number++)
        {
            Assert.True(writer.TryWrite(BitConverter.GetBytes((long)number)));
        }

        Assert.True(writer.TryReserve(2032, out reservation));
    }
}
