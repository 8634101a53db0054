using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Channels.Tests.Layout;

/// <summary>
/// What the specification says that a channel of each kind looks like after a few messages, byte for byte. This library must make them, and each language must read them.
/// Zero in them: the epoch, the roster (see the specification of package 2), and when the endpoints were opened.
/// </summary>
internal static class GoldenImages
{
    private const string Magic = "53 48 4D 43 48 41 4E 01";

    /// <summary>A ring of 4096 bytes, aligned to 16: "one" of type 7 was read; an empty message of type 8 and 17 letters of type 0xFEFF were not.</summary>
    internal static byte[] Ring()
    {
        var bytes = New(8192 + 4096, "01 00", "00 30 00 00 00 00 00 00");
        Put(bytes, 32, "00 10 00 00  0A 00  02 00  00 20 00 00 00 00 00 00  00 10 00 00 00 00 00 00  F0 07 00 00  10 00 00 00  88 77 66 55 44 33 22 11");
        Put(bytes, 80, "74 65 78 74 2F 70 6C 61 69 6E");
        // Line W: tail 32 + 16 + 48, three messages, 20 bytes. Line R: head 32, one message, three bytes.
        Put(bytes, 256, "60 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  14 00 00 00 00 00 00 00");
        Put(bytes, 384, "20 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00");
        // Endpoints: a free mutex, generation 1, the role, the label.
        PutEndpoint(bytes, 4480, "01 00 00 00", "77 72 69 74 65 72");
        PutEndpoint(bytes, 4608, "02 00 00 00", "");
        Put(bytes, 8192, "03 00 00 00  07 00  00 00");
        Put(bytes, 8208, "6F 6E 65");
        Put(bytes, 8224, "00 00 00 00  08 00  00 00");
        Put(bytes, 8240, "11 00 00 00  FF FE  00 00");
        Encoding.UTF8.GetBytes("seventeen letters", bytes.AsSpan(8256));
        return bytes;
    }

    /// <summary>
    /// A connection of 4096 bytes each way, aligned to 8, both of whose sides have left: "one" of type 7, the record of an object and 17 letters of type 0xFEFF from the creator, of which the first was
    /// read; "reply" of type 5 the other way, which was not.
    /// </summary>
    internal static byte[] Connection()
    {
        var bytes = New(8192 + 8192, "02 00", "00 40 00 00 00 00 00 00");
        // 12 seats: the roster has 448 bytes, the endpoints are at 4608, the data at 8192 and at 12288.
        Put(bytes, 32, "00 10 00 00  0C 00  04 00  00 20 00 00 00 00 00 00  00 10 00 00 00 00 00 00  F8 07 00 00  08 00 00 00  88 77 66 55 44 33 22 11");
        foreach (var at in (int[])[516, 644, 708])
        {
            Put(bytes, 1024 + at, "50 58 4E 31");
        }

        // Direction 0: tail 16 + 16 + 32, three messages, 28 bytes; head 16, one message, three bytes. Direction 1: tail 16, one message, five bytes.
        Put(bytes, 256, "40 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  1C 00 00 00 00 00 00 00");
        Put(bytes, 384, "10 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00");
        Put(bytes, 1024 + 256, "10 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  05 00 00 00 00 00 00 00");
        PutEndpoint(bytes, 4608, "01 00 00 00", "73 65 72 76 65 72");
        PutEndpoint(bytes, 4736, "02 00 00 00", "63 6C 69 65 6E 74");
        PutEndpoint(bytes, 4864, "01 00 00 00", "63 6C 69 65 6E 74");
        PutEndpoint(bytes, 4992, "02 00 00 00", "73 65 72 76 65 72");
        Put(bytes, 8192, "03 00 00 00  07 00  00 00  6F 6E 65");
        Put(bytes, 8208, "08 00 00 00  00 FF  00 00  01 00 00 00 00 00 00 00");
        Put(bytes, 8224, "11 00 00 00  FF FE  00 00");
        Encoding.UTF8.GetBytes("seventeen letters", bytes.AsSpan(8232));
        Put(bytes, 12288, "05 00 00 00  05 00  00 00  72 65 70 6C 79");
        return bytes;
    }

    /// <summary>A fan-in of 4096 bytes and two writers: "gone" of writer 0 was read; "one" of type 7 by writer 1, a reservation that was given up, and 49 letters of type 8 were not.</summary>
    internal static byte[] FanIn()
    {
        var bytes = New(8192 + 4096, "06 00", "00 30 00 00 00 00 00 00");
        // 11 seats: the roster has 448 bytes, the endpoints are at 4608, the data at 8192.
        Put(bytes, 32, "00 10 00 00  0B 00  03 00  00 20 00 00 00 00 00 00  00 10 00 00 00 00 00 00  F0 07 00 00  10 00 00 00");
        // Line R: head 1, one message, four bytes, releasing 1. The claim word: position 4, 2 lines, writer 1.
        Put(bytes, 384, "01 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  04 00 00 00 00 00 00 00");
        Put(bytes, 424, "01 00 00 00 00 00 00 00");
        Put(bytes, 768, "81 00 10 00 00 00 00 00");
        // The endpoints' last claims: writer 0 position 2, 2 lines; writer 1 position 1, 1 line.
        PutEndpoint(bytes, 4608, "01 00 00 00", "7A 65 72 6F");
        Put(bytes, 4608 + 32, "02 20 00 00 00 00 00 00");
        PutEndpoint(bytes, 4736, "01 00 00 00", "");
        Put(bytes, 4736 + 32, "01 10 00 00 00 00 00 00");
        PutEndpoint(bytes, 4864, "02 00 00 00", "");
        // Records at lines 1, 2 and 4; of the one at line 0 the header was cleared.
        Put(bytes, 8192, "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  67 6F 6E 65");
        Put(bytes, 8192 + 64, "01 00 00 00 C0 00 00 81  07 00 00 00 00 00 00 00  6F 6E 65");
        Put(bytes, 8192 + 128, "02 00 00 00 00 1C 00 C0");
        Put(bytes, 8192 + 256, "04 00 00 00 40 0C 00 81  08 00 00 00 00 00 00 00");
        bytes.AsSpan(8192 + 272, 49).Fill((byte)'x');
        return bytes;
    }

    /// <summary>A latest value of up to 50 bytes in four buffers: "one", and then "seven".</summary>
    internal static byte[] Latest()
    {
        var bytes = New(8192 + (4 * 128), "04 00", "00 22 00 00 00 00 00 00");
        // 63 seats of 32 bytes after 64: the endpoint is at 4096 + 2112 = 6208, rounded up to 6272.
        Put(bytes, 32, "00 10 00 00  3F 00  01 00  00 20 00 00 00 00 00 00  00 00 00 00 00 00 00 00  32 00 00 00  10 00 00 00  88 77 66 55 44 33 22 11");
        Put(bytes, 144, "04 00 00 00");
        Put(bytes, 256, "04 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00  08 00 00 00 00 00 00 00");
        PutEndpoint(bytes, 6272, "01 00 00 00", "");
        Put(bytes, 8192 + 128, "02 00 00 00 00 00 00 00  03 00 00 00  00 00 00 00  6F 6E 65");
        Put(bytes, 8192 + 256, "04 00 00 00 00 00 00 00  05 00 00 00  00 00 00 00  73 65 76 65 6E");
        return bytes;
    }

    /// <summary>A broadcast of 4096 bytes, aligned to 8, two readers and a history of four: "one" of type 7, an empty message of type 8 and 17 letters of type 0xFEFF, of which a reader has read the first.</summary>
    internal static byte[] Broadcast()
    {
        var bytes = New(8192 + 4096 + 32, "03 00", "20 30 00 00 00 00 00 00");
        Put(bytes, 32, "00 10 00 00  0B 00  03 00  00 20 00 00 00 00 00 00  00 10 00 00 00 00 00 00  F0 07 00 00  08 00 00 00  88 77 66 55 44 33 22 11");
        Put(bytes, 144, "04 00 00 00");
        Put(bytes, 256, "50 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  14 00 00 00 00 00 00 00");
        // Line B: intent 80; limit 24 + a quarter of the ring; the newest record at 40; the next number 3; the last record at 40.
        Put(bytes, 768, "50 00 00 00 00 00 00 00  18 04 00 00 00 00 00 00  28 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00");
        // 11 seats: the endpoints are at 4608. The reader's position is 24; the other place was never taken.
        PutEndpoint(bytes, 4608, "01 00 00 00", "66 65 65 64");
        PutEndpoint(bytes, 4736, "02 00 00 00", "6F 6E 65");
        Put(bytes, 4736 + 32, "18 00 00 00 00 00 00 00");
        Put(bytes, 4864 + 4, "50 58 4D 31");
        Put(bytes, 8192, "03 00 00 00  07 00  00 00  00 00 00 00 00 00 00 00  6F 6E 65");
        Put(bytes, 8192 + 24, "00 00 00 00  08 00  00 00  01 00 00 00 00 00 00 00");
        Put(bytes, 8192 + 40, "11 00 00 00  FF FE  00 00  02 00 00 00 00 00 00 00");
        Encoding.UTF8.GetBytes("seventeen letters", bytes.AsSpan(8192 + 56));
        Put(bytes, 8192 + 4096, "00 00 00 00 00 00 00 00  18 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00");
        return bytes;
    }

    /// <summary>
    /// A frame channel with two slots of 64 bytes and one of 128, two readers, and a depth of 2: "one" of type 7 was read and returned; 100 letters of type 8, in the third slot, and "seven" of type 0xFEFF, in the first slot
    /// again, went back when the reader left.
    /// </summary>
    internal static byte[] Frames()
    {
        // 11 seats: the endpoints are at 4608, the data at 8192. Blocks of 640 bytes, three headers at 9472, slots at 9856.
        var bytes = New(10112, "05 00", "80 27 00 00 00 00 00 00");
        Put(bytes, 32, "00 10 00 00  0B 00  03 00  00 20 00 00 00 00 00 00  00 00 00 00 00 00 00 00  80 00 00 00  40 00 00 00  88 77 66 55 44 33 22 11");
        Put(bytes, 80, "69 6D 61 67 65 2F 72 61 77");
        Put(bytes, 144, "03 00 00 00  02 00 00 00  40 00 00 00  00 00 00 00  02 00 00 00 01 00 00 00  01 00 00 00 02 00 00 00");
        // Line W: three frames, 108 bytes; the slots of the second and third are in use.
        Put(bytes, 256, "03 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  6C 00 00 00 00 00 00 00");
        Put(bytes, 768, "C0 00 00 00 00 00 00 00");
        // The reader's first frame was that with the number 0. The other place was never taken.
        PutEndpoint(bytes, 4608, "01 00 00 00", "63 61 6D 65 72 61");
        PutEndpoint(bytes, 4736, "02 00 00 00", "6F 6E 65");
        Put(bytes, 4864 + 4, "50 58 4D 31");
        // Submission ring: three in, three out; entry 2 lies where entry 0 was. Return ring: one was taken back.
        Put(bytes, 8192, "03 00 00 00 00 00 00 00");
        Put(bytes, 8192 + 128, "03 00 00 00 00 00 00 00");
        Put(bytes, 8192 + 256, "01 00 00 00 00 00 00 00");
        Put(bytes, 8192 + 384, "03 00 00 00 00 00 00 00");
        Put(bytes, 8192 + 512, "00 00 00 02 00 00 00 00  02 00 00 01 00 00 00 00");
        Put(bytes, 8192 + 528, "00 00 00 01 00 00 00 00  02 00 00 01 00 00 00 00  00 00 00 02 00 00 00 00");
        // The headers of the first and the third slot; the latter describes an image of 10 × 10.
        Put(bytes, 9472, "02 00 00 00 00 00 00 00  05 00 00 00 00 00 00 00  05 00 00 00  FF FE  00 00  02 00 00 00");
        Put(bytes, 9728, "01 00 00 00 00 00 00 00  04 03 00 00 00 00 00 00  64 00 00 00  08 00  00 00  01 00 00 00 00 00 00 00");
        Put(bytes, 9728 + 32, "7C 75 31 00 00 00 00 00  47 52 45 59  03 00 00 00  0A 00 00 00 0A 00 00 00  0A 00 00 00 0A 00 00 00 01 00 00 00 00 00 00 00  0A 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00  0D 00 00 00 00 00 00 00");
        Encoding.UTF8.GetBytes("seven", bytes.AsSpan(9856));
        bytes.AsSpan(9984, 100).Fill((byte)'x');
        return bytes;
    }

    /// <summary>Compares a channel with its image, but for what is different each time.</summary>
    internal static void AssertEqual(byte[] expected, SharedMemoryObject memory, int firstEndpoint, int endpoints)
    {
        Span<byte> bytes = new byte[memory.Length];
        memory.Read(bytes, 0);
        Assert.Equal(expected.Length, bytes.Length);
        bytes.Slice(24, 8).Clear();
        bytes[4096..firstEndpoint].Clear();
        for (var i = 0; i < endpoints; i++)
        {
            bytes.Slice(firstEndpoint + (128 * i) + 48, 8).Clear();
        }

        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i] == bytes[i], string.Create(CultureInfo.InvariantCulture, $"byte {i} is {bytes[i]:x2}, not {expected[i]:x2}"));
        }
    }

    /// <summary>An image with all that channels have in common: the magic, the kind, the length, and three event counts.</summary>
    private static byte[] New(int length, string kind, string total)
    {
        var bytes = new byte[length];
        Put(bytes, 0, $"{Magic} {kind} 00 00  00 00 00 00 {total}");
        foreach (var at in (int[])[516, 644, 708])
        {
            Put(bytes, at, "50 58 4E 31");
        }

        return bytes;
    }

    private static void PutEndpoint(byte[] bytes, int at, string role, string label)
    {
        Put(bytes, at + 4, "50 58 4D 31");
        Put(bytes, at + 16, "01 00 00 00" + role);
        Put(bytes, at + 64, label);
    }

    private static void Put(byte[] bytes, int offset, string hexadecimal) =>
        Convert.FromHexString(hexadecimal.Replace(" ", "", StringComparison.Ordinal)).CopyTo(bytes, offset);
}
