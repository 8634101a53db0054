using Posix.SharedMemory.Channels.Tests.Layout;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>The images of the specification, read by each language.</summary>
public sealed class GoldenReading
{
    private const int EpochAt = 24;
    private const string SeventeenLetters = "seventeen letters", FortyNine = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    public void Each_language_reads_the_golden_images(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        Assert.Equal(["0 8 0 ", "0 65279 17 " + SeventeenLetters, "end"], Show(language, directory, "channel_partner", GoldenImages.Ring()));
        Assert.Equal(["0 65280 8 ", "0 65279 17 " + SeventeenLetters, "end"], Show(language, directory, "connection_partner", GoldenImages.Connection()));
        Assert.Equal(["1 5 5 reply", "end"], Show(language, directory, "connection_partner", GoldenImages.Connection(), "showother"));
        Assert.Equal(["1 7 3 one", "1 8 49 " + FortyNine, "end"], Show(language, directory, "fanin_partner", GoldenImages.FanIn()));
        Assert.Equal(["0 7 3 one", "1 8 0 ", "2 65279 17 " + SeventeenLetters, "end"], Show(language, directory, "broadcast_partner", GoldenImages.Broadcast()));
        Assert.Equal(["0 2 65279 5 seven", "2 1 8 100 " + new string('x', 100), "end"], Show(language, directory, "frames_partner", GoldenImages.Frames()));
        Assert.Equal("1 4 5 seven", Assert.Single(Show(language, directory, "latest_partner", GoldenImages.Latest()))[..11]);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("channel.refuse")]
    public void Each_language_refuses_a_header_without_an_epoch(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        var image = GoldenImages.Ring();
        image.AsSpan(EpochAt, 8).Clear();
        using var name = new TemporaryName("golden");
        using var memory = SharedMemoryObject.Create(name, image.Length);
        memory.Write(image, 0);
        using var peer = Languages.Start(language, directory, "channel_partner", name, image.Length, "show", 0, 0);
        var (_, output, errors) = peer.Finish();
        Assert.Contains(language == "python" ? "epoch 0" : "open -84", output + errors, StringComparison.Ordinal);
    }

    private static string[] Show(string language, TemporaryDirectory directory, string partner, byte[] image, string role = "show")
    {
        using var name = new TemporaryName("golden");
        using var memory = SharedMemoryObject.Create(name, image.Length);
        using (var bytes = memory.Map())
        {
            image.CopyTo(bytes.GetSpan());
            // Zero in the image, since it differs each time.
            bytes.GetSpan()[EpochAt] = 1;
        }

        using var peer = Languages.Start(language, directory, partner, name, image.Length, role, 0, 0);
        Assert.Equal("open", peer.ReadLine());
        var (_, output, errors) = peer.Finish();
        Assert.Equal("", errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line != "closed").ToArray();
    }
}
