using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>A publisher or subscriber is killed between any two steps. SHM_KILLS=n does everything n times, at other frames.</summary>
public sealed class FrameWindows
{
    private const int Count = 60;

    private static readonly FrameOptions s_options = new() { SlotLength = FrameStreams.Longest, Alignment = 64, SlotCount = 8, MaxReaders = 3 };

    [Fact]
    [Rule("frames.reader-died")]
    [Rule("frames.send")]
    public void A_subscriber_killed_in_any_window_leaves_no_slot_in_use()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var writer = channel.OpenWriter();
        using var witness = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        var (killed, number) = (new SortedSet<int>(), 0L);
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 21, 22, 65, 66, 67, 68];
        for (var i = 0; i < windows.Length * WindowPeer.Rounds; i++)
        {
            var window = windows[i % windows.Length];
            using var peer = WindowPeer.Start("subscribe", name, 0, Count, i % 2 == 0 ? "DropOldest" : "Wait", window, window is 65 or 66 or 67 ? Random.Shared.Next(1, 20) : 1);
            while (!peer.HasExited)
            {
                Send();
            }

            WindowPeer.Note(killed, window, peer);
            Send();
            Assert.Equal(8, writer.CountFree());
            // Its place can be taken.
            channel.OpenReader().Dispose();
        }

        Assert.Equal(windows, killed);

        void Send()
        {
            FrameStreams.Send(writer, number);
            Assert.True(witness.TryRead(out var frame));
            Assert.Equal(number++, FrameStreams.Check(frame));
            frame.Dispose();
        }
    }

    [Theory]
    [InlineData(71, true)]
    [InlineData(71, false)]
    [InlineData(70, false)]
    [Rule("frames.follow")]
    [Rule("frames.successor")]
    public void A_successor_that_is_stopped_before_it_has_left_the_former_object_does_not_look_like_its_publisher(int window, bool dies)
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options with { Lifetime = Lifetime.Keep });
        using var reader = channel.OpenReader();
        using (var former = dies ? WindowPeer.Start("publish", name, 0, Count, "-", 20) : null)
        {
            if (former is null)
            {
                channel.OpenWriter().Dispose();
            }
            else
            {
                Assert.Equal(137, former.Finish().ExitCode);
            }
        }

        using var successor = WindowPeer.Start("publish", name, 0, 1, "pause", window);
        Assert.Equal("open", successor.ReadLine());
        Assert.Equal("paused", successor.ReadLine());
        var ended = dies ? PeerState.Died : PeerState.Left;
        Assert.Equal((ended, ended), (reader.Writer, channel.GetStatus().Endpoints[0].State));
        // Blocked readers see the former's end, and not until the successor goes on.
        Assert.IsType(dies ? typeof(PeerDiedException) : typeof(PeerLeftException), Record.Exception(() => reader.WaitToRead(Watchdog.Limit)));
        using var opened = FrameChannel.Open(name);
        using var next = opened.OpenReader(new() { Restart = PeerRestart.Wait });
        Assert.Equal(window == 70 ? PeerState.None : ended, next.Writer);
        successor.Tell("go on");
        Assert.True(next.WaitToRead(Watchdog.Limit));
        Assert.Equal(0, successor.Finish().ExitCode);
    }

    [Fact]
    [Rule("frames.died")]
    [Rule("frames.follow")]
    public void A_reader_follows_publishers_that_are_killed_in_any_window()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options with { Lifetime = Lifetime.Keep });
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        using var other = channel.OpenReader(new() { Restart = PeerRestart.Wait, Overflow = FrameOverflow.DropNewest });
        var killed = new SortedSet<int>();
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 20, 60, 61, 62, 63, 64, 69, 70, 71];
        for (var i = 0; i < windows.Length * WindowPeer.Rounds; i++)
        {
            var window = windows[i % windows.Length];
            using var peer = WindowPeer.Start("publish", name, i * 1000L, Count, "-", window, window is 20 or 60 or 61 or 62 or 64 ? Random.Shared.Next(1, 20) : 1);
            while (!peer.HasExited)
            {
                Read(reader, i * 1000L);
            }

            WindowPeer.Note(killed, window, peer);
            // The next publisher reaches both.
            using (var opened = FrameChannel.Open(name))
            using (var writer = opened.OpenWriter())
            {
                foreach (var one in (FrameReader[])[reader, other])
                {
                    Watchdog.Until(() => !one.WaitToRead(TimeSpan.Zero) && one.Writer == PeerState.Alive || Skip(one), "the next publisher");
                }

                Assert.Equal(2, FrameStreams.Send(writer, 7));
                foreach (var one in (FrameReader[])[reader, other])
                {
                    Assert.True(one.TryRead(out var frame));
                    Assert.Equal((7, 0), (FrameStreams.Check(frame), frame.Sequence));
                    frame.Dispose();
                }
            }
        }

        // 69 is where a publisher settles a subscriber: here none dies.
        Assert.Equal(windows.Except([63, 69]), killed.Except([63]));
        Assert.True(name.Exists);

        static bool Skip(FrameReader reader)
        {
            while (reader.TryRead(out var frame))
            {
                frame.Dispose();
            }

            return false;
        }

        static void Read(FrameReader reader, long from)
        {
            if (reader.WaitToRead(TimeSpan.FromMilliseconds(1)) && reader.TryRead(out var frame))
            {
                Assert.InRange(FrameStreams.Check(frame), from, from + Count - 1);
                frame.Dispose();
            }
        }
    }
}
