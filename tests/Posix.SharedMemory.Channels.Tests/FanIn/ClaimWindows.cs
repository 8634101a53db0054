using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.FanIns;

/// <summary>A process is killed between any two steps of an end of a fan-in. SHM_KILLS=n does everything n times, at other messages.</summary>
public sealed class ClaimWindows
{
    private const int Messages = 60;

    /// <summary>Windows in which a writer has claimed lines that it never commits.</summary>
    private static readonly int[] s_losing = [20, 31, 33];

    [Fact]
    [Rule("fanin.windows")]
    public void A_writer_killed_in_any_window_loses_its_claim_and_nothing_else()
    {
        using var name = new TemporaryName("fanin");
        // One writer at a time: the next one always takes the endpoint of the dead.
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 1 });
        using var bytes = fanIn.Memory.Map();
        using var reader = fanIn.OpenReader();
        var (expected, killed) = (0L, new SortedSet<int>());
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 20, 30, 31, 32, 33, 34];
        for (var i = 0; i < windows.Length * WindowPeer.Rounds; i++)
        {
            var window = windows[i % windows.Length];
            var how = window == 20 ? ((string[])["reserve", "batch"])[i % 2] : ((string[])["write", "batch", "reserve"])[(i + (i / windows.Length)) % 3];
            var (first, lost) = (expected, reader.LostClaims);
            Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), expected);
            using var peer = WindowPeer.Start("fan-in-stream", name, expected, Messages, how, window, window >= 30 && window != 32 ? Random.Shared.Next(1, 3) : 1);
            peer.Tell("close");
            if (window is 13 or 14)
            {
                // Until the ring is full nobody waits.
                Watchdog.Until(() => peer.HasExited, "the end of a writer that nobody reads from");
            }

            Watchdog.Until(() => Drain() && peer.HasExited, "the end of the writer");
            // Its last claim is passed as soon as it is dead.
            Watchdog.Until(() => Drain() && fanIn.GetStatus().Used == 0, "the reader to be past the last claim");
            fanIn.OpenWriter().Dispose();
            var sent = Volatile.Read(ref bytes.GetReference<long>(Streams.Progress));
            Assert.InRange(expected, Math.Max(first, sent), sent + (how == "batch" ? FanInStreams.MostInBatch : 1));
            WindowPeer.Note(killed, window, peer);
            Assert.True(reader.LostClaims - lost == (s_losing.Contains(window) ? 1 : 0), $"Killed in window {window} ({how}), {reader.LostClaims - lost} claims were lost.");
        }

        Assert.Equal(windows.Distinct(), killed);

        bool Drain()
        {
            reader.WaitToRead(TimeSpan.FromMilliseconds(1));
            foreach (var message in reader.ReadAvailable())
            {
                Assert.Equal(expected++, Streams.Check(message.Span, 1024));
            }

            return true;
        }
    }

    [Fact]
    [Rule("fanin.windows")]
    public void A_reader_killed_in_any_window_loses_nothing_and_what_it_released_does_not_come_again()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var bytes = fanIn.Memory.Map();
        using var writer = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait });
        var (written, oldest, killed) = (0L, 0L, new SortedSet<int>());
        int[] windows = [41, 1, 2, 3, 4, 5, 6, 7, 8, 36, 37, 38, 39, 40, 13, 14];
        for (var i = 0; i < windows.Length * WindowPeer.Rounds; i++)
        {
            var window = windows[i % windows.Length];
            var how = ((string[])["enumerate", "lease", "copy"])[(i + (i / windows.Length)) % 3];
            if (window == 41)
            {
                // A claim that is never committed, for the reader to pass.
                oldest = ReadAll(fanIn, oldest);
                using var dead = WindowPeer.Start("fan-in-stream", name, 0, 1, "write", 31);
                Watchdog.Until(() => dead.HasExited, "the end of a writer that has claimed");
                Assert.Equal(137, dead.Finish().ExitCode);
            }

            Fill(window is 13 or 14);
            Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), oldest);
            using var peer = WindowPeer.Start("fan-in-drain", name, oldest, Messages, how, window, window is >= 36 and <= 40 ? Random.Shared.Next(1, 3) : 1);
            peer.Tell("close");
            while (!peer.HasExited)
            {
                if (window is not (13 or 14) && writer.WaitToWrite(520, TimeSpan.FromMilliseconds(1)))
                {
                    Fill(false);
                }
            }

            Fill(false);
            using (var next = fanIn.OpenReader())
            {
                Assert.True(next.WaitToRead(Watchdog.Limit));
                Assert.True(next.TryRead(out FanInLease lease));
                Assert.True(lease.IsRedelivered);
                oldest = Streams.Check(lease.Span, 1024);
            }

            var released = Volatile.Read(ref bytes.GetReference<long>(Streams.Progress));
            Assert.InRange(oldest, released, released + (how == "enumerate" ? Messages : 1));
            WindowPeer.Note(killed, window, peer);
        }

        Assert.Equal(written, ReadAll(fanIn, oldest));
        Assert.Equal(windows.Distinct().Order(), killed);

        void Fill(bool isNotWanted)
        {
            while (!isNotWanted && writer.TryWriteNumber(written))
            {
                written++;
            }
        }
    }

    private static long ReadAll(FanIn fanIn, long oldest)
    {
        using var reader = fanIn.OpenReader();
        foreach (var message in reader.ReadAvailable())
        {
            Assert.Equal(oldest++, Streams.Check(message.Span, 1024));
        }

        return oldest;
    }
}
