using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) and Python on the same ring, through psm_channel.h and psm_channel.py.</summary>
public sealed class OtherLanguages
{
    [SkippableTheory]
    [InlineData("cc", 40_000, 8)]
    [InlineData("cc", 40_000, 64)]
    [InlineData("musl-gcc", 40_000, 8)]
    [InlineData("python", 4_000, 8)]
    [InlineData("python", 4_000, 32)]
    [Rule("channel.languages")]
    public async Task Another_language_writes_and_this_one_reads(string language, int count, int alignment)
    {
        using var name = new TemporaryName("channel");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = MessageChannel.Create(name, new() { Capacity = 8192, RecordAlignment = alignment });
        using var reader = channel.OpenReader();
        using var peer = Start(language, directory, name, channel, "stream", 0, count);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(language == "python" ? "python" : "C", channel.GetStatus().Endpoints[0].Label);
        for (var number = 0L; number < count; number++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out MessageLease lease));
            if (Streams.Check(lease.Span, 4096 - Math.Max(8, alignment)) != number)
            {
                Assert.Fail($"A message came instead of {number}.");
            }

            Assert.Equal(number % 1000, lease.Type);
            lease.Dispose();
        }

        Assert.Equal("written", peer.ReadLine());
        Assert.Equal(count, channel.GetStatus().Messages);
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => channel.OpenWriter()).Errno);
        var waiting = reader.WaitToReadAsync().AsTask();
        peer.Tell("complete 7");
        Assert.Equal(7, (await Assert.ThrowsAsync<ChannelException>(() => waiting.WaitAsync(Watchdog.Limit))).Error);
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, reader.Writer);
    }

    [SkippableTheory]
    [InlineData("cc", 40_000, 8)]
    [InlineData("cc", 40_000, 64)]
    [InlineData("musl-gcc", 40_000, 8)]
    [InlineData("python", 4_000, 8)]
    [InlineData("python", 4_000, 32)]
    [Rule("channel.languages")]
    public void This_language_writes_and_another_reads(string language, int count, int alignment)
    {
        using var name = new TemporaryName("channel");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = MessageChannel.Create(name, new() { Capacity = 8192, RecordAlignment = alignment });
        using var writer = channel.OpenWriter();
        using var peer = Start(language, directory, name, channel, "drain", 0, count);
        Assert.Equal("open", peer.ReadLine());
        Write(writer, 0, count);
        Assert.Equal("read", peer.ReadLine());
        Assert.Equal(8192, writer.Free);
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, writer.Reader);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    public async Task A_killed_peer_of_another_language_is_reported(string language)
    {
        using var name = new TemporaryName("channel");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = MessageChannel.Create(name, new() { Capacity = 8192 });
        using var reader = channel.OpenReader();
        using var peer = Start(language, directory, name, channel, "stream", 0, 3);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("written", peer.ReadLine());
        peer.Kill();
        foreach (var message in reader.ReadAvailable())
        {
            Streams.Check(message.Span, 4088);
        }

        await Assert.ThrowsAsync<PeerDiedException>(() => reader.WaitToReadAsync().AsTask().WaitAsync(Watchdog.Limit));
    }

    [SkippableFact]
    [Rule("channel.windows")]
    public void A_writer_that_is_killed_in_any_window_loses_nothing_that_it_had_published()
    {
        using var name = new TemporaryName("channel");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        var expected = 0L;
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20]))
        {
            // It publishes after every third message, and after the last one.
            using var peer = Start("cc", directory, name, channel, "stream", expected, 60, window, times);
            peer.Tell("close");
            bool hasEnded;
            do
            {
                hasEnded = peer.HasExited;
                try
                {
                    reader.WaitToRead(TimeSpan.FromMilliseconds(2));
                }
                catch (ChannelException e) when (e is PeerDiedException or PeerLeftException)
                {
                    // It is reported once, and may concern the writer before.
                }

                foreach (var message in reader.ReadAvailable())
                {
                    Assert.Equal(expected++, Streams.Check(message.Span, 2040));
                }
            }
            while (!hasEnded);

            peer.Finish();
            // An opening that was never counted, or a window past the last message, leaves nothing more to read.
            Assert.Equal(0, reader.Available);
            using var next = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        }

        Assert.InRange(expected, 100, long.MaxValue);
    }

    [SkippableFact]
    [Rule("channel.windows")]
    public void A_reader_that_is_killed_in_any_window_loses_nothing()
    {
        using var name = new TemporaryName("channel");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        var written = 0L;
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14]))
        {
            // Whatever the last reader had not released is there: the oldest says where the next one begins.
            while (writer.TryWriteNumber(written))
            {
                written++;
            }

            long oldest;
            using (var look = channel.OpenReader(new() { Restart = PeerRestart.Wait }))
            {
                Assert.True(look.TryRead(out MessageLease lease));
                oldest = Streams.Check(lease.Span, 2040);
            }

            using var peer = Start("cc", directory, name, channel, "drain", oldest, 60, window, times);
            peer.Tell("close");
            while (!peer.HasExited)
            {
                if (writer.WaitToWrite(520, TimeSpan.FromMilliseconds(1)) && writer.TryWriteNumber(written))
                {
                    written++;
                }
            }

            var (code, output, _) = peer.Finish();
            Assert.True(code is 0 or 137, output);
        }

        var last = 0L;
        using var reader = channel.OpenReader();
        foreach (var message in reader.ReadAvailable())
        {
            last = Streams.Check(message.Span, 2040);
        }

        Assert.Equal(written - 1, last);
    }

    [SkippableFact]
    [Rule("endpoint.namespaces")]
    public async Task A_death_in_another_PID_namespace_is_noticed()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess && File.Exists("/usr/bin/unshare"), "A PID namespace needs root and unshare.");
        using var name = new TemporaryName("channel");
        using var directory = TemporaryDirectory.InMemory();
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        using var peer = Start("cc", directory, name, channel, "stream", 0, 3, inNamespace: true);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("written", peer.ReadLine());
        // As it sees itself.
        Assert.Equal(1, channel.GetStatus().Endpoints[0].ProcessId);
        Assert.Contains("process 1 (label 'C')", Assert.Throws<SharedMemoryException>(() => channel.OpenWriter()).Message, StringComparison.Ordinal);
        var read = 0;
        foreach (var message in reader.ReadAvailable())
        {
            Assert.Equal(read++, Streams.Check(message.Span, 2040));
        }

        Assert.Equal(3, read);
        var waiting = reader.WaitToReadAsync().AsTask();
        peer.Kill();
        await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
    }

    private static void Write(MessageWriter writer, long from, long count)
    {
        for (var number = from; number < from + count; number++)
        {
            while (!writer.TryWriteNumber(number))
            {
                Assert.True(writer.WaitToWrite(520, Watchdog.Limit));
            }
        }
    }

    private static Peer Start(string language, TemporaryDirectory directory, string name, MessageChannel channel, string role, long from, long count, int window = 0, int times = 0, bool inNamespace = false) =>
        Languages.Start(language, directory, "channel_partner", name, channel.Memory.Length, role, from, count, window, times, inNamespace);
}
