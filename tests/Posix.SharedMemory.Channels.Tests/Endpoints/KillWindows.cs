using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>A process is killed between any two steps of opening, writing, reading, waiting, completing and closing. SHM_KILLS=n does everything n times, at other messages.</summary>
public sealed class KillWindows
{
    private const int Messages = 60;

    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Channels.Windows");

    private static int Rounds => Environment.GetEnvironmentVariable("SHM_KILLS") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1;

    [Fact]
    [Rule("channel.windows")]
    public void A_writer_killed_in_any_window_loses_and_invents_nothing()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var bytes = channel.Memory.Map();
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        var (expected, killed) = (0L, new SortedSet<int>());
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 14, 20];
        for (var i = 0; i < windows.Length * Rounds; i++)
        {
            var window = windows[i % windows.Length];
            var how = window == 20 ? ((string[])["reserve", "batch", "build"])[Random.Shared.Next(3)] : ((string[])["write", "batch", "reserve", "build"])[(i + (i / windows.Length)) % 4];
            Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), expected);
            using var peer = Start("stream", name, expected, how, window);
            peer.Tell("close");
            if (window is 13 or 14)
            {
                // Until the ring is full nobody waits.
                Watchdog.Until(() => peer.HasExited, "the end of a writer that nobody reads from");
            }

            bool hasEnded;
            do
            {
                hasEnded = peer.HasExited;
                reader.WaitToRead(TimeSpan.FromMilliseconds(2));
                if (hasEnded)
                {
                    // Taking over loses nothing, and adds nothing.
                    var before = reader.Available;
                    channel.OpenWriter(new() { Restart = PeerRestart.Wait }).Dispose();
                    Assert.Equal(before, reader.Available);
                }

                foreach (var message in reader.ReadAvailable())
                {
                    Assert.Equal(expected++, Streams.Check(message.Span, 1024));
                }
            }
            while (!hasEnded);

            var sent = Volatile.Read(ref bytes.GetReference<long>(Streams.Progress));
            Assert.InRange(expected, sent, sent + (how == "batch" ? 50 : 1));
            Note(killed, window, peer);
        }

        Assert.Equal(windows.Distinct(), killed);
    }

    [Fact]
    [Rule("channel.windows")]
    public void A_reader_killed_in_any_window_loses_nothing_and_what_it_released_does_not_come_again()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var bytes = channel.Memory.Map();
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        var (written, oldest, killed) = (0L, 0L, new SortedSet<int>());
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 10, 10, 11, 11, 12, 12, 13, 14];
        for (var i = 0; i < windows.Length * Rounds; i++)
        {
            var window = windows[i % windows.Length];
            var how = ((string[])["enumerate", "lease", "copy"])[(i + (i / windows.Length)) % 3];
            while (window is not (13 or 14) && writer.TryWriteNumber(written))
            {
                written++;
            }

            Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), oldest);
            using var peer = Start("drain", name, oldest, how, window);
            peer.Tell("close");
            while (!peer.HasExited)
            {
                if (window is not (13 or 14) && writer.WaitToWrite(520, TimeSpan.FromMilliseconds(1)) && writer.TryWriteNumber(written))
                {
                    written++;
                }
            }

            while (writer.TryWriteNumber(written))
            {
                written++;
            }

            using (var look = channel.OpenReader(new() { Restart = PeerRestart.Wait }))
            {
                Assert.True(look.TryRead(out MessageLease lease));
                Assert.True(lease.IsRedelivered);
                oldest = Streams.Check(lease.Span, 1024);
            }

            var released = Volatile.Read(ref bytes.GetReference<long>(Streams.Progress));
            Assert.InRange(oldest, released, released + (how == "enumerate" ? Messages : 1));
            Note(killed, window, peer);
            if (window == 12)
            {
                // For the windows of waiting the ring is empty.
                oldest = Drain(channel, oldest);
                Assert.Equal(written, oldest);
            }
        }

        Assert.Equal(written, Drain(channel, oldest));
        Assert.Equal(windows.Distinct(), killed);
    }

    [Theory]
    [InlineData(15, false)]
    [InlineData(16, false)]
    [InlineData(17, true)]
    [Rule("channel.windows")]
    public void A_writer_killed_while_it_completes_has_completed_or_has_not(int window, bool isCompleted)
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16 });
        using var reader = channel.OpenReader();
        using var peer = Start("stream", name, 0, "complete", window, 1);
        peer.Tell("close");
        Watchdog.Until(() => peer.HasExited, "the end of the writer");
        Assert.Equal(137, peer.Finish().ExitCode);
        var expected = 0L;
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        foreach (var message in reader.ReadAvailable())
        {
            Assert.Equal(expected++, Streams.Check(message.Span, 1024));
        }

        Assert.Equal(Messages, expected);
        if (isCompleted)
        {
            Assert.False(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.Completion.IsCompletedSuccessfully);
            Assert.Throws<InvalidOperationException>(() => channel.OpenWriter());
        }
        else
        {
            Assert.Throws<PeerDiedException>(() => reader.WaitToRead(Watchdog.Limit));
            using var next = channel.OpenWriter();
            next.Complete();
            Assert.False(reader.WaitToRead(Watchdog.Limit));
        }
    }

    private static Peer Start(string role, string name, long from, string how, int window, int? times = null) =>
        Peer.Run(s_program, role, name, Text(from), Text(Messages), how, Text(window), Text(times ?? (window is 9 or 20 ? Random.Shared.Next(1, 20) : window is 10 or 11 or 12 ? Random.Shared.Next(1, 3) : 1)));

    private static void Note(SortedSet<int> killed, int window, Peer peer)
    {
        var (code, output, errors) = peer.Finish();
        Assert.True(code is 0 or 137, output + errors);
        if (code == 137)
        {
            killed.Add(window);
        }
    }

    private static long Drain(MessageChannel channel, long oldest)
    {
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        foreach (var message in reader.ReadAvailable())
        {
            Assert.Equal(oldest++, Streams.Check(message.Span, 1024));
        }

        return oldest;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
