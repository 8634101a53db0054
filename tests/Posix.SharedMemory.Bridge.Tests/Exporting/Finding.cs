using System.Buffers.Binary;

namespace Posix.SharedMemory.Bridge.Tests.Exporting;

/// <summary>What a bridge looks at in /dev/shm: any program may have put it there.</summary>
public sealed class Finding
{
    private const int HeaderSize = 256;

    private static readonly (Announcement Announced, ulong Origin) s_imported =
        (new() { Host = "h", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1 }, FrameLimits.OriginOf("h"));

    [Fact]
    [Rule("bridge.found")]
    public async Task Slots_whose_bytes_no_number_holds_do_not_end_the_bridge()
    {
        using var prefix = new TemporaryName("finding");
        var header = new byte[HeaderSize];
        BinaryPrimitives.WriteUInt64LittleEndian(header, 0x014E_4148_434D_4853);
        header[8] = (byte)ChannelKind.Frames;
        for (var at = 160; at < 224; at += 8)
        {
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(at), int.MaxValue);
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(at + 4), int.MaxValue / 64);
        }

        using var name = TemporaryName.Of(prefix + "slots");
        Put(name, header, HeaderSize);
        using var good = MessageChannel.Create(prefix + "good");
        await using var exports = new ExportList(new InMemoryBridgeHub().Connect(), new() { Export = ["*"], NamePrefix = prefix }, new());
        exports.Look();
        Assert.Equal("good", Assert.Single(exports.Describe()).Name);
        Assert.False(ImportedRing.IsLeftOpen(name, 0));
    }

    [Fact]
    [Rule("bridge.found")]
    public async Task Whatever_the_header_of_a_channel_holds_the_bridge_goes_on()
    {
        const int each = 15;
        using var prefix = new TemporaryName("finding");
        var random = new Random(17);
        List<string> names = [];
        try
        {
            foreach (var (header, length) in Valid(prefix))
            {
                for (var i = 0; i < each; i++)
                {
                    // The magic stays: without it nothing is looked at.
                    var bytes = header.ToArray();
                    for (var changes = random.Next(1, 4); changes > 0; changes--)
                    {
                        Change(bytes.AsSpan(random.Next(2, HeaderSize / 4) * 4), random);
                    }

                    // Some have another table of slots, whatever they are.
                    for (var at = 160; at < 224 && i % 3 == 0; at += 4)
                    {
                        Change(bytes.AsSpan(at), random);
                    }

                    names.Add($"{names.Count}");
                    Put(prefix + names[^1], bytes, random.Next(2) == 0 ? HeaderSize : length);
                }
            }

            using var good = MessageChannel.Create(prefix + "good");
            await using (var exports = new ExportList(new InMemoryBridgeHub().Connect(), new() { Export = ["*"], NamePrefix = prefix }, new()))
            {
                exports.Look();
                Assert.Contains(exports.Describe(), channel => channel.Name == "good");
            }

            // The same bytes where a ring is to be made: they are taken for one that a bridge has left, or refused.
            foreach (var name in names)
            {
                ImportedRing.IsLeftOpen(prefix + name, s_imported.Origin);
                var supply = new RingSupply(new(new(), name, BridgeDirection.Import), new() { NamePrefix = prefix }, new(1 << 20));
                supply.Discard(supply.TryOpen(s_imported.Announced));
            }
        }
        finally
        {
            foreach (var name in names)
            {
                File.Delete("/dev/shm/" + prefix + name);
            }
        }
    }

    private static void Change(Span<byte> at, Random random)
    {
        uint[] interesting = [0, 1, 2, 63, 64, 128, 255, 256, 65_535, 65_536, 1 << 20, 1 << 30, int.MaxValue, 1u << 31, uint.MaxValue];
        BinaryPrimitives.WriteUInt32LittleEndian(at, random.Next(3) == 0 ? (uint)random.NextInt64(1L << 32) : interesting[random.Next(interesting.Length)]);
    }

    /// <summary>The headers of channels of all kinds, one of which a bridge has made, and how long they are.</summary>
    private static IEnumerable<(byte[] Header, long Length)> Valid(string prefix)
    {
        Func<string, IDisposable>[] makers =
        [
            name => MessageChannel.Create(name, new() { Capacity = 4096 }), name => Broadcast.Create(name, new() { Capacity = 4096 }), name => FanIn.Create(name, new() { Capacity = 4096 }),
            name => LatestBytes.Create(name), name => FrameChannel.Create(name, new() { Classes = [new(64, 4), new(4096, 2)] }), name => LatestValue<long>.Create(name),
            name => ImportedRing.Open(name, s_imported.Announced, s_imported.Origin, new()),
        ];
        foreach (var make in makers)
        {
            using var name = TemporaryName.Of(prefix + "valid");
            using var channel = make(name);
            var bytes = File.ReadAllBytes("/dev/shm/" + name);
            yield return (bytes[..HeaderSize], bytes.Length);
        }
    }

    private static void Put(string name, byte[] header, long length)
    {
        using var file = File.Create("/dev/shm/" + name);
        file.Write(header);
        file.SetLength(length);
    }
}
