using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Rings;
using Posix.SharedMemory.Threading;

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

            writer.TryWrite(new byte[17], 0xFEFF);
        }

        Span<byte> bytes = new byte[8192 + 128];
        channel.Memory.Read(bytes, 0);
        var expected = new byte[bytes.Length];
        Put(expected, "0", "53 48 4D 43 48 41 4E 01  01 00  00 00  00 00 00 00  00 30 00 00 00 00 00 00");
        Put(expected, "32", "00 10 00 00  0A 00  02 00  00 20 00 00 00 00 00 00  00 10 00 00 00 00 00 00  F0 07 00 00  10 00 00 00  88 77 66 55 44 33 22 11");
        Put(expected, "80", "74 65 78 74 2F 70 6C 61 69 6E");
        // Line W: tail 32 + 16 + 48, three messages, 20 bytes. Line R: head 32, one message, three bytes.
        Put(expected, "256", "60 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  14 00 00 00 00 00 00 00");
        Put(expected, "384", "20 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00");
        Put(expected, "516", "50 58 4E 31");
        Put(expected, "644", "50 58 4E 31");
        Put(expected, "708", "50 58 4E 31");
        // Endpoints: a free mutex, generation 1, the role, the label.
        Put(expected, "4484", "50 58 4D 31");
        Put(expected, "4496", "01 00 00 00  01 00 00 00");
        Put(expected, "4544", "77 72 69 74 65 72");
        Put(expected, "4612", "50 58 4D 31");
        Put(expected, "4624", "01 00 00 00  02 00 00 00");
        // Records: "one" of type 7, an empty one of type 8, 17 zeros of type 0xFEFF.
        Put(expected, "8192", "03 00 00 00  07 00  00 00");
        Put(expected, "8208", "6F 6E 65");
        Put(expected, "8224", "00 00 00 00  08 00  00 00");
        Put(expected, "8240", "11 00 00 00  FF FE  00 00");
        // Not compared: the epoch, the roster (see the specification of package 2), when the endpoints were opened.
        foreach (var (from, length) in ((int, int)[])[(24, 8), (4096, (int)Roster.SizeFor(10)), (4480 + 48, 8), (4608 + 48, 8)])
        {
            bytes.Slice(from, length).Clear();
        }

        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i] == bytes[i], string.Create(CultureInfo.InvariantCulture, $"byte {i} is {bytes[i]:x2}, not {expected[i]:x2}"));
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

    private static void Put(byte[] bytes, string offset, string hexadecimal) =>
        Convert.FromHexString(hexadecimal.Replace(" ", "", StringComparison.Ordinal)).CopyTo(bytes, int.Parse(offset, CultureInfo.InvariantCulture));
}
