using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The specification's images, as another language finds and leaves them.</summary>
public sealed class ReadingImages : IDisposable
{
    private readonly TemporaryDirectory _directory = TemporaryDirectory.InMemory();
    private readonly Memory _memory = new();

    public void Dispose()
    {
        _memory.Dispose();
        _directory.Dispose();
    }

    [SkippableTheory]
    [InlineData("c")]
    [InlineData("musl")]
    [InlineData("python")]
    [Rule("images.read")]
    public void A_roster_is_joined_after_those_who_were_there(string language)
    {
        Put("roster", "roster", 0);
        using var peer = Languages.Start(language, _directory, _memory);
        Assert.Equal(Participant.Of(4, 1).Value, uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture));
        // Of all that was there, it has changed how often somebody joined.
        Assert.Equal(4u, _memory.Word(8));
        _memory.Store(8, 3);
        Span<byte> others = _memory.Mapping.GetSpan(0, 2112).ToArray();
        others.Slice(64 + (3 * 32), 32).Clear();
        Assert.Null(Image.Read("roster", "roster").DifferenceFrom(others));
        Assert.Equal("left", peer.Ask("quit"));
    }

    [SkippableTheory]
    [InlineData("c")]
    [InlineData("musl")]
    [InlineData("python")]
    [Rule("images.read")]
    public void A_mutex_is_what_its_image_says(string language)
    {
        // This process is in seat 1, and so the owner.
        using var roster = Roster.Join(_memory.Mapping);
        using var peer = Languages.Start(language, _directory, _memory);
        peer.ReadLine();
        Put("mutex", "free", Memory.Mutex);
        Assert.Equal("entered", peer.Ask("try"));
        Assert.Equal("0", peer.Ask("leave"));
        Is("mutex", "free", Memory.Mutex);
        foreach (var held in (string[])["held", "awaited", "inherited"])
        {
            Put("mutex", held, Memory.Mutex);
            Assert.Equal("taken", peer.Ask("try"));
            Is("mutex", held, Memory.Mutex);
        }

        Put("mutex", "unrepaired", Memory.Mutex);
        Assert.Equal("after a death", peer.Ask("try"));
        Assert.Equal("0", peer.Ask("leave"));
        Is("mutex", "unrepaired", Memory.Mutex);
        Assert.Equal("after a death", peer.Ask("try"));
        Assert.Equal("consistent", peer.Ask("consistent"));
        Assert.Equal("0", peer.Ask("leave"));
        Is("mutex", "free", Memory.Mutex);
        Put("mutex", "retired", Memory.Mutex);
        Assert.Equal("retired", peer.Ask("try"));
        Is("mutex", "retired", Memory.Mutex);
        // The owner's death is one for every language.
        Put("mutex", "held", Memory.Mutex);
        roster.Dispose();
        Assert.Equal("after a death", peer.Ask("try"));
        Assert.Equal("left", peer.Ask("quit"));
    }

    [SkippableTheory]
    [InlineData("c")]
    [InlineData("musl")]
    [InlineData("python")]
    [Rule("images.read")]
    public void Semaphores_events_and_event_counts_are_what_their_images_say(string language)
    {
        using var peer = Languages.Start(language, _directory, _memory);
        peer.ReadLine();
        Put("semaphore", "three-of-five", Memory.Semaphore);
        for (var permit = 0; permit < 3; permit++)
        {
            Assert.Equal("taken", peer.Ask("wait-semaphore"));
        }

        Is("semaphore", "none", Memory.Semaphore);
        for (var permit = 0; permit < 3; permit++)
        {
            Assert.Equal("0", peer.Ask("release"));
        }

        Is("semaphore", "three-of-five", Memory.Semaphore);
        foreach (var mode in (string[])["manual", "automatic"])
        {
            Put("event", mode, Memory.Event);
            Assert.Equal("set", peer.Ask("set"));
            Is("event", $"{mode}-set", Memory.Event);
            Assert.Equal("set", peer.Ask("wait-event"));
            Is("event", mode == "manual" ? "manual-set" : mode, Memory.Event);
        }

        Put("eventcount", "new", Memory.EventCount);
        Assert.Equal("0", peer.Ask("notify"));
        Is("eventcount", "new", Memory.EventCount);
        Put("eventcount", "prepared", Memory.EventCount);
        Assert.Equal("1", peer.Ask("notify"));
        Is("eventcount", "notified", Memory.EventCount);
        Assert.Equal("left", peer.Ask("quit"));
    }

    private void Put(string format, string name, long offset)
    {
        var image = Image.Read(format, name);
        image.CopyTo(_memory.Mapping.GetSpan(offset, image.Length));
    }

    private void Is(string format, string name, long offset)
    {
        var image = Image.Read(format, name);
        Assert.Null(image.DifferenceFrom(_memory.Mapping.GetSpan(offset, image.Length)));
    }
}
