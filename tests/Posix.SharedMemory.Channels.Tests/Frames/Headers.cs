using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>The description of a frame: the same bytes for every language.</summary>
public sealed class Headers
{
    [Fact]
    [Rule("frames.header")]
    public void An_image_has_the_bytes_of_the_specification()
    {
        var header = FrameHeader.ForImage(640, 480, channels: 3, stride: 2048, format: FrameHeader.FourCC("RGB3"));
        header.Tag = 0x1122334455667788;
        var expected = new byte[FrameHeader.Size];
        "|u1"u8.CopyTo(expected);
        "RGB3"u8.CopyTo(expected.AsSpan(8));
        Numbers(expected, 12, 3, 640, 480, 480, 640, 3, 0, 2048, 3, 1, 0);
        BitConverter.TryWriteBytes(expected.AsSpan(56), 0x1122334455667788);
        Assert.Equal(64, Marshal.SizeOf<FrameHeader>());
        Assert.Equal(expected, MemoryMarshal.AsBytes(new ReadOnlySpan<FrameHeader>(in header)).ToArray());
        Assert.Equal(("|u1", 640, 480), (header.DType, header.Width, header.Height));
        Assert.Equal([480, 640, 3], header.Shape.ToArray());
        Assert.Equal([2048, 3, 1], header.Strides.ToArray());
        Assert.True(header == MemoryMarshal.Read<FrameHeader>(expected) && header != default && header.Equals((object)header) && header.GetHashCode() == MemoryMarshal.Read<FrameHeader>(expected).GetHashCode());
        Assert.Equal([1920, 3, 1], FrameHeader.ForImage(640, 480, 3).Strides.ToArray());
    }

    [Fact]
    [Rule("frames.header")]
    public void An_array_has_strides_as_in_C_unless_they_are_given()
    {
        var header = FrameHeader.ForArray("<f4", [2, 3, 4]);
        Assert.Equal([48, 16, 4], header.Strides.ToArray());
        Assert.Equal([-12, 4], FrameHeader.ForArray("<f4", [2, 3], [-12, 4]).Strides.ToArray());
        Assert.Equal(0, default(FrameHeader).Shape.Length);
        Assert.Equal("", default(FrameHeader).DType);
        Assert.Throws<ArgumentException>(() => FrameHeader.ForArray("<f4", []));
        Assert.Throws<ArgumentException>(() => FrameHeader.ForArray("<f4", [1, 1, 1, 1, 1]));
        Assert.Throws<ArgumentException>(() => FrameHeader.ForArray("<f4", [-1]));
        Assert.Throws<ArgumentException>(() => FrameHeader.ForArray("<f4", [1, 2], [4]));
        Assert.Throws<ArgumentException>(() => FrameHeader.ForArray("float", [1]));
        Assert.Throws<ArgumentException>(() => FrameHeader.ForArray("<f4567890", [1]));
        Assert.Throws<OverflowException>(() => FrameHeader.ForArray("<f8", [1 << 20, 1 << 20]));
        Assert.Throws<ArgumentException>(() => FrameHeader.ForImage(10, 10, 3, stride: 29));
        Assert.ThrowsAny<ArgumentException>(() => FrameHeader.ForImage(-1, 10, 3));
        Assert.ThrowsAny<ArgumentException>(() => FrameHeader.ForImage(1, 10, 0));
        Assert.Throws<OverflowException>(() => FrameHeader.ForImage(1 << 16, 1 << 16, 1));
        Assert.Throws<ArgumentException>(() => FrameHeader.FourCC("RGB"));
    }

    [Fact]
    [Rule("frames.header")]
    public void More_dimensions_than_there_can_be_are_not_read()
    {
        var bytes = new byte[FrameHeader.Size];
        bytes.AsSpan().Fill(0xFF);
        var header = MemoryMarshal.Read<FrameHeader>(bytes);
        Assert.Equal((4, 4), (header.Shape.Length, header.Strides.Length));
        Assert.Equal(8, header.DType.Length);
    }

    [Fact]
    [Rule("frames.layout")]
    public void A_channel_with_a_frame_has_these_bytes()
    {
        using var channel = FrameChannel.CreateAnonymous(new() { Classes = [new(128, 2), new(4096, 1)], Alignment = 64, Depth = 3, MaxReaders = 2, SchemaId = 9, ContentType = "x" });
        using var writer = channel.OpenWriter();
        using FrameReader one = channel.OpenReader(), two = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        writer.Loan(4096).Dispose();
        var frame = writer.Loan(3000);
        (frame.Type, frame.Timestamp) = (0x0102, 77);
        frame.Header.Tag = 5;
        frame.Span.Fill(0xAB);
        writer.Send(frame);
        Assert.True(two.TryRead(out var read));
        read.Dispose();
        // Two blocks of 512 + 8 · (4 + 4), rounded up to 640, at 8192; three headers of slots; then the slots, at a multiple of 64.
        const int Blocks = 8192, Headers = Blocks + 1280, Slots = Headers + 384;
        var bytes = new byte[Slots + 256 + 4096];
        Assert.Equal(bytes.Length, channel.Memory.Length);
        channel.Memory.Read(bytes, 0);
        var endpoints = (4096 + (int)Threading.Roster.SizeFor(11) + 127) / 128 * 128;
        Assert.Equal((5, 0L, 4096, 3, 3, 64), (BitConverter.ToUInt16(bytes, 8), BitConverter.ToInt64(bytes, 48), BitConverter.ToInt32(bytes, 56), BitConverter.ToInt32(bytes, 144), BitConverter.ToInt32(bytes, 148), BitConverter.ToInt32(bytes, 152)));
        Assert.Equal([2, 2, 1, 64, 0], Enumerable.Range(0, 5).Select(i => BitConverter.ToInt32(bytes, 160 + (4 * i))));
        Assert.Equal([1L, 1, 3000], Enumerable.Range(0, 3).Select(i => BitConverter.ToInt64(bytes, 256 + (8 * i))));
        Assert.Equal(4096, BitConverter.ToInt64(bytes, 768));
        Assert.Equal([1u, 3u], Enumerable.Range(1, 2).Select(i => BitConverter.ToUInt32(bytes, endpoints + (128 * i) + 24)));
        var entry = 2L | (2L << 24);
        Assert.Equal([0L, 1, 0, 0, entry, 0], Words(Blocks));
        Assert.Equal([1L, 1, 0, 1, entry, entry], Words(Blocks + 640));
        Assert.Equal([0L, 77], Enumerable.Range(0, 2).Select(i => BitConverter.ToInt64(bytes, Headers + 256 + (8 * i))));
        Assert.Equal([3000, 0x0102, 2], Enumerable.Range(0, 3).Select(i => BitConverter.ToInt32(bytes, Headers + 256 + 16 + (4 * i))));
        Assert.Equal(5, BitConverter.ToInt64(bytes, Headers + 256 + 32 + 56));
        Assert.True(!bytes.AsSpan(Slots + 256, 3000).ContainsAnyExcept((byte)0xAB) && bytes[Slots + 255] == 0 && bytes[Slots + 256 + 3000] == 0);

        long[] Words(int block) => [.. ((int[])[0, 128, 256, 384, 512, 512 + 32]).Select(at => BitConverter.ToInt64(bytes, block + at))];
    }

    [Theory]
    [InlineData(48, 1, "capacity")]
    [InlineData(144, 3, "slots")]
    [InlineData(148, 0, "wait in it")]
    [InlineData(148, 1025, "wait in it")]
    [InlineData(152, 32, "aligned")]
    [InlineData(152, 96, "aligned")]
    [InlineData(160, 0, "slots")]
    [InlineData(160, 70000, "slots")]
    [InlineData(164, 1, "slots")]
    [InlineData(164, 0, "slots")]
    [InlineData(164, -1, "slots")]
    [InlineData(168, 1, "slots")]
    [InlineData(56, 100, "longest frame")]
    [InlineData(38, 1, "endpoints")]
    [Rule("frames.hostile")]
    public void A_header_that_contradicts_itself_is_refused(int offset, int value, string word)
    {
        using var channel = FrameChannel.CreateAnonymous(new() { SlotLength = 4096, SlotCount = 2 });
        using var bytes = channel.Memory.Map(0, 4096);
        if (offset == 38)
        {
            bytes.GetReference<ushort>(offset) = (ushort)value;
        }
        else
        {
            bytes.GetReference<int>(offset) = value;
        }

        Assert.Contains(word, Assert.Throws<InvalidDataException>(() => FrameChannel.FromObject(channel.Memory)).Message, StringComparison.Ordinal);
    }

    private static void Numbers(byte[] bytes, int at, params ReadOnlySpan<int> numbers) => MemoryMarshal.AsBytes(numbers).CopyTo(bytes.AsSpan(at));
}
