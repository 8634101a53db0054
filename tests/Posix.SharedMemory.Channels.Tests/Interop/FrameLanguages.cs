namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>Python reads frames, through psm_frames.py.</summary>
public sealed class FrameLanguages
{
    private static readonly FrameOptions s_options = new() { Classes = [new(64, 3), new(1000, 4)], Alignment = 64, Depth = 3, MaxReaders = 2 };

    [SkippableFact]
    [Rule("channel.languages")]
    [Rule("frames.send")]
    [Rule("frames.header")]
    public void Python_reads_every_frame_where_it_is()
    {
        using var name = new TemporaryName("frames");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = FrameChannel.Create(name, s_options);
        using var writer = channel.OpenWriter();
        using var peer = Languages.Start("python", directory, "frames_partner", name, channel.Memory.Length, "read", 0, 0);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("python", writer.Readers[0].Label);
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
    [InlineData("killed")]
    [InlineData("evicted")]
    [InlineData("closed")]
    [Rule("channel.languages")]
    [Rule("frames.reader-died")]
    [Rule("frames.evict")]
    public void A_frame_that_Python_held_is_free_again(string end)
    {
        using var name = new TemporaryName("frames");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = FrameChannel.Create(name, s_options with { MaxReaders = 1 });
        using var writer = channel.OpenWriter();
        using var peer = Languages.Start("python", directory, "frames_partner", name, channel.Memory.Length, "hold", 0, 0);
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
}
