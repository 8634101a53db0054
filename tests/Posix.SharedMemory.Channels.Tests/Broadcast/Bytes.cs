using System.Globalization;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>The bytes of a broadcast are those of the specification, to the last one.</summary>
public sealed class Bytes
{
    [Fact]
    [Rule("broadcast.layout")]
    public void A_broadcast_with_three_messages_has_these_bytes()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, RecordAlignment = 8, MaxReaders = 2, History = 4, SchemaId = 0x1122334455667788, ContentType = "text/plain" });
        using var writer = broadcast.OpenWriter(new() { Label = "feed" });
        using BroadcastReader lossless = broadcast.OpenReader(new() { Label = "one" }), lossy = broadcast.OpenReader(new() { Label = "two", Delivery = BroadcastDelivery.Lossy });
        writer.TryWrite("one"u8, 7);
        writer.TryWrite([], 8);
        writer.TryWrite(new byte[17], 0xFEFF);
        lossless.TryRead(new byte[8], out _);
        Span<byte> bytes = new byte[8192 + 4096 + 32];
        Assert.Equal(bytes.Length, broadcast.Memory.Read(bytes, 0));
        var expected = new byte[bytes.Length];
        Put(0, "53 48 4D 43 48 41 4E 01  03 00  00 00  00 00 00 00  20 30 00 00 00 00 00 00");
        Put(32, "00 10 00 00  0B 00  03 00  00 20 00 00 00 00 00 00  00 10 00 00 00 00 00 00  F0 07 00 00  08 00 00 00  88 77 66 55 44 33 22 11");
        Put(80, "74 65 78 74 2F 70 6C 61 69 6E");
        Put(144, "04 00 00 00");
        // Line W: tail 24 + 16 + 40, three messages, 20 bytes.
        Put(256, "50 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  14 00 00 00 00 00 00 00");
        Put(516, "50 58 4E 31");
        Put(644, "50 58 4E 31");
        Put(708, "50 58 4E 31");
        // Line B: intent 80; limit 24 + a quarter of the ring; the newest record at 40; the next number 3; the last record at 40.
        Put(768, "50 00 00 00 00 00 00 00  18 04 00 00 00 00 00 00  28 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00");
        // Endpoints: an owned mutex, generation 1, the role; for readers mode and position; the label.
        var endpoints = (4096 + (int)Roster.SizeFor(11) + 127) / 128 * 128;
        Put(endpoints + 4, "50 58 4D 31");
        Put(endpoints + 16, "01 00 00 00  01 00 00 00");
        Put(endpoints + 64, "66 65 65 64");
        Put(endpoints + 128 + 4, "50 58 4D 31");
        Put(endpoints + 128 + 16, "01 00 00 00  02 00 00 00  01 00 00 00  00 00 00 00  18 00 00 00 00 00 00 00");
        Put(endpoints + 128 + 64, "6F 6E 65");
        Put(endpoints + 256 + 4, "50 58 4D 31");
        Put(endpoints + 256 + 16, "01 00 00 00  02 00 00 00  02 00 00 00  00 00 00 00");
        Put(endpoints + 256 + 64, "74 77 6F");
        // Records: length, type, number, payload.
        Put(8192, "03 00 00 00  07 00  00 00  00 00 00 00 00 00 00 00  6F 6E 65");
        Put(8192 + 24, "00 00 00 00  08 00  00 00  01 00 00 00 00 00 00 00");
        Put(8192 + 40, "11 00 00 00  FF FE  00 00  02 00 00 00 00 00 00 00");
        // The history.
        Put(8192 + 4096, "00 00 00 00 00 00 00 00  18 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00");
        // Not compared: the epoch, the roster, who owns the mutexes, when the endpoints were opened.
        foreach (var (from, length) in ((int, int)[])[(24, 8), (4096, (int)Roster.SizeFor(11)), .. Enumerable.Range(0, 3).SelectMany(i => ((int, int)[])[(endpoints + (128 * i), 4), (endpoints + (128 * i) + 8, 8), (endpoints + (128 * i) + 48, 8)])])
        {
            bytes.Slice(from, length).Clear();
        }

        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i] == bytes[i], string.Create(CultureInfo.InvariantCulture, $"byte {i} is {bytes[i]:x2}, not {expected[i]:x2}"));
        }

        void Put(int offset, string hexadecimal) => Convert.FromHexString(hexadecimal.Replace(" ", "", StringComparison.Ordinal)).CopyTo(expected, offset);
    }
}
