namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>The steps by which a subscriber takes a place: what it finds there, when it is evicted meanwhile, and from which frame on it counts. The model is tests/models/frames.pml.</summary>
public sealed class Joining
{
    // Two blocks of 640 bytes at 8192; endpoints at 4608, of which the first is the writer's.
    private const int Block = 8192, FirstReader = 4608 + 128, Mode = FirstReader + 24, First = FirstReader + 32;

    private static readonly FrameOptions s_options = new() { SlotLength = 64, Alignment = 64, SlotCount = 4, MaxReaders = 2, Depth = 2 };

    [Fact]
    [Rule("frames.evict")]
    public void A_subscriber_that_is_evicted_before_it_stores_its_mode_stays_evicted()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var writer = channel.OpenWriter();
        var memory = ChannelMemory.From(SharedMemoryObject.FromHandle(channel.Memory.SafeFileHandle), ChannelLayout.FramesKind);
        var endpoint = Endpoint.Enter(memory, EndpointRole.Reader, null);
        var subscription = new Subscription(endpoint);
        // As its publisher does, between its look at the place and its store.
        Volatile.Write(ref endpoint.Own.Mode, EndpointView.EvictedSubscriber);
        Assert.True(subscription.TryJoin(endpoint, EndpointView.WaitMode));
        Assert.True(subscription.IsEvicted);
        Assert.Equal(0, writer.Send(writer.Loan(1)));
        // Nor does leaving hide it: the publisher puts the place in order first.
        subscription.Leave();
        Assert.Equal(EndpointView.EvictedSubscriber, Volatile.Read(ref endpoint.Own.Mode));
        endpoint.Close();
        using (var other = channel.OpenReader())
        {
            Assert.Equal([(1, PeerState.Left), (2, PeerState.Alive)], writer.Readers.Select(reader => (reader.Index, reader.State)));
        }

        writer.CountFree();
        using var next = channel.OpenReader();
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.True(next.TryRead(out _));
        memory.Release();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Rule("frames.send")]
    [Rule("frames.missed")]
    public void Frames_on_their_way_to_a_former_owner_of_the_place_go_back(int waiting)
    {
        using var channel = FrameChannel.CreateAnonymous(s_options with { MaxReaders = 1 });
        using var writer = channel.OpenWriter();
        var memory = ChannelMemory.From(SharedMemoryObject.FromHandle(channel.Memory.SafeFileHandle), ChannelLayout.FramesKind);
        var endpoint = Endpoint.Enter(memory, EndpointRole.Reader, null);
        Assert.True(new Subscription(endpoint).TryJoin(endpoint, EndpointView.WaitMode));
        for (var number = 0; number < waiting; number++)
        {
            Assert.Equal(1, writer.Send(writer.Loan(1)));
        }

        // It leaves, and the frames arrive after it has looked for the last time.
        endpoint.Close();
        using var next = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        Assert.Equal(0, next.Available);
        Assert.Equal(4, writer.CountFree());
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.True(next.TryRead(out var frame));
        Assert.Equal((waiting, 0L), (frame.Sequence, next.Missed));
        memory.Release();
    }

    [Fact]
    [Rule("frames.hostile")]
    public void A_publisher_that_never_stops_sending_cannot_keep_a_subscriber_from_ending_its_join()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options with { Depth = 1 });
        using var bytes = channel.Memory.Map(0, 9216);
        // Beside the join, entries appear as fast as they are taken: each look finds a full ring.
        var isOver = false;
        var sending = Task.Run(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                Volatile.Write(ref bytes.GetReference<ulong>(Block + 128), Volatile.Read(ref bytes.GetReference<ulong>(Block)) + 1);
            }
        });
        try
        {
            // One that came while the other thread did nothing has joined.
            Watchdog.Until(
                () =>
                {
                    Volatile.Write(ref bytes.GetReference<ulong>(Block + 384), 0);
                    try
                    {
                        channel.OpenReader().Dispose();
                        return false;
                    }
                    catch (ChannelCorruptException e)
                    {
                        Assert.Contains("ring", e.Field, StringComparison.Ordinal);
                        return true;
                    }
                },
                "a join that finds entries again and again");
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            sending.GetAwaiter().GetResult();
        }

        Assert.Equal(4, bytes.GetReference<int>(Mode));
    }

    [Theory]
    // The publisher has not seen the new owner yet; it has seen it with this frame; with the next one. In the last case it is what a former owner's first frame would leave.
    [InlineData(ulong.MaxValue, 0)]
    [InlineData(3UL, 0)]
    [InlineData(4UL, 0)]
    [InlineData(1UL, 2)]
    [Rule("frames.missed")]
    public void The_first_frame_counts_from_the_number_in_the_place_or_from_itself(ulong named, long missed)
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var bytes = channel.Memory.Map(0, 9216);
        using var writer = channel.OpenWriter();
        using (var former = channel.OpenReader())
        {
            writer.Send(writer.Loan(1));
            Assert.Equal(0UL, bytes.GetReference<ulong>(First));
        }

        writer.Send(writer.Loan(1));
        writer.Send(writer.Loan(1));
        using var reader = channel.OpenReader();
        // What the former owner's first frame was is gone before the publisher can see that there is a new one.
        Assert.Equal(ulong.MaxValue, bytes.GetReference<ulong>(First));
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.Equal(3UL, bytes.GetReference<ulong>(First));
        bytes.GetReference<ulong>(First) = named;
        Assert.True(reader.TryRead(out var frame));
        Assert.Equal((3, missed), (frame.Sequence, reader.Missed));
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.True(reader.TryRead(out frame));
        Assert.Equal((4, missed), (frame.Sequence, reader.Missed));
    }
}
