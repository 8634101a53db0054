using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>One process uses a channel in every way, while another one stores anything anywhere in the object.</summary>
public sealed class Mutating
{
    private const int Data = 8192;

    [Theory]
    [InlineData("message")]
    [InlineData("fan-in")]
    [InlineData("latest")]
    [InlineData("frames")]
    [Rule("ring.hostile")]
    [Rule("fanin.hostile")]
    [Rule("latest.hostile")]
    [Rule("frames.hostile")]
    public void A_process_survives_another_one_that_stores_anything_anywhere_all_the_time(string kind)
    {
        // SHM_MUTATE=60 does it for a minute.
        var seconds = Environment.GetEnvironmentVariable("SHM_MUTATE") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 2;
        using var name = new TemporaryName("channel");
        using var channel = Create(kind, name);
        var memory = SharedMemoryObject.Open(name);
        var bytes = memory.Map();
        var whole = bytes.GetSpan().ToArray();
        using var victim = Partner.Start("victim", name, seconds.ToString(CultureInfo.InvariantCulture), kind);
        Assert.Equal("open", victim.ReadLine());
        var (random, stores) = (new Random(), 0L);
        while (!victim.HasExited)
        {
            // A burst, seldom into the header, which then refuses every opening; and then the object is whole again for a while.
            for (var i = random.Next(1, 200); i > 0; i--)
            {
                Store(random, ref bytes.GetReference<ulong>(PlaceOf(kind, random)));
                stores++;
                Thread.SpinWait(random.Next(200));
            }

            Thread.Sleep(random.Next(3));
            whole.CopyTo(bytes.GetSpan());
            Thread.Sleep(random.Next(3));
            if (memory.IsUnlinked)
            {
                // The next publisher of frames begins with another object.
                bytes.Dispose();
                memory.Dispose();
                memory = SharedMemoryObject.Open(name);
                bytes = memory.Map();
            }
        }

        bytes.Dispose();
        memory.Dispose();

        var (code, output, errors) = victim.Finish();
        Assert.True(code == 0, $"The process ended with {code} after {stores} stores: {output}{errors}");
        var counts = output.Trim().Split(' ').Select(count => long.Parse(count, CultureInfo.InvariantCulture)).ToArray();
        Assert.True(counts[1] > 0, $"Of {counts[0]} rounds none found anything in {stores} stores.");
    }

    /// <summary>A channel of the kind, of four pages or a little more.</summary>
    private static IDisposable Create(string kind, string name) => kind switch
    {
        "fan-in" => FanIn.Create(name, new() { Capacity = Data, MaxWriters = 2 }),
        "frames" => FrameChannel.Create(name, new() { SlotLength = 2048, SlotCount = 4, Alignment = 64, MaxReaders = 2, Lifetime = Lifetime.Keep }),
        "latest" => LatestBytes.Create(name, new() { MaxLength = (Data / 4) - 16 }),
        _ => MessageChannel.Create(name, new() { Capacity = Data }),
    };

    private static long PlaceOf(string kind, Random random)
    {
        // Indices, states, event counts, endpoints, the roster's seats are hit more often than the data, and what only one kind has.
        ReadOnlySpan<long> places = [256, 288, 384, 416, 512, 640, 704, 4096 + 64, 4480, 4608, 4496, Data + (random.Next(Data / 64) * 64L), Data + (random.Next(Data / 8) * 8L), random.Next(1024) * 8L];
        ReadOnlySpan<long> own = kind switch
        {
            "fan-in" => [424, 768, 896, 4640, 4768, Data + (random.Next(Data / 64) * 64L)],
            // The writer's end, the readers' places, their blocks, and the headers of the slots.
            "frames" => [288, 768, 4624, 4736 + 16, 4736 + 24, 4864 + 24, 4736 + 32, Data + (random.Next(2) * 640L) + (random.Next(4) * 128), Data + (random.Next(2) * 640L) + 512 + (random.Next(6) * 8), 9472 + (random.Next(64) * 8L)],
            "latest" => [Data, Data + (Data / 4), Data + 8, Data + (Data / 4) + 8],
            _ => [256, 384],
        };
        return random.Next(20) == 0 ? random.Next(32) * 8L : random.Next(3) == 0 ? own[random.Next(own.Length)] : places[random.Next(places.Length)];
    }

    private static void Store(Random random, ref ulong word) =>
        word = random.Next(4) switch
        {
            0 => word ^ (1UL << random.Next(64)),
            1 => word + (ulong)(random.Next(9) * 8),
            2 => (ulong)random.NextInt64(),
            _ => (ulong)random.Next(5000),
        };
}
