using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Latest;

/// <summary>The writer of a latest value is killed between any two of its steps. SHM_KILLS=n does everything n times, at other values.</summary>
public sealed class ValueWindows
{
    private const int Most = 1024;

    [Fact]
    [Rule("latest.windows")]
    public void A_writer_killed_in_any_window_leaves_the_last_value_that_it_published()
    {
        using var name = new TemporaryName("latest");
        using var value = LatestBytes.Create(name, new() { MaxLength = Most, Buffers = 2 });
        using var bytes = value.Memory.Map();
        using var reader = value.OpenReader(new() { Restart = PeerRestart.Wait });
        var buffer = new byte[Most];
        using (var first = value.OpenWriter())
        {
            Streams.Fill(buffer.AsSpan(0, Streams.LengthOf(1, Most)), 1);
            first.Publish(buffer.AsSpan(0, Streams.LengthOf(1, Most)));
        }

        var (last, killed) = (1L, new SortedSet<int>());
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 20, 50, 51, 52, 53, 54];
        for (var i = 0; i < windows.Length * WindowPeer.Rounds; i++)
        {
            var window = windows[i % windows.Length];
            Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), last);
            var how = window == 20 || i % 2 == 0 ? "reserve" : "publish";
            using var peer = WindowPeer.Start("latest-stream", name, last + 1, 10, how, window, window is 20 or >= 50 ? Random.Shared.Next(1, 10) : 1);
            peer.Tell("close");
            Watchdog.Until(() => peer.HasExited, "the end of the writer");
            var published = Volatile.Read(ref bytes.GetReference<long>(Streams.Progress));
            last = Newest();
            Assert.Equal(published + (window == 54 ? 1 : 0), last);
            WindowPeer.Note(killed, window, peer);
            // Taking over changes nothing either.
            value.OpenWriter().Dispose();
            Assert.Equal(last, Newest());
        }

        Assert.Equal(windows.Distinct(), killed);

        long Newest()
        {
            Assert.True(reader.TryRead(buffer, out var length, out var version));
            var number = Streams.Check(buffer.AsSpan(0, length), Most);
            Assert.Equal(2 * number, version);
            return number;
        }
    }

    [Theory]
    [InlineData(15, false)]
    [InlineData(16, false)]
    [InlineData(17, true)]
    [Rule("latest.windows")]
    public void A_writer_killed_while_it_completes_has_completed_or_has_not(int window, bool isCompleted)
    {
        using var name = new TemporaryName("latest");
        using var value = LatestBytes.Create(name, new() { MaxLength = Most });
        using var reader = value.OpenReader();
        using var peer = WindowPeer.Start("latest-stream", name, 1, 3, "complete", window);
        peer.Tell("close");
        Watchdog.Until(() => peer.HasExited, "the end of the writer");
        Assert.Equal(137, peer.Finish().ExitCode);
        Assert.True(reader.TryRead(new byte[Most], out _, out var version));
        Assert.Equal(6, version);
        if (isCompleted)
        {
            Assert.Equal(6, reader.WaitForChange(6, Watchdog.Limit));
            Assert.True(reader.Completion.IsCompletedSuccessfully);
            Assert.Throws<InvalidOperationException>(() => value.OpenWriter());
        }
        else
        {
            Assert.Throws<PeerDiedException>(() => reader.WaitForChange(6, Watchdog.Limit));
            using var next = value.OpenWriter();
            next.Publish("next"u8);
            Assert.Equal(8, reader.WaitForChange(6, Watchdog.Limit));
        }
    }
}
