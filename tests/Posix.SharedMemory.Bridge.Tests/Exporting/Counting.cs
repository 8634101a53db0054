namespace Posix.SharedMemory.Bridge.Tests.Exporting;

/// <summary>A bridge that takes over goes on with the exact sequence.</summary>
public sealed class Counting
{
    [Fact]
    [Rule("bridge.sequence")]
    public void A_bridge_that_takes_over_counts_on_whatever_the_former_one_had_stored()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var bytes = channel.Memory.Map();
        for (var i = 0; i < 20; i++)
        {
            writer.Write(BitConverter.GetBytes(i));
        }

        long next = 1;
        for (var life = 0; life < 5; life++)
        {
            using var line = new SequenceLine(channel.Memory);
            Assert.Equal(next, line.Next);
            using var source = SourceOf(channel);
            using var taker = new MessageTaker(source, 1024);
            Assert.True(taker.TryTake(TimeSpan.Zero));
            Assert.Equal(life, BitConverter.ToInt32(taker.Taken.Span));
            next = taker.Next;
            // It was killed after it had noted the next record, and before or after it had stored the count of a release that did not happen.
            line.Note(next);
            bytes.GetReference<ulong>(392) += (ulong)(life % 2);
            using var second = new SequenceLine(channel.Memory);
            Assert.Equal(next, second.Next);
            bytes.GetReference<ulong>(392) -= (ulong)(life % 2);
        }

        // Another reader took messages in between: the reader's count is the only one that is true.
        using (var other = channel.OpenReader())
        {
            Assert.True(other.TryRead(new byte[8], out _, out _));
        }

        using var after = new SequenceLine(channel.Memory);
        Assert.Equal(next + 1, after.Next);
    }

    [Fact]
    [Rule("bridge.batch")]
    public void Small_messages_are_taken_together_up_to_a_chunk_and_long_ones_alone()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 1 << 16 });
        using var writer = channel.OpenWriter();
        using var source = SourceOf(channel);
        using var taker = new MessageTaker(source, 1024);
        Assert.False(taker.TryTake(TimeSpan.FromMilliseconds(1)));
        for (var i = 0; i < 12; i++)
        {
            writer.Write(new byte[100], 7);
        }

        writer.Write([]);
        writer.Write(new byte[5000], 3);
        writer.Write(new byte[1]);
        Assert.True(taker.TryTake(TimeSpan.FromMilliseconds(1)));
        Assert.Equal((9, 9 * 108, 900L), (taker.Count, taker.Taken.Length, taker.Bytes));
        Assert.True(taker.TryTake(TimeSpan.FromMilliseconds(1)));
        Assert.Equal((4, 300L), (taker.Count, taker.Bytes));
        Assert.True(taker.TryTake(TimeSpan.FromMilliseconds(1)));
        Assert.Equal((1, 5000, 3), (taker.Count, taker.Taken.Length, taker.Mark.Type));
        Assert.True(taker.TryTake(TimeSpan.FromMilliseconds(1)));
        Assert.Equal((1, 1, 16L), (taker.Count, taker.Taken.Length, taker.Next));
    }

    [Fact]
    [Rule("bridge.slow-consumer")]
    public void The_oldest_messages_are_dropped_when_half_of_the_ring_is_in_use_until_a_quarter_is_left()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var source = SourceOf(channel);
        using var taker = new MessageTaker(source, 1024);
        for (var i = 0; i < 16; i++)
        {
            writer.Write(new byte[120]);
        }

        Assert.Equal(default, taker.DropOldest(source.MayStay(source.Available)));
        writer.Write(new byte[120]);
        Assert.Equal((1, 9), taker.DropOldest(source.MayStay(source.Available)));
        Assert.Equal(1024, source.Available);
        Assert.Equal(10, taker.Next);
    }

    [Fact]
    [Rule("bridge.unhindered")]
    public async Task A_writer_that_waits_with_a_long_message_gets_the_whole_ring()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var source = SourceOf(channel);
        using var taker = new MessageTaker(source, 1024);
        // After 1,016 bytes in the middle of the ring there is no place for the longest message, before or after them.
        writer.Write(new byte[1528]);
        writer.Write(new byte[1000]);
        Assert.True(source.TryRead(new byte[2000], out _, out _));
        Assert.Equal(1008, source.MayStay(source.Available));
        using var limit = new CancellationTokenSource(Watchdog.Limit);
        var writing = writer.WriteAsync(new byte[2040], cancellationToken: limit.Token).AsTask();
        Watchdog.Until(() => taker.DropOldest(source.MayStay(source.Available)).First > 0 || writing.IsCompleted, "the drop");
        await writing;
        Assert.Equal(3, taker.Next);
    }

    [Fact]
    [Rule("bridge.corrupt")]
    public void Messages_that_were_taken_before_a_corrupt_record_are_sent()
    {
        foreach (var newest in new[] { false, true })
        {
            using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
            using var writer = channel.OpenWriter();
            using var source = SourceOf(channel);
            using var taker = new MessageTaker(source, 1024);
            for (var i = 1; i <= 4; i++)
            {
                writer.Write(BitConverter.GetBytes((long)i));
            }

            Overwrite(channel);
            Assert.True(newest ? taker.TryTakeNewest() : taker.TryTake(TimeSpan.FromMilliseconds(100)));
            Assert.Equal(newest ? 1 : 2, taker.Count);
            Assert.Equal(2, BitConverter.ToInt64(taker.Taken.Span[^8..]));
            Assert.Equal(3, taker.Next);
            Assert.Throws<ChannelCorruptException>(() => newest ? taker.TryTakeNewest() : taker.TryTake(TimeSpan.Zero));
            Assert.Equal(default, taker.DropOldest(0));
        }

        // The length of the third record becomes one that no record has: each takes 16 bytes of the data, which are the last 4,096 of the object.
        static void Overwrite(MessageChannel channel)
        {
            using var mapping = channel.Memory.Map();
            var third = mapping.Length - 4096 + 32;
            Assert.Equal(8U, mapping.GetReference<uint>(third));
            mapping.GetReference<uint>(third) = 0x7FFF_FFF0;
        }
    }

    /// <summary>The channel stays open when the source is disposed: its reader leaves.</summary>
    private static RingSource SourceOf(MessageChannel channel) => RingSource.On(channel, channel.GetStatus().Capacity);

    [Fact]
    [Rule("bridge.bounded")]
    public void Strangers_who_give_credit_do_not_take_memory_without_end()
    {
        using var window = new CreditWindow(1, 1000);
        for (var stranger = 1UL; stranger <= 5000; stranger++)
        {
            window.Take(new(stranger, 1, 0, 0, 1000));
        }

        Assert.Equal(CreditWindow.MostImporters, window.Importers);
    }

    [Fact]
    [Rule("bridge.credit")]
    public void Without_importers_there_is_no_limit_and_with_them_a_window()
    {
        using var window = new CreditWindow(1, 1000);
        window.Add(1, 5000);
        Assert.True(window.IsOpen);
        window.Take(new(7, 2, 0, 0, 1000));
        Assert.Equal(0, window.Importers);
        window.Take(new(7, 1, 0, 0, 500));
        Assert.Equal(1, window.Importers);
        window.Add(2, 400);
        Assert.True(window.IsOpen);
        window.Add(3, 400);
        Assert.False(window.IsOpen);
        window.Take(new(7, 1, 2, 0, 500));
        Assert.True(window.IsOpen);
        window.Add(4, 400);
        window.Take(new(8, 1, 2, 0, 500));
        window.Take(new(7, 1, 4, 0, 500));
        Assert.False(window.IsOpen);

        // Nothing arrives there, and nothing waits there: what is under way was lost.
        window.Take(new(8, 1, 2, 0, 500));
        window.Take(new(7, 1, 4, 0, 500));
        window.Take(new(8, 1, 2, 0, 500));
        window.Take(new(7, 1, 4, 0, 500));
        window.Take(new(7, 1, 4, 0, 500));
        Assert.True(window.IsOpen);
        window.Add(5, 900);
        Assert.False(window.IsOpen);
        window.Reset();
        Assert.True(window.IsOpen);
    }
}
