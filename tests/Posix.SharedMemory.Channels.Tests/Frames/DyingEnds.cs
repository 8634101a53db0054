using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>Publishers and subscribers in other processes, killed and stopped anywhere.</summary>
public sealed class DyingEnds
{
    private static readonly FrameOptions s_options = new() { SlotLength = FrameStreams.Longest, Alignment = 64, SlotCount = 12, MaxReaders = 4 };

    private static int Rounds => Environment.GetEnvironmentVariable("STRESS_SECONDS") is { Length: > 0 } text ? 4 * int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 4;

    [Fact]
    [Rule("frames.reader-died")]
    [Rule("frames.died")]
    [Rule("frames.follow")]
    public void Nothing_is_torn_or_lost_while_publishers_and_readers_are_killed_at_random()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        for (var round = 0; round < Rounds; round++)
        {
            using var publisher = Partner.Start("frames-stream", name);
            Assert.Equal("open", publisher.ReadLine());
            using var joining = Partner.Start("frames-rejoin", name);
            Assert.Equal("open", joining.ReadLine());
            var (frames, last, wanted) = (0, -1L, Random.Shared.Next(10, 500));
            while (frames < wanted)
            {
                Assert.True(reader.WaitToRead(Watchdog.Limit));
                if (reader.TryRead(out var frame))
                {
                    var number = FrameStreams.Check(frame);
                    if (number == frame.Sequence && number > last)
                    {
                        last = number;
                        frames++;
                    }

                    frame.Dispose();
                }

                if (frames == wanted / 2 && !joining.HasExited)
                {
                    joining.Kill();
                }
            }

            publisher.Kill();
        }
    }

    [Fact]
    [Rule("frames.stopped")]
    [Rule("frames.reader-died")]
    public void A_stopped_reader_keeps_its_frame_until_it_dies()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var writer = channel.OpenWriter();
        using var witness = channel.OpenReader();
        using var peer = Partner.Start("frames-reader", name, nameof(FrameOverflow.DropOldest));
        Assert.Equal("open", peer.ReadLine());
        Send(0);
        Assert.Equal("0", peer.Ask("hold"));
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        for (var number = 1; number < 200; number++)
        {
            Send(number);
        }

        // The one that it holds, and the depth.
        Assert.Equal(9, writer.CountFree());
        Native.Kill(peer.ProcessId, Native.SIGCONT);
        Assert.Equal("0", peer.Ask("check"));
        Assert.Equal("198", peer.Ask("read"));
        Assert.Equal("given back", peer.Ask("give back"));
        Assert.Equal(11, writer.CountFree());
        Assert.Equal("199", peer.Ask("hold"));
        Native.Kill(peer.ProcessId, Native.SIGSTOP);
        Assert.Equal(11, writer.CountFree());
        peer.Kill();
        Watchdog.Until(() => writer.CountFree() == 12, "the death");
        Assert.Equal(PeerState.Left, channel.GetStatus().Endpoints[2].State);

        void Send(long number)
        {
            FrameStreams.Send(writer, number);
            Assert.True(witness.TryRead(out var frame));
            Assert.Equal(number, FrameStreams.Check(frame));
            frame.Dispose();
        }
    }

    [Fact]
    [Rule("frames.reader-died")]
    [Rule("frames.wait")]
    public async Task The_death_of_a_reader_wakes_a_publisher_that_waits_for_it()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options with { SlotCount = 1 });
        using var writer = channel.OpenWriter();
        foreach (var isBlocked in (bool[])[true, false])
        {
            using var peer = Partner.Start("frames-reader", name, nameof(FrameOverflow.Wait));
            Assert.Equal("open", peer.ReadLine());
            Assert.Equal(1, FrameStreams.Send(writer, 5));
            Assert.Equal("5", peer.Ask("hold"));
            var waits = channel.GetStatus().WriterWaits;
            var loaning = isBlocked ? Task.Run(() => writer.Loan(1)) : writer.LoanAsync(1).AsTask();
            Watchdog.Until(() => channel.GetStatus().WriterWaits > waits, "the wait");
            peer.Kill();
            (await loaning.WaitAsync(Watchdog.Limit)).Dispose();
        }
    }

    [Fact]
    [Rule("frames.died")]
    [Rule("frames.follow")]
    public async Task A_loss_is_reported_once_and_the_next_wait_moves_to_the_next_publisher()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options with { Lifetime = Lifetime.Keep, SchemaId = 3 });
        using var reader = channel.OpenReader();
        var changes = new ConcurrentQueue<PeerState>();
        reader.PeerChanged += (_, change) => changes.Enqueue(change.Peer.State);
        using var peer = Partner.Start("frames-writer", name);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("sent", peer.Ask("send 1"));
        Assert.Equal("sent", peer.Ask("send 2"));
        Assert.Equal("loaned", peer.Ask("loan"));
        Assert.True(reader.TryRead(out var held));
        peer.Kill();
        Watchdog.Until(() => reader.Writer == PeerState.Died, "the death");
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.True(reader.TryRead(out var frame));
        Assert.Equal(2, FrameStreams.Check(frame));
        frame.Dispose();
        Assert.Throws<PeerDiedException>(() => reader.WaitToRead(Watchdog.Limit));
        Assert.False(reader.WaitToRead(TimeSpan.FromMilliseconds(1)));
        Watchdog.Until(() => changes.Contains(PeerState.Died), "the death to be raised");
        var identity = channel.Memory.GetStatus().Identity;
        var reading = reader.ReadAsync().AsTask();
        using (var writer = channel.OpenWriter())
        {
            Assert.NotEqual(identity, channel.Memory.GetStatus().Identity);
            Assert.Equal((3ul, 1024), (channel.GetStatus().SchemaId, writer.MaxFrameLength));
            Watchdog.Until(() => FrameStreams.Send(writer, 9) == 1, "the reader");
            using (frame = await reading.WaitAsync(Watchdog.Limit))
            {
                Assert.Equal(9, FrameStreams.Check(frame));
            }

            // Of what comes and goes between two looks, the event shows what has become of it.
            Watchdog.Until(() => changes.Contains(PeerState.Alive), "the opening");

            // What is held of the former publisher stays.
            Assert.Equal(1, FrameStreams.Check(held));
            held.Dispose();
            Assert.Equal(12, writer.CountFree());
        }

        Assert.Throws<PeerLeftException>(() => reader.WaitToRead(Watchdog.Limit));
        using (var again = channel.OpenWriter())
        {
            Assert.False(reader.WaitToRead(TimeSpan.Zero));
            Assert.Equal(PeerState.Alive, reader.Writer);
            again.Complete();
        }

        Assert.False(reader.WaitToRead(Watchdog.Limit));
        await reader.Completion.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("frames.follow")]
    public async Task The_end_of_a_publisher_is_raised_before_its_successor_however_fast_the_reader_moves()
    {
        for (var round = 0; round < 40; round++)
        {
            using var name = new TemporaryName("frames");
            using var channel = FrameChannel.Create(name, s_options with { Lifetime = Lifetime.Keep });
            using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
            var changes = new ConcurrentQueue<PeerState>();
            var writer = channel.OpenWriter();
            reader.PeerChanged += (_, change) => changes.Enqueue(change.Peer.State);
            var reading = reader.ReadAsync().AsTask();
            writer.Dispose();
            using var next = channel.OpenWriter();
            Watchdog.Until(() => FrameStreams.Send(next, 9) == 1, "the reader");
            (await reading.WaitAsync(Watchdog.Limit)).Dispose();
            // The next publisher may be seen in the former object too, where it settles what is left.
            Watchdog.Until(() => changes.LastOrDefault() == PeerState.Alive, "the opening");
            Assert.Equal(PeerState.Left, changes.First());
        }
    }

    [Fact]
    [Rule("frames.follow")]
    public void Objects_that_a_watched_reader_has_left_are_unmapped()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options with { Lifetime = Lifetime.Keep });
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        reader.PeerChanged += static (_, _) => { };
        Succeed(channel, reader);
        Watchdog.Until(
            () =>
            {
#pragma warning disable RS0030 // Holds are given back by the collector.
                GC.Collect();
#pragma warning restore RS0030
                GC.WaitForPendingFinalizers();
                return !File.ReadLines("/proc/self/maps").Any(line => line.Contains(name, StringComparison.Ordinal) && line.EndsWith("(deleted)", StringComparison.Ordinal));
            },
            "the former objects to be unmapped");
        Assert.Equal(PeerState.Left, reader.Writer);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Succeed(FrameChannel channel, FrameReader reader)
        {
            for (var life = 0; life < 3; life++)
            {
                using var writer = channel.OpenWriter();
                Watchdog.Until(() => reader.WaitToRead(TimeSpan.FromMilliseconds(1)) || writer.Readers.Count == 1, "the reader");
            }
        }
    }

    [Fact]
    [Rule("frames.dispose")]
    [Rule("frames.follow")]
    public async Task A_reader_that_is_disposed_while_it_moves_is_in_neither_object()
    {
        for (var round = 0; round < 40; round++)
        {
            using var name = new TemporaryName("frames");
            using var channel = FrameChannel.Create(name, s_options);
            using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
            channel.OpenWriter().Dispose();
            using var writer = channel.OpenWriter();
            using var start = new Barrier(2);
            var waiting = Task.Run(() =>
            {
                start.SignalAndWait();
                reader.WaitToRead(Watchdog.Limit);
            });
            start.SignalAndWait();
            // A move takes some hundred microseconds.
            Thread.SpinWait(Random.Shared.Next(40_000));
            reader.Dispose();
            await Assert.ThrowsAnyAsync<Exception>(() => waiting.WaitAsync(Watchdog.Limit));
            Assert.DoesNotContain(writer.Readers, place => place.State != PeerState.Left);
        }
    }

    [Fact]
    [Rule("frames.follow")]
    public void Without_a_name_there_is_no_second_publisher()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        channel.OpenWriter().Dispose();
        Assert.Throws<InvalidOperationException>(() => channel.OpenWriter());
        Assert.False(reader.WaitToRead(TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    [Rule("frames.follow")]
    public void A_name_that_something_else_has_by_now_is_not_followed_silently()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        channel.OpenWriter().Dispose();
        using var other = MessageChannel.Create(name, new() { OnConflict = NameConflict.Replace });
        Assert.Throws<InvalidDataException>(() => reader.WaitToRead(Watchdog.Limit));
        Assert.Throws<InvalidDataException>(() => channel.OpenWriter());
        Assert.True(name.Exists);
    }
}
