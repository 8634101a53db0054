using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>A writer or reader is killed between any two steps of opening, writing, joining, reading and closing. SHM_KILLS=n does everything n times, at other messages.</summary>
public sealed class Windows
{
    private const int Messages = 60;

    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Channels.Windows");

    private static int Rounds => Environment.GetEnvironmentVariable("SHM_KILLS") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1;

    [Theory]
    [InlineData("-")]
    [InlineData("batch")]
    [Rule("broadcast.died")]
    [Rule("broadcast.batch")]
    public void A_writer_killed_in_any_window_loses_and_invents_nothing(string how)
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, History = 8 });
        using var audience = new Audience(broadcast);
        var killed = new SortedSet<int>();
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 23, 24, 25];
        for (var i = 0; i < windows.Length * Rounds; i++)
        {
            var window = windows[i % windows.Length];
            var before = audience.Expected;
            using var peer = Start("cast", name, before, window, how);
            bool hasExited;
            do
            {
                hasExited = peer.HasExited;
                audience.Read();
            }
            while (!hasExited);

            Note(killed, window, peer);
            Assert.InRange(audience.Expected, before, before + Messages);
            // Batches of three arrive whole or not at all.
            Assert.True(how == "-" || (audience.Expected - before) % 3 == 0, $"window {window}: {audience.Expected - before} messages came");
            // Taking over loses nothing, adds nothing, and says what the killed one did not come to say.
            broadcast.OpenWriter().Dispose();
            Assert.Equal(audience.Expected, broadcast.GetStatus().Messages);
            if (audience.Expected > 0)
            {
                using var late = broadcast.OpenReader(new() { Start = BroadcastStart.Last(1) });
                Assert.True(late.TryRead(new byte[1024], out var info));
                Assert.Equal(audience.Expected - 1, info.Sequence);
            }
        }

        Assert.Equal(windows, killed);
    }

    [Fact]
    [Rule("broadcast.reader-died")]
    public void A_reader_killed_in_any_window_holds_the_writer_up_no_longer()
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 3, History = 8 });
        using var writer = broadcast.OpenWriter();
        using var audience = new Audience(broadcast);
        var (killed, number, message) = (new SortedSet<int>(), 0L, new byte[1024]);
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 21, 22, 27];
        for (var i = 0; i < windows.Length * Rounds; i++)
        {
            var window = windows[i % windows.Length];
            using var peer = Start("receive", name, 0, window);
            while (!peer.HasExited)
            {
                Write();
            }

            Note(killed, window, peer);
            for (var more = 0; more < 20; more++)
            {
                Write();
            }

            // Its place is free again.
            broadcast.OpenReader().Dispose();
        }

        Assert.Equal(windows, killed);

        void Write()
        {
            var length = Streams.LengthOf(number, 1024);
            Streams.Fill(message, number);
            writer.Write(message.AsSpan(0, length), 0, Watchdog.Limit);
            number++;
            audience.Read();
            Assert.Equal(number, audience.Expected);
        }
    }

    [Theory]
    [InlineData(22)]
    [InlineData(27)]
    [Rule("broadcast.evict")]
    [Rule("broadcast.blocked")]
    public void A_reader_that_is_stopped_while_it_joins_is_shown_and_can_be_evicted(int window)
    {
        using var name = new TemporaryName("broadcast");
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 2 });
        using var writer = broadcast.OpenWriter();
        using var peer = Peer.Run(s_program, "receive", name, "0", "1", "pause", Text(window), "1");
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("paused", peer.ReadLine());
        var message = new byte[1000];
        while (writer.TryWrite(message))
        {
        }

        Assert.False(writer.WaitToWrite(1000, TimeSpan.Zero));
        var joining = Assert.Single(writer.Readers);
        Assert.Equal((1, PeerState.Alive), (joining.Index, joining.State));
        Assert.Equal(1, broadcast.GetStatus().BlockedBy?.Index);
        writer.Evict(joining.Index);
        for (var number = 0; number < 20; number++)
        {
            Assert.True(writer.TryWrite(message));
        }

        // It finds that it was evicted, and nothing that looks like corruption.
        peer.Tell("go on");
        Assert.Contains("ChannelException: The writer of", peer.ReadLine(), StringComparison.Ordinal);
        Assert.Equal(3, peer.Finish().ExitCode);
        broadcast.OpenReader().Dispose();
    }

    private static Peer Start(string role, string name, long from, int window, string how = "-") =>
        Peer.Run(s_program, role, name, Text(from), Text(Messages), how, Text(window), Text(window is 9 or 10 or 11 or 12 or 20 or 24 or 25 ? Random.Shared.Next(1, 20) : window == 23 ? Random.Shared.Next(1, 4) : 1));

    private static void Note(SortedSet<int> killed, int window, Peer peer)
    {
        var (code, output, errors) = peer.Finish();
        Assert.True(code is 0 or 137, output + errors);
        if (code == 137)
        {
            killed.Add(window);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
