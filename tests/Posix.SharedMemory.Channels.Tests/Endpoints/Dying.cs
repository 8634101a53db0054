using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>Processes are killed at every step of what an end does; the other side gets what was committed, and learns of the death.</summary>
public sealed class Dying
{
    [Theory]
    [InlineData("")]
    [InlineData("reserve")]
    [InlineData("building")]
    [InlineData("batch unseen")]
    [Rule("endpoint.died")]
    public async Task A_killed_writer_loses_what_it_had_not_committed_and_nothing_else(string window)
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        using var peer = Partner.Open(name, "writer");
        Assert.Equal("True", peer.Ask("write one"));
        Assert.Equal("True", peer.Ask("write two"));
        if (window.Length > 0)
        {
            peer.Ask(window);
        }

        Assert.Equal(PeerState.Alive, reader.Writer);
        Assert.Equal("one", Read(reader));
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.Equal("two", Read(reader));
        var waiting = reader.WaitToReadAsync().AsTask();
        peer.Kill();
        var death = await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal((PeerState.Died, EndpointRole.Writer, 0), (death.Peer.State, death.Peer.Role, death.LostClaims));
        Assert.Equal(PeerState.Died, reader.Writer);
        // It is said once; then the next writer is waited for.
        Assert.False(reader.WaitToRead(TimeSpan.FromMilliseconds(5)));
        waiting = reader.WaitToReadAsync().AsTask();
        using var next = channel.OpenWriter();
        Assert.Equal(PeerState.Alive, reader.Writer);
        next.TryWrite("three"u8);
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal("three", Read(reader));
        Assert.False(reader.TryRead(out MessageLease _));
    }

    [Fact]
    [Rule("endpoint.died")]
    public void A_death_is_reported_after_what_was_committed_was_read_and_to_a_reader_that_comes_later()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using (var peer = Partner.Open(name, "writer"))
        {
            peer.Ask("write one");
            peer.Kill();
        }

        using var reader = channel.OpenReader();
        Assert.Equal(PeerState.Died, channel.GetStatus().Endpoints[0].State);
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.Equal("one", Read(reader));
        Assert.Throws<PeerDiedException>(() => reader.WaitToRead(Watchdog.Limit));
        Assert.False(reader.Completion.IsCompleted);
    }

    [Fact]
    [Rule("endpoint.redelivered")]
    public void A_message_that_a_killed_reader_had_not_released_is_read_again_and_is_marked()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        foreach (var text in (string[])["one", "two", "three"])
        {
            writer.TryWrite(System.Text.Encoding.UTF8.GetBytes(text));
        }

        using (var peer = Partner.Open(name, "reader"))
        {
            Assert.Equal("one", peer.Ask("read"));
            Assert.Equal("two", peer.Ask("lease"));
            peer.Kill();
        }

        Assert.Equal(PeerState.Died, writer.Reader);
        using var reader = channel.OpenReader();
        writer.TryWrite("four"u8);
        Assert.Equal(PeerState.Alive, writer.Reader);
        foreach (var (text, again) in ((string, bool)[])[("two", true), ("three", true), ("four", false)])
        {
            Assert.True(reader.TryRead(out MessageLease lease));
            Assert.Equal(text, System.Text.Encoding.UTF8.GetString(lease.Span));
            Assert.Equal(again, lease.IsRedelivered);
            lease.Dispose();
        }
    }

    [Fact]
    [Rule("endpoint.died")]
    public async Task A_writer_that_waits_for_room_learns_of_the_reader_s_death()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var peer = Partner.Open(name, "reader");
        Fill(writer);
        var waiting = writer.WaitToWriteAsync(1000).AsTask();
        Assert.False(waiting.IsCompleted);
        peer.Kill();
        var death = await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal(EndpointRole.Reader, death.Peer.Role);
        // It is said once, and writing goes on as long as there is room.
        Assert.False(writer.WaitToWrite(1000, TimeSpan.FromMilliseconds(5)));
        using var reader = channel.OpenReader();
        Assert.True(reader.TryRead(new byte[1000], out _, out _));
        Assert.True(reader.TryRead(new byte[1000], out _, out _));
        Assert.True(writer.TryWrite(new byte[1000]));
    }

    [Fact]
    [Rule("endpoint.left")]
    public async Task Leaving_without_completing_is_reported_once_too()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        using (var peer = Partner.Open(name, "writer"))
        {
            Assert.Equal("True", peer.Ask("write one"));
            Assert.Equal("left", peer.Ask("leave"));
        }

        Assert.True(await reader.WaitToReadAsync());
        Assert.Equal("one", Read(reader));
        Assert.Equal(PeerState.Left, (await Assert.ThrowsAsync<PeerLeftException>(() => reader.WaitToReadAsync().AsTask())).Peer.State);
        Assert.False(reader.WaitToRead(TimeSpan.FromMilliseconds(5)));
        using var writer = channel.OpenWriter();
        reader.Dispose();
        Fill(writer);
        Assert.Throws<PeerLeftException>(() => writer.Write(new byte[1000]));
        Assert.Throws<TimeoutException>(() => writer.Write(new byte[1000], 0, TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    [Rule("endpoint.restart")]
    public async Task With_Restart_Wait_a_wait_outlives_its_peers()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        var waiting = Task.Run(() => reader.WaitToRead(Watchdog.Limit));
        for (var i = 0; i < 3; i++)
        {
            using var peer = Partner.Open(name, "writer");
            if (i == 2)
            {
                Assert.Equal("True", peer.Ask("write at-last"));
            }

            if (i == 1)
            {
                peer.Ask("leave");
            }

            peer.Kill();
        }

        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal("at-last", Read(reader));
    }

    [Fact]
    [Rule("endpoint.changed")]
    public void Changes_on_the_other_side_raise_events()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        var states = new System.Collections.Concurrent.ConcurrentQueue<(PeerState, string)>();
        EventHandler<PeerChangedEventArgs> handler = (sender, change) =>
        {
            Assert.Same(reader, sender);
            states.Enqueue((change.Peer.State, change.Peer.Label));
        };
        reader.PeerChanged += handler;
        using (var peer = Partner.Open(name, "writer", "first"))
        {
            Watchdog.Until(() => states.Contains((PeerState.Alive, "first")), "the opening");
            peer.Kill();
            Watchdog.Until(() => states.Contains((PeerState.Died, "first")), "the death");
        }

        using (var peer = Partner.Open(name, "writer", "second"))
        {
            Watchdog.Until(() => states.Contains((PeerState.Alive, "second")), "the second opening");
            peer.Ask("leave");
            Watchdog.Until(() => states.Contains((PeerState.Left, "second")), "the leaving");
        }

        reader.PeerChanged -= handler;
    }

    [Fact]
    [Rule("endpoint.changed")]
    public void An_exception_of_a_handler_is_not_swallowed()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var peer = Partner.Open(name, "careless");
        channel.OpenWriter().Dispose();
        Watchdog.Until(() => peer.HasExited, "the end of the process");
        var (code, _, errors) = peer.Finish();
        Assert.Equal(134, code);
        Assert.Contains("A handler was careless.", errors, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("endpoint.stopped")]
    public void A_stopped_process_keeps_its_endpoint()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        using var peer = Partner.Open(name, "writer");
        peer.Ask("batch held");
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        try
        {
            Assert.False(reader.WaitToRead(TimeSpan.FromSeconds(2.5)));
            Assert.Equal(PeerState.Alive, reader.Writer);
            Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => channel.OpenWriter()).Errno);
        }
        finally
        {
            Native.Kill(peer.ProcessId, Native.SIGCONT);
        }

        Assert.Equal("left", peer.Ask("leave"));
    }

    [Theory]
    [InlineData("write")]
    [InlineData("batch")]
    [InlineData("reserve")]
    [InlineData("build")]
    [Rule("ring.order")]
    public void Another_process_streams_and_every_byte_arrives_in_order(string how)
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16 });
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        using var peer = Partner.Start("stream", name, "0", "40000", how);
        Assert.Equal("open", peer.ReadLine());
        Drain(reader, 0, 40000);
        Assert.Equal("written", peer.ReadLine());
    }

    [Fact]
    [Rule("ring.order")]
    public void Another_process_reads_what_this_one_streams()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16 });
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        using var peer = Partner.Start("drain", name, "0", "40000");
        Assert.Equal("open", peer.ReadLine());
        var message = new byte[1024];
        for (var number = 0L; number < 40000; number++)
        {
            var length = Streams.LengthOf(number, writer.MaxMessageLength);
            Streams.Fill(message.AsSpan(0, length), number);
            writer.Write(message.AsSpan(0, length), 0, Watchdog.Limit);
        }

        Assert.Equal("read 40000", peer.ReadLine());
    }

    [Fact]
    [Rule("endpoint.died")]
    [Rule("ring.order")]
    public void Writers_killed_at_random_lose_nothing_that_was_committed()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16 });
        using var reader = channel.OpenReader();
        var expected = 0L;
        for (var round = 0; round < 12; round++)
        {
            using var peer = Partner.Start("stream", name, expected.ToString(CultureInfo.InvariantCulture), "100000000", ((string[])["write", "batch", "reserve", "build"])[round % 4]);
            Assert.Equal("open", peer.ReadLine());
            var until = expected + Random.Shared.Next(1, 20000);
            expected = Drain(reader, expected, until - expected);
            peer.Kill();
            // What it had committed is still delivered, in order; then its death.
            var died = false;
            while (!died)
            {
                try
                {
                    reader.WaitToRead(Watchdog.Limit);
                    expected = Drain(reader, expected, 0);
                }
                catch (PeerDiedException)
                {
                    died = true;
                }
            }

            Assert.Equal(0, reader.Available);
        }
    }

    [Fact]
    [Rule("endpoint.redelivered")]
    public void Readers_killed_at_random_lose_nothing()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16 });
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        using var stop = new CancellationTokenSource();
        var message = new byte[1024];
        long written = 0, again = 0;
        var writing = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var length = Streams.LengthOf(written, writer.MaxMessageLength);
                Streams.Fill(message.AsSpan(0, length), written);
                if (writer.WaitToWrite(length, TimeSpan.FromMilliseconds(5)) && writer.TryWrite(message.AsSpan(0, length)))
                {
                    written++;
                }
            }
        });
        for (var round = 0; round < 8; round++)
        {
            // Where the ring stands: the number of the oldest message that was not released.
            long from;
            var stood = channel.GetStatus().Used > 0;
            using (var look = channel.OpenReader(new() { Restart = PeerRestart.Wait }))
            {
                Assert.True(look.WaitToRead(Watchdog.Limit));
                Assert.True(look.TryRead(out MessageLease lease));
                from = Streams.Check(lease.Span, writer.MaxMessageLength);
                // What stood there before this reader came may have been seen by the one that was killed. If it had released everything, nothing comes again.
                Assert.False(round == 0 && lease.IsRedelivered);
                Assert.True(round == 0 || !stood || lease.IsRedelivered);
                again += lease.IsRedelivered ? 1 : 0;
            }

            using var peer = Partner.Start("drain", name, from.ToString(CultureInfo.InvariantCulture), "100000000");
            Assert.Equal("open", peer.ReadLine());
            Watchdog.Until(() => channel.GetStatus().Messages > from + 3000, "some messages to go through");
            peer.Kill();
        }

        stop.Cancel();
        writing.Wait();
        Assert.InRange(again, 1, 7);
    }

    private static long Drain(MessageReader reader, long expected, long count)
    {
        for (var end = expected + count; expected < end || count == 0;)
        {
            if (count > 0)
            {
                Assert.True(reader.WaitToRead(Watchdog.Limit));
            }

            foreach (var message in reader.ReadAvailable())
            {
                var found = Streams.Check(message.Span, (1 << 15) - 8);
                if (found != expected)
                {
                    Assert.Fail($"Message {found} came instead of {expected}.");
                }

                expected++;
            }

            if (count == 0)
            {
                break;
            }
        }

        return expected;
    }

    private static void Fill(MessageWriter writer)
    {
        while (writer.TryWrite(new byte[1000]))
        {
            // Until it is full.
        }
    }

    private static string Read(MessageReader reader)
    {
        Span<byte> bytes = stackalloc byte[100];
        Assert.True(reader.TryRead(bytes, out var length, out _));
        return System.Text.Encoding.UTF8.GetString(bytes[..length]);
    }
}
