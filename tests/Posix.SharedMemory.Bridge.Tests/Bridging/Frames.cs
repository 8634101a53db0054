using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>Frame channels appear as frame channels: with their slots, and each frame with its header.</summary>
public sealed class Frames
{
    private static readonly FrameOptions s_options = new() { Classes = [new(4096, 6), new(256 << 10, 4)], Depth = 3, MaxReaders = 5, Alignment = 4096, SchemaId = 11, ContentType = "image" };

    [Theory]
    [Rule("bridge.frames")]
    [InlineData(BridgeDelivery.Stream)]
    [InlineData(BridgeDelivery.Durable)]
    public async Task Frames_arrive_with_their_headers_whole_and_in_order_and_then_the_end(BridgeDelivery delivery)
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Delivery = delivery, ChunkBytes = 16 << 10 });
        using var source = FrameChannel.Create(hosts.NameOnA("camera"), s_options);
        using var writer = source.OpenWriter();
        using var target = OpenTarget(hosts, "camera");
        var (expected, appeared) = (source.GetStatus(), target.GetStatus());
        Assert.Equal((ChannelKind.Frames, expected.SchemaId, expected.ContentType, expected.Endpoints.Count), (appeared.Kind, appeared.SchemaId, appeared.ContentType, appeared.Endpoints.Count));
        Assert.Equal(source.Memory.Length, target.Memory.Length);
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait, Overflow = FrameOverflow.Wait });
        var receiving = Task.Run(() => Receive(reader, 60));
        for (var number = 1; number <= 60; number++)
        {
            Send(writer, number, number % 7 == 0 ? 0 : number % 3 == 0 ? 200_000 : 100);
            // A reader that may lose frames keeps three.
            Watchdog.Until(() => hosts.B.GetChannels().Single().Messages >= number - 1, "the frames to arrive");
        }

        writer.Complete(-6);
        await receiving;
        Assert.Equal(-6, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        Assert.Empty(hosts.Losses);
        Assert.Empty(hosts.Refusals);
    }

    [Fact]
    [Rule("bridge.frames")]
    public async Task A_reader_that_loses_nothing_and_does_not_read_makes_frames_wait_and_the_losses_are_in_the_local_ring()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { WindowBytes = 16 << 10, ChunkBytes = 4096 }, b => b with { WindowBytes = 16 << 10 });
        using var source = FrameChannel.Create(hosts.NameOnA("camera"), s_options);
        using var writer = source.OpenWriter();
        using var target = OpenTarget(hosts, "camera");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait, Overflow = FrameOverflow.Wait });
        // Before an importer has given credit, there is no limit.
        var credit = new Recorder();
        await using var listener = await network.ConnectAsync();
        await using var listening = await listener.SubscribeAsync(SubjectName.AllCredit, credit, default);
        credit.WaitFor(1);
        for (var number = 1; number <= 400; number++)
        {
            // Its publisher never waits for the bridge.
            Send(writer, number, number % 2 == 0 ? 3000 : 10_000);
        }

        Watchdog.Until(() => hosts.Losses.Any(loss => loss.Where == LossPlace.LocalRing), "a loss in the local ring");
        var received = new List<long>();
        var reading = Task.Run(() =>
        {
            while (reader.WaitToRead(Watchdog.Limit))
            {
                while (reader.TryRead(out var frame))
                {
                    using (frame)
                    {
                        received.Add((long)frame.Header.Tag);
                        Assert.False(frame.ReadOnlySpan.ContainsAnyExcept((byte)frame.Header.Tag));
                    }
                }
            }
        });
        writer.Complete();
        await reading;
        hosts.RequireAllAccountedFor(received, 400);
        Assert.DoesNotContain(hosts.Losses, loss => loss.Where == LossPlace.RemoteRing);
    }

    [Fact]
    [Rule("bridge.frames")]
    public async Task The_next_publisher_begins_another_life_that_the_readers_of_the_other_host_see_as_the_same_channel()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var source = FrameChannel.Create(hosts.NameOnA("camera"), s_options);
        var writer = source.OpenWriter();
        using var target = OpenTarget(hosts, "camera");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        Send(writer, 1, 100);
        Receive(reader, 1);
        writer.Dispose();
        writer = source.OpenWriter();
        using (writer)
        {
            // The bridge has joined the new object when its reader is there.
            Watchdog.Until(() => source.GetStatus().Endpoints.Any(end => end is { Role: EndpointRole.Reader, State: PeerState.Alive }), "the bridge to follow");
            Send(writer, 2, 100);
            Receive(reader, 1, from: 2);
        }

        Assert.Empty(hosts.Losses);
    }

    [Fact]
    [Rule("bridge.frames")]
    public void A_bridge_that_takes_over_goes_on_in_an_object_of_its_own_and_skips_what_the_former_one_had_sent()
    {
        using var name = new TemporaryName("frames");
        var announced = new Announcement { Host = "h", Channel = "x", Kind = 5, Epoch = "000000000000000e", Capacity = 2 * 8192, Alignment = 4096, History = 2, Ends = 2, Slots = "2x8192", Next = 1 };
        Assert.Null(Importing(announced));
        var former = ImportedRing.Open(name, announced, FrameLimits.OriginOf("h"), new());
        using var channel = FrameChannel.Open(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        former.BeginLife(14, 1);
        Assert.True(former.TryAdd(new(new byte[5000]), new(1, 3)));
        Assert.True(former.TryBegin(6000, new(2, 4, Channels.FrameHeader.ForImage(20, 100, 3))));
        Assert.False(former.AddPart(new(new byte[4000])));
        Assert.True(former.AddPart(new(new byte[2000])));
        former.Dispose();
        using var next = ImportedRing.Open(name, announced, FrameLimits.OriginOf("h"), new());
        Assert.Equal((14UL, 2L), next.Last);
        using var followed = FrameChannel.Open(name);
        Require(1, 3, 0);
        Require(2, 4, 20);
        // A reader moves to the next object when it waits; what is sent before is not for it.
        Watchdog.Until(() => reader.WaitToRead(TimeSpan.FromMilliseconds(10)) || followed.GetStatus().Endpoints.Any(end => end is { Role: EndpointRole.Reader, State: PeerState.Alive }), "the reader to follow");
        Assert.True(next.TryAdd(new(new byte[10]), new(3, 5)));
        Require(3, 5, 0);
        Assert.Equal(FrameLimits.OriginOf("h"), SourceHeader.TryRead(followed.Memory)!.Value.Origin);

        void Require(int number, ushort type, int width)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit), $"frame {number}");
            Assert.True(reader.TryRead(out var frame));
            using (frame)
            {
                Assert.Equal((type, width), (frame.Type, frame.Header.Width));
            }
        }
    }

    [Fact]
    [Rule("bridge.frames")]
    public void A_frame_that_waited_in_a_former_life_does_not_take_the_place_of_one_of_the_next()
    {
        using var name = new TemporaryName("frames");
        var announced = new Announcement { Host = "h", Channel = "x", Kind = 5, Epoch = "000000000000000e", Capacity = 4 * 8192, Alignment = 4096, History = 2, Ends = 2, Slots = "4x8192", Next = 1, Delivery = BridgeDelivery.Latest };
        using var ring = ImportedRing.Open(name, announced, FrameLimits.OriginOf("h"), new());
        using var channel = FrameChannel.Open(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait, Overflow = FrameOverflow.Wait });
        ring.BeginLife(14, 1);
        for (var sequence = 1; sequence <= 3; sequence++)
        {
            Assert.True(ring.TryAdd(new(new byte[] { 1 }), new(sequence, 0)));
        }

        Assert.True(ring.IsParking);
        ring.BeginLife(15, 3);
        // With Latest the newest takes the place of what waits.
        Assert.True(ring.TryAdd(new(new byte[] { 2 }), new(3, 0)));
        var came = new List<byte>();
        while (came.Count < 3)
        {
            ring.Drain();
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out var frame));
            using (frame)
            {
                came.Add(frame.ReadOnlySpan[0]);
            }
        }

        Assert.Equal([1, 1, 2], came);
    }

    [Theory]
    [Rule("bridge.announced")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("2x8192 ")]
    [InlineData("2x8192 2x4096")]
    [InlineData("2x8192 2x8192")]
    [InlineData("02x8192")]
    [InlineData("2x8191")]
    [InlineData("0x8192")]
    [InlineData("-2x8192")]
    [InlineData("2x-8192")]
    [InlineData("70000x8192")]
    [InlineData("2x2147483648")]
    [InlineData("1x4096 1x8192 1x12288 1x16384 1x20480 1x24576 1x28672 1x32768 1x36864")]
    public void Slots_that_no_channel_has_are_refused(string? slots)
    {
        var classes = (slots ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('x').Select(long.Parse).ToArray()).ToArray();
        Assert.NotNull(Importing(new() { Kind = 5, Capacity = classes.Sum(slot => slot[0] * slot[1]), Alignment = 4096, History = 2, Ends = 2, Slots = slots, Next = 1 }));
    }

    private static string? Importing(Announcement announced) => AnnouncementCheck.Refusal(announced, keeps: false);

    private static FrameChannel OpenTarget(TwoHosts hosts, string name)
    {
        Watchdog.Until(() => File.Exists("/dev/shm/" + hosts.NameOnB(name)), "the frames to appear");
        return FrameChannel.Open(hosts.NameOnB(name), schemaId: 11);
    }

    private static void Send(FrameWriter writer, int number, int length)
    {
        using var frame = writer.Loan(length, Watchdog.Limit);
        frame.Span.Fill((byte)number);
        frame.Header = Channels.FrameHeader.ForImage(number, 2, 3);
        (frame.Header.Tag, frame.Type) = ((ulong)number, (ushort)number);
        writer.Send(frame, Watchdog.Limit);
    }

    private static void Receive(FrameReader reader, int count, int from = 1)
    {
        for (var number = from; number < from + count; number++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out var frame));
            using (frame)
            {
                Assert.Equal(((ulong)number, number, (ushort)number), (frame.Header.Tag, frame.Header.Width, frame.Type));
                Assert.False(frame.ReadOnlySpan.ContainsAnyExcept((byte)number));
            }
        }
    }
}
