using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>Durable channels of which the engine keeps messages are found by their notes.</summary>
public sealed class Kept
{
    [Fact]
    [Rule("bridge.kept")]
    [Rule("bridge.bounded")]
    public async Task Notes_that_strangers_have_written_do_not_hide_a_channel()
    {
        await using var backend = new InMemoryBridgeHub().Connect();
        for (var i = 0; i < KeptChannels.MostNotes + 10; i++)
        {
            await WriteAsync(string.Create(CultureInfo.InvariantCulture, $"stranger{i}"));
        }

        await using (await backend.SubscribeDurableAsync(SubjectName.Messages + "x", SubjectName.TakerOf("b"), 10, new Backends.Recorder(), default))
        {
        }

        await backend.PublishDurableAsync(SubjectName.Messages + "x", default, new byte[1], "1", default);
        await WriteAsync("x");
        var kept = new KeptChannels(backend, new() { Host = "b", Import = ["*"] });
        Assert.Empty(await kept.FindAsync(default));
        Assert.Equal("x", Assert.Single(await kept.FindAsync(default)).Key);
        // From then on it is looked at now and then.
        Assert.Empty(await kept.FindAsync(default));

        ValueTask WriteAsync(string channel)
        {
            var announced = new Announcement { Host = "a", Channel = channel, Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable };
            return backend.WriteNoteAsync(SubjectName.NoteOf(announced), announced.ToBytes(), default);
        }
    }
}
