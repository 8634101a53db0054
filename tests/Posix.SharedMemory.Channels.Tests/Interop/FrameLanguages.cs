using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) reads and publishes frames, through psm_frames.h, and Python reads them, through psm_frames.py.</summary>
public sealed class FrameLanguages
{
    private static readonly FrameOptions s_options = new() { Classes = [new(64, 3), new(1000, 4)], Alignment = 64, Depth = 3, MaxReaders = 2 };

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("frames.send")]
    [Rule("frames.header")]
    public void Another_language_reads_every_frame_where_it_is(string language)
    {
        using var name = new TemporaryName("frames");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = FrameChannel.Create(name, s_options);
        using var writer = channel.OpenWriter();
        using var peer = Languages.Start(language, directory, "frames_partner", name, channel.Memory.Length, "read", 0, 0);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(language == "python" ? "python" : "C", writer.Readers[0].Label);
        for (var number = 0; number < 100; number++)
        {
            var (width, height) = ((number % 20) + 1, (number % 16) + 1);
            var frame = writer.Loan(width * height * 3);
            frame.Span.Fill((byte)number);
            frame.Header = FrameHeader.ForImage(width, height, channels: 3) with { Tag = (ulong)number << 40 };
            frame.Type = (ushort)number;
            Assert.Equal(1, writer.Send(frame, Watchdog.Limit));
            Assert.Equal($"{number} {width * height * 3} {number} |u1 ({height}, {width}, 3) ({width * 3}, 3, 1) {width} {height} {(ulong)number << 40} {number * width * height * 3}", peer.ReadLine());
        }

        writer.Complete(7);
        Assert.Equal("ended WriterError 7", peer.ReadLine());
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, writer.Readers[0].State);
    }

    [SkippableTheory]
    [InlineData("cc", "killed")]
    [InlineData("cc", "evicted")]
    [InlineData("cc", "closed")]
    [InlineData("python", "killed")]
    [InlineData("python", "evicted")]
    [InlineData("python", "closed")]
    [Rule("channel.languages")]
    [Rule("frames.reader-died")]
    [Rule("frames.evict")]
    public void A_frame_that_another_language_held_is_free_again(string language, string end)
    {
        using var name = new TemporaryName("frames");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = FrameChannel.Create(name, s_options with { MaxReaders = 1 });
        using var writer = channel.OpenWriter();
        using var peer = Languages.Start(language, directory, "frames_partner", name, channel.Memory.Length, "hold", 0, 0);
        Assert.Equal("open", peer.ReadLine());
        for (var number = 0; number < 6; number++)
        {
            Assert.Equal(1, writer.Send(writer.Loan(1)));
            if (number == 0)
            {
                Assert.StartsWith("0 1 ", peer.ReadLine(), StringComparison.Ordinal);
            }
        }

        // The one that it holds, and the newest three.
        Assert.Equal(3, writer.CountFree());
        if (end == "killed")
        {
            peer.Kill();
            Watchdog.Until(() => writer.CountFree() == 7, "the death");
        }
        else if (end == "evicted")
        {
            writer.Evict(1);
            Assert.Equal(7, writer.CountFree());
            peer.Tell("go on");
            Assert.Equal("ended Evicted", peer.ReadLine());
            peer.Tell("close");
            Assert.Equal("closed", peer.ReadLine());
        }
        else
        {
            for (var number = 3; number < 6; number++)
            {
                peer.Tell("go on");
                Assert.StartsWith($"{number} 1 ", peer.ReadLine(), StringComparison.Ordinal);
            }

            writer.Complete();
            peer.Tell("go on");
            Assert.Equal("ended 2", peer.ReadLine());
            peer.Tell("close");
            Assert.Equal("closed", peer.ReadLine());
            return;
        }

        Watchdog.Until(() => writer.CountFree() == 7, "the leaving");
        using var next = channel.OpenReader();
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.True(next.TryRead(out _));
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [Rule("channel.languages")]
    [Rule("frames.send")]
    [Rule("frames.overflow")]
    public void C_publishes_frames_of_every_length_and_this_language_reads_each(string language)
    {
        const int Count = 3000, Most = 1024;
        using var name = new TemporaryName("frames");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = FrameChannel.Create(name, s_options);
        using var reader = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        using var other = channel.OpenReader();
        using var peer = Languages.Start(language, directory, "frames_partner", name, channel.Memory.Length, "write", 0, Count);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(PeerState.Alive, reader.Writer);
        Assert.Equal("C", channel.GetStatus().Endpoints[0].Label);
        peer.Tell("go");
        for (var number = 0L; number < Count; number++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out var frame));
            using (frame)
            {
                var length = Languages.SizeOf(number, Most);
                Assert.Equal((number, (ushort)(number % 1000), (ulong)number, length), (frame.Sequence, frame.Type, frame.Header.Tag, frame.Length));
                Assert.True(Languages.IsSized(frame.ReadOnlySpan, number, length), $"Frame {number} is torn.");
                Assert.Equal([length], frame.Header.Shape.ToArray());
            }

            // The other one is late, and loses what its publisher drops for it, and nothing else.
            if (number % 100 == 50 && other.TryRead(out frame))
            {
                Assert.True(Languages.IsSized(frame.ReadOnlySpan, frame.Sequence, frame.Length));
                frame.Dispose();
            }
        }

        Assert.Equal("written", peer.ReadLine());
        Assert.Equal(0, reader.Missed);
        Assert.Equal(Count, channel.GetStatus().Messages);
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => channel.OpenWriter()).Errno);
        peer.Tell("complete 7");
        Assert.Equal(7, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        Assert.Equal("closed", peer.ReadLine());
        var (read, last) = (0L, -1L);
        while (other.TryRead(out var frame))
        {
            (read, last) = (read + 1, frame.Sequence);
            frame.Dispose();
        }

        Assert.Equal((3, Count - 1L), (read, last));
    }

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("frames.reader-died")]
    public void A_C_reader_killed_in_any_window_leaves_no_slot_in_use()
    {
        using var name = new TemporaryName("frames");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = FrameChannel.Create(name, new() { SlotLength = FrameStreams.Longest, Alignment = 64, SlotCount = 8, MaxReaders = 3 });
        using var writer = channel.OpenWriter();
        using var witness = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        var (killed, number) = (new SortedSet<int>(), 0L);
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 21, 22, 65, 66, 67, 68];
        foreach (var window in windows)
        {
            using var peer = Languages.Start("cc", directory, "frames_partner", name, channel.Memory.Length, "drain", 0, 60 + (window % 2), window, window is 65 or 66 or 67 ? Random.Shared.Next(1, 20) : 1);
            while (!peer.HasExited)
            {
                Send();
            }

            WindowPeer.Note(killed, window, peer);
            Send();
            Assert.Equal(8, writer.CountFree());
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

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("frames.died")]
    public void Frames_that_a_C_publisher_had_sent_when_it_was_killed_in_any_window_are_read()
    {
        using var directory = TemporaryDirectory.InMemory();
        var killed = new SortedSet<int>();
        int[] windows = [1, 2, 3, 4, 5, 6, 7, 8, 20, 60, 61, 62, 63, 64];
        foreach (var window in windows)
        {
            using var name = new TemporaryName("frames");
            using var channel = FrameChannel.Create(name, new() { SlotLength = FrameStreams.Longest, Alignment = 64, SlotCount = 8, MaxReaders = 2 });
            using var reader = channel.OpenReader(new() { Overflow = window == 63 ? FrameOverflow.DropOldest : FrameOverflow.Wait });
            using var peer = Languages.Start("cc", directory, "frames_partner", name, channel.Memory.Length, "stream", 0, 60, window, window is 20 or (>= 60 and <= 64) ? Random.Shared.Next(1, 20) : 1);
            peer.Tell("go");
            peer.Tell("close");
            if (window == 63)
            {
                Watchdog.Until(() => peer.HasExited, "the death of a publisher for which nobody reads");
            }

            var next = 0L;
            while (!peer.HasExited || reader.Available > 0)
            {
                if (reader.TryRead(out var frame))
                {
                    Assert.Equal(frame.Sequence, FrameStreams.Check(frame));
                    Assert.True(window == 63 || frame.Sequence == next);
                    next = frame.Sequence + 1;
                    frame.Dispose();
                }
            }

            WindowPeer.Note(killed, window, peer);
            Assert.InRange(channel.GetStatus().Messages, next - 1, next);
            // Another one begins with a new object.
            using var writer = channel.OpenWriter();
            using var follower = channel.OpenReader();
            Assert.Equal(1, writer.Send(writer.Loan(1)));
        }

        Assert.Equal(windows, killed);
    }
}
