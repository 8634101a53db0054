using System.Text;
using Posix.SharedMemory.Channels.Tests.Rings;

namespace Posix.SharedMemory.Channels.Tests.Layout;

/// <summary>The bytes of a channel are those of the specification, to the last one.</summary>
public sealed class Golden
{
    [Fact]
    [Rule("ring.layout")]
    [Rule("endpoint.layout")]
    public void A_channel_with_three_messages_has_these_bytes()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096, RecordAlignment = 16, SchemaId = 0x1122334455667788, ContentType = "text/plain" });
        using (var writer = channel.OpenWriter(new() { Label = "writer" }))
        {
            writer.TryWrite("one"u8, 7);
            writer.TryWrite([], 8);
            using (var reader = channel.OpenReader())
            {
                reader.TryRead(stackalloc byte[8], out _, out _);
            }

            writer.TryWrite("seventeen letters"u8, 0xFEFF);
        }

        GoldenImages.AssertEqual(GoldenImages.Ring(), channel.Memory, 4480, 2);
    }

    [Fact]
    [Rule("connection.layout")]
    public async Task A_connection_that_both_have_left_has_these_bytes()
    {
        using var pair = new SocketPair();
        using var server = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096, SchemaId = 0x1122334455667788, Endpoint = new() { Label = "server" } });
        using var client = await MessageConnection.ReceiveAsync(pair.Receiver, new EndpointOptions { Label = "client" });
        server.Output.TryWrite("one"u8, 7);
        client.Input.TryRead(new byte[8], out _, out _);
        using (var sent = SharedMemoryObject.CreateAnonymous(1))
        {
            await server.SendObjectAsync(sent);
        }

        server.Output.TryWrite("seventeen letters"u8, 0xFEFF);
        client.Output.TryWrite("reply"u8, 5);
        foreach (var end in (IDisposable[])[server.Output, server.Input, client.Output, client.Input])
        {
            end.Dispose();
        }

        GoldenImages.AssertEqual(GoldenImages.Connection(), server.Memory, 4608, 4);
    }

    [Fact]
    [Rule("fanin.layout")]
    public void A_fan_in_with_three_records_has_these_bytes()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
        using (var zero = fanIn.OpenWriter(new() { Label = "zero" }))
        using (var one = fanIn.OpenWriter())
        using (var reader = fanIn.OpenReader())
        {
            zero.TryWrite("gone"u8);
            reader.TryRead(new byte[8], out _, out _);
            one.TryWrite("one"u8, 7);
            zero.TryReserve(100, out var given);
            given.Dispose();
            one.TryWrite(Encoding.UTF8.GetBytes(new string('x', 49)), 8);
        }

        GoldenImages.AssertEqual(GoldenImages.FanIn(), fanIn.Memory, 4608, 3);
    }

    [Fact]
    [Rule("latest.layout")]
    public void A_latest_value_with_two_values_has_these_bytes()
    {
        using var value = LatestBytes.CreateAnonymous(new() { MaxLength = 50, SchemaId = 0x1122334455667788 });
        using (var writer = value.OpenWriter())
        {
            writer.Publish("one"u8);
            writer.Publish("seven"u8);
        }

        GoldenImages.AssertEqual(GoldenImages.Latest(), value.Memory, 6272, 1);
    }

    [Fact]
    [Rule("broadcast.layout")]
    public void A_broadcast_with_three_messages_that_everybody_has_left_has_these_bytes()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, MaxReaders = 2, History = 4, SchemaId = 0x1122334455667788 });
        using (var writer = broadcast.OpenWriter(new() { Label = "feed" }))
        using (var reader = broadcast.OpenReader(new() { Label = "one" }))
        {
            writer.TryWrite("one"u8, 7);
            writer.TryWrite([], 8);
            writer.TryWrite("seventeen letters"u8, 0xFEFF);
            reader.TryRead(new byte[8], out _);
        }

        GoldenImages.AssertEqual(GoldenImages.Broadcast(), broadcast.Memory, 4608, 2);
    }

    [Fact]
    [Rule("frames.layout")]
    [Rule("frames.header")]
    public void A_frame_channel_with_three_frames_that_its_reader_has_left_has_these_bytes()
    {
        using var channel = FrameChannel.CreateAnonymous(new() { Classes = [new(100, 1), new(64, 2)], Alignment = 64, Depth = 2, MaxReaders = 2, SchemaId = 0x1122334455667788, ContentType = "image/raw" });
        using (var writer = channel.OpenWriter(new() { Label = "camera" }))
        using (var reader = channel.OpenReader(new() { Label = "one" }))
        {
            Send(writer, "one", 7, 0x0102, default);
            Assert.True(reader.TryRead(out var frame));
            frame.Dispose();
            Send(writer, new('x', 100), 8, 0x0304, FrameHeader.ForImage(10, 10, 1, format: FrameHeader.FourCC("GREY")) with { Tag = 13 });
            Send(writer, "seven", 0xFEFF, 5, default);
        }

        GoldenImages.AssertEqual(GoldenImages.Frames(), channel.Memory, 4608, 2);

        static void Send(FrameWriter writer, string text, ushort type, long timestamp, FrameHeader header)
        {
            Assert.True(writer.TryLoan(text.Length, out var frame));
            Encoding.UTF8.GetBytes(text, frame.Span);
            (frame.Type, frame.Timestamp, frame.Header) = (type, timestamp, header);
            Assert.Equal(1, writer.Send(frame));
        }
    }

    [Fact]
    [Rule("ring.wrap")]
    public void A_record_that_does_not_fit_before_the_end_follows_padding()
    {
        using var ring = new Ring();
        Assert.True(ring.Writer.TryWrite(new byte[2032]));
        Assert.True(ring.Writer.TryWrite(new byte[1992]));
        ring.ReadOne();
        Assert.True(ring.Writer.TryWrite(new byte[100], 3));
        // 2040 + 2000 are taken, 56 bytes are left: padding with length 0 and flag 1.
        Assert.Equal(1UL << 48, ring.U64(8192 + 4040));
        Assert.Equal(100UL | (3UL << 32), ring.U64(8192));
        Assert.Equal(4096UL + 112, ring.U64(256));
        ring.ReadOne();
        Assert.Equal(100, ring.ReadOne().Length);
        Assert.Equal(0, ring.Reader.Available);
    }
}
