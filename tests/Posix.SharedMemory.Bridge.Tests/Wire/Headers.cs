using System.Buffers;
using System.Text;

namespace Posix.SharedMemory.Bridge.Tests.Wire;

/// <summary>What stands in front of a payload is read back, or refused.</summary>
public sealed class Headers
{
    [Fact]
    [Rule("bridge.frame")]
    public void A_header_is_six_numbers()
    {
        var header = new FrameHeader(0xABC, 7, 100, 2000, 3, 99);
        Assert.Equal("0000000000000abc 7 100 2000 3 99", header.ToString());
        Assert.True(FrameHeader.TryParse(header.ToString(), out var back));
        Assert.Equal(header, back);
    }

    [Theory]
    [Rule("bridge.hostile")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("0000000000000abc 7 100 2000 3")]
    [InlineData("0000000000000abc 7 100 2000 3 99 1")]
    [InlineData("abc 7 100 2000 3 99")]
    [InlineData("0000000000000abc -7 100 2000 3 99")]
    [InlineData("0000000000000abc 7 -100 2000 3 99")]
    [InlineData("0000000000000abc 7 100 -1 3 99")]
    [InlineData("0000000000000abc 9223372036854775808 100 2000 3 99")]
    [InlineData("0000000000000abc 7 100 99999999999999999999 3 99")]
    [InlineData("0000000000000abc 7 100 2000 65536 99")]
    [InlineData("0000000000000abc  7 100 2000 3 99")]
    [InlineData("0000000000000abc 7 1e2 2000 3 99")]
    [InlineData("0000000000000abc +7 100 2000 3 99")]
    public void A_header_of_a_stranger_is_refused(string? text) => Assert.False(FrameHeader.TryParse(text, out _));

    [Theory]
    [Rule("bridge.hostile")]
    [InlineData("1")]
    [InlineData("2 1")]
    [InlineData("0 1")]
    [InlineData("-1 1")]
    [InlineData("1 2 3")]
    public void A_range_that_is_none_is_refused(string text) => Assert.False(FrameHeader.TryParseRange(text, out _, out _));

    [Fact]
    [Rule("bridge.batch")]
    public void A_batch_is_read_record_by_record_and_refused_where_a_length_lies()
    {
        var bytes = new byte[100];
        BatchRecord.Write(bytes, 3, 9);
        "abc"u8.CopyTo(bytes.AsSpan(8));
        BatchRecord.Write(bytes.AsSpan(11), 0, 0);
        var batch = new ReadOnlySequence<byte>(bytes, 0, 19);
        Assert.True(BatchRecord.TryTake(ref batch, (0, 100), out var message, out var type));
        Assert.Equal("abc"u8.ToArray(), message.ToArray());
        Assert.Equal(9, type);
        Assert.True(BatchRecord.TryTake(ref batch, (0, 100), out message, out _));
        Assert.True(message.IsEmpty && batch.IsEmpty);

        foreach (var (length, kind, size, least, most) in new[] { (3, 0, 10, 0, 100), (-1, 0, 50, 0, 100), (50, 0, 100, 0, 49), (int.MaxValue, 0, 100, 0, int.MaxValue), (1, 0xFF00, 50, 0, 100), (0, 0, 7, 0, 100), (3, 0, 11, 4, 4) })
        {
            BatchRecord.Write(bytes, length, (ushort)kind);
            batch = new(bytes, 0, size);
            Assert.False(BatchRecord.TryTake(ref batch, (least, most), out _, out _));
            Assert.Equal(size, batch.Length);
        }
    }

    [Fact]
    [Rule("bridge.announce")]
    public void An_announcement_is_JSON_and_one_of_a_stranger_is_refused()
    {
        var announced = new Announcement { Host = "a", Channel = "x.y", Kind = 1, Epoch = "00000000000000ff", Capacity = 4096, Alignment = 8, Next = 5, Completed = 3, Delivery = BridgeDelivery.Latest, SchemaId = ulong.MaxValue };
        Assert.Equal(announced, Announcement.TryParse(new(announced.ToBytes())));
        Assert.Equal(0xFFUL, announced.EpochNumber);
        foreach (var bad in new[] { "", "{}", "null", "[]", "{", "\"x\"", "{\"host\":null,\"channel\":\"x\",\"epoch\":\"00000000000000ff\",\"next\":1}", "{\"host\":\"a\",\"channel\":\"x\",\"epoch\":\"00000000000000ff\",\"next\":0}", "{\"host\":\"a\",\"channel\":\"x\",\"epoch\":\"0000000000000000\",\"next\":1}", "{\"host\":\"a\",\"channel\":\"x\",\"epoch\":\"00000000000000ff\",\"next\":1e99}", "{\"host\":\"a\",\"channel\":\"x\",\"epoch\":\"00000000000000ff\",\"next\":1,\"delivery\":\"Nothing\"}", new('x', 5000) })
        {
            Assert.Null(Announcement.TryParse(new(Encoding.UTF8.GetBytes(bad))));
        }
    }

    [Fact]
    [Rule("bridge.credit")]
    public void Credit_is_read_back_and_that_of_a_stranger_is_refused()
    {
        var note = new CreditNote(1, 2, 3, 4, 5);
        Assert.True(CreditNote.TryParse(new(note.ToBytes()), out var back));
        Assert.Equal(note, back);
        foreach (var bad in new[] { "", "1 2 3 4", "1 2 -3 4 5", "1 2 3 4 5 6", new('1', 200) })
        {
            Assert.False(CreditNote.TryParse(new(Encoding.ASCII.GetBytes(bad)), out _));
        }
    }
}
