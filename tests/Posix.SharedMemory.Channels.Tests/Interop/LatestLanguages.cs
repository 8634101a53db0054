namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) and Python on the same latest value, through psm_latest.h and psm_latest.py.</summary>
public sealed class LatestLanguages
{
    private const int Most = 1000;

    [SkippableTheory]
    [InlineData("cc", 200_000)]
    [InlineData("musl-gcc", 200_000)]
    [InlineData("python", 4_000)]
    [Rule("channel.languages")]
    [Rule("latest.whole")]
    public async Task Another_language_publishes_and_this_one_reads(string language, int count)
    {
        using var name = new TemporaryName("latest");
        using var directory = TemporaryDirectory.InMemory();
        using var value = LatestBytes.Create(name, new() { MaxLength = Most, Buffers = 2 });
        using var reader = value.OpenReader(new() { Restart = PeerRestart.Wait });
        using var peer = Start(language, directory, name, value, "stream", count);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(language == "python" ? "python" : "C", value.GetStatus().Endpoints[0].Label);
        var bytes = new byte[Most];
        for (var last = 0L; last < 2 * count;)
        {
            var newest = await reader.WaitForChangeAsync(last).AsTask().WaitAsync(Watchdog.Limit);
            Assert.InRange(newest, last + 2, 2 * count);
            if (reader.TryRead(bytes, out var length, out var version))
            {
                Assert.InRange(version, newest, 2 * count);
                Assert.True(Languages.IsSized(bytes.AsSpan(0, length), version / 2, Languages.SizeOf(version / 2, Most)), $"{length} bytes came as version {version}.");
                last = version;
            }
        }

        Assert.Equal("written", peer.ReadLine());
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => value.OpenWriter()).Errno);
        Assert.Equal(count, value.GetStatus().Messages);
        var waiting = reader.WaitForChangeAsync(2 * count).AsTask();
        peer.Tell("complete 7");
        Assert.Equal(7, (await Assert.ThrowsAsync<ChannelException>(() => waiting.WaitAsync(Watchdog.Limit))).Error);
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, reader.Writer);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("latest.wait")]
    public void This_language_publishes_every_length_and_another_waits_for_each(string language)
    {
        using var name = new TemporaryName("latest");
        using var directory = TemporaryDirectory.InMemory();
        using var value = LatestBytes.Create(name, new() { MaxLength = Most, Buffers = 4 });
        using var writer = value.OpenWriter();
        using var peer = Start(language, directory, name, value, "sizes", 0);
        Assert.Equal("open", peer.ReadLine());
        for (var number = 1L; number <= Most + 1; number++)
        {
            Publish(writer, number);
            Assert.Equal($"{number}", peer.ReadLine());
        }

        writer.Complete(7);
        Assert.Equal(language == "python" ? $"ended WriterError after {Most + 1} error 7" : $"ended 0 after {Most + 1}, error 7", peer.ReadLine());
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("cc", 300_000)]
    [InlineData("python", 100_000)]
    [Rule("channel.languages")]
    [Rule("latest.whole")]
    [Rule("latest.read-only")]
    public void Another_language_reads_whole_values_through_a_mapping_for_reading_only(string language, int count)
    {
        using var name = new TemporaryName("latest");
        using var directory = TemporaryDirectory.InMemory();
        using var value = LatestBytes.Create(name, new() { MaxLength = Most, Buffers = 2 });
        using var writer = value.OpenWriter();
        using var peer = Start(language, directory, name, value, "look", count);
        Assert.Equal("open", peer.ReadLine());
        for (var number = 1L; number <= count; number++)
        {
            Publish(writer, number);
        }

        Assert.Equal("read", peer.ReadLine());
        Assert.Single(value.GetStatus().Endpoints);
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("latest.died")]
    public void Another_language_notices_the_death_of_the_writer(string language)
    {
        using var name = new TemporaryName("latest");
        using var directory = TemporaryDirectory.InMemory();
        using var value = LatestBytes.Create(name, new() { MaxLength = Most });
        using var dying = Start("cc", directory, name, value, "stream", 3);
        Assert.Equal("open", dying.ReadLine());
        Assert.Equal("written", dying.ReadLine());
        using var peer = Start(language, directory, name, value, "follow", 0);
        Assert.Equal("open", peer.ReadLine());
        dying.Kill();
        Assert.Equal(language == "python" ? "ended PeerDied after 3 error" : "ended -130 after 3, error 0", peer.ReadLine());
    }

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("latest.died")]
    public void A_writer_in_C_that_is_killed_in_any_window_leaves_whole_values_and_the_next_one_goes_on()
    {
        using var name = new TemporaryName("latest");
        using var directory = TemporaryDirectory.InMemory();
        using var value = LatestBytes.Create(name, new() { MaxLength = Most, Buffers = 2 });
        using var reader = value.OpenReader(new() { Restart = PeerRestart.Wait });
        var (bytes, last, killed) = (new byte[Most], 0L, 0);
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 20, 31, 32, 33, 34, 35, 36]))
        {
            using var peer = Start("cc", directory, name, value, "stream", 30, window, times);
            peer.Tell("close");
            var (code, output, _) = peer.Finish();
            Assert.True(code is 0 or 137, output);
            killed += code == 137 ? 1 : 0;
            if (reader.TryRead(bytes, out var length, out var version))
            {
                Assert.True(Languages.IsSized(bytes.AsSpan(0, length), version / 2, Languages.SizeOf(version / 2, Most)));
                Assert.InRange(version, last, last + 60);
                last = version;
            }
        }

        Assert.InRange(killed, 30, int.MaxValue);
        Assert.InRange(last, 30, long.MaxValue);
    }

    [SkippableFact]
    [Rule("channel.languages")]
    public void Values_of_a_type_have_its_size_in_other_languages_too()
    {
        using var name = new TemporaryName("latest");
        using var directory = TemporaryDirectory.InMemory();
        using var value = LatestValue<long>.Create(name);
        using var peer = Languages.Start("cc", directory, "latest_partner", name, value.Memory.Length, "stream", 0, 9);
        Assert.Equal("open", peer.ReadLine());
        // The first value has 8 bytes, the second would have 7: EMSGSIZE.
        Assert.Equal("publish -90", peer.ReadLine());
        using var python = Languages.Start("python", directory, "latest_partner", name, value.Memory.Length, "stream", 0, 9);
        Assert.Equal("open", python.ReadLine());
        Assert.Contains("exactly 8", python.Finish().Errors, StringComparison.Ordinal);
        using var reader = value.OpenReader();
        Assert.True(reader.TryRead(out _, out var version));
        Assert.Equal(2, version);
    }

    private static void Publish(LatestBytesWriter writer, long number)
    {
        using var reservation = writer.Begin();
        var length = Languages.SizeOf(number, Most);
        Languages.FillSized(reservation.Span[..length], number);
        reservation.Commit(length);
    }

    private static Peer Start(string language, TemporaryDirectory directory, string name, LatestBytes value, string role, long count, int window = 0, int times = 0) =>
        Languages.Start(language, directory, "latest_partner", name, value.Memory.Length, role, 0, count, window, times);
}
