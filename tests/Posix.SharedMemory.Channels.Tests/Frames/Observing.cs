using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>Frames, looked at without taking part.</summary>
public sealed class Observing
{
    private static readonly FrameOptions s_options = new() { Classes = [new(64, 2), new(4096, 2)], Alignment = 64, MaxReaders = 2, Depth = 1 };

    [Fact]
    [Rule("frames.layout")]
    public void The_host_that_a_bridge_imported_it_from_is_in_the_header()
    {
        using var channel = FrameChannel.CreateAnonymous(new() { SlotLength = 4096, SlotCount = 4, Origin = 0x1122334455667788 });
        using var map = channel.Memory.Map();
        Assert.Equal(0x1122334455667788UL, map.GetReference<ulong>(128));
    }

    [Fact]
    [Rule("frames.send")]
    [Rule("looking.frames")]
    public void A_frame_that_is_disposed_while_it_is_sent_leaves_no_number_that_the_next_has_too()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var writer = channel.OpenWriter();
        var tap = MessageTap.On(memory);
        Frame? shared = null;
        using var stopping = new CancellationTokenSource();
        var disposing = Task.Factory.StartNew(
            () =>
            {
                while (!stopping.IsCancellationRequested)
                {
                    Interlocked.Exchange(ref shared, null)?.Dispose();
                }
            },
            TaskCreationOptions.LongRunning);
        for (var round = 0; round < 3000; round++)
        {
            Assert.True(writer.TryLoan(64, out var frame));
            Volatile.Write(ref shared, frame);
            try
            {
                writer.Send(frame);
            }
            catch (ObjectDisposedException)
            {
                // The next frame gets the number that this one would have had.
                Assert.True(writer.TryLoan(4000, out var next));
                writer.Send(next);
            }

            while (tap.TryRead(out _))
            {
            }
        }

        stopping.Cancel();
        disposing.Wait(Watchdog.Limit);
    }

    [Fact]
    [Rule("looking.frames")]
    [Rule("looking.ended")]
    public void A_tap_sees_what_each_frame_is_and_takes_no_place_and_no_slot()
    {
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        var tap = MessageTap.On(memory);
        Assert.False(tap.TryRead(out _));
        using var writer = channel.OpenWriter();
        using FrameReader one = channel.OpenReader(), two = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
        for (var number = 0; number < 3; number++)
        {
            Send(number);
            RequireNext(tap, number, missed: 0);
            Assert.False(tap.TryRead(out _));
        }

        // Of four that were sent since the last look, the slots of some were used again.
        for (var number = 3; number < 10; number++)
        {
            Send(number);
        }

        var expected = 3L;
        while (tap.TryRead(out var message))
        {
            Assert.Equal(message.Frame!.Value.Sequence - expected, message.Missed);
            RequireFrame(message, message.Frame.Value.Sequence);
            expected = message.Frame.Value.Sequence + 1;
        }

        Assert.Equal(10, expected);
        Assert.InRange(tap.Missed, 3, 6);
        // Another one begins with the newest.
        var late = MessageTap.On(memory);
        RequireNext(late, 9, missed: 0);
        Assert.False(late.TryRead(out _));
        Assert.Equal(4, writer.CountFree());
        writer.Complete();
        Assert.False(tap.HasEnded);
        Assert.False(tap.TryRead(out _));
        Assert.True(tap.HasEnded);
        Assert.Equal([PeerState.Alive, PeerState.Alive, PeerState.Alive], channel.GetStatus().Endpoints.Select(endpoint => endpoint.State));

        void Send(int number)
        {
            var frame = writer.Loan(number % 2 == 0 ? 64 : 4000);
            frame.Type = (ushort)number;
            frame.Header = FrameHeader.ForImage(8, 8, 1) with { Tag = (ulong)number };
            Assert.Equal(2, writer.Send(frame, Watchdog.Limit));
            foreach (var reader in (FrameReader[])[one, two])
            {
                Assert.True(reader.TryRead(out frame));
                frame.Dispose();
            }
        }
    }

    [Fact]
    [Rule("looking.frames")]
    public void A_tap_beside_a_fast_publisher_sees_whole_headers_in_order()
    {
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        var tap = MessageTap.On(channel.Memory);
        var publishing = Task.Run(() =>
        {
            for (var number = 0; number < 20_000; number++)
            {
                var frame = writer.Loan(number % 3 == 0 ? 4000 : 10);
                frame.Timestamp = number + 1;
                frame.Type = (ushort)(number % 1000);
                frame.Header = FrameHeader.ForArray("|u1", [number]) with { Tag = (ulong)number };
                writer.Send(frame);
            }

            writer.Complete();
        });
        var (seen, expected) = (0L, -1L);
        while (!tap.HasEnded)
        {
            while (tap.TryRead(out var message))
            {
                var frame = message.Frame!.Value;
                Assert.True(expected < 0 || frame.Sequence == expected + message.Missed);
                Assert.Equal((frame.Sequence + 1, (ulong)frame.Sequence, frame.Sequence % 1000), (frame.Timestamp, frame.Header.Tag, message.Type));
                Assert.Equal([(int)frame.Sequence], frame.Header.Shape.ToArray());
                expected = frame.Sequence + 1;
                seen++;
            }
        }

        publishing.GetAwaiter().GetResult();
        Assert.Equal(20_000, expected);
        Assert.InRange(seen, 1, 20_000);
    }

    [Fact]
    [Rule("looking.hostile")]
    public void Whatever_stands_in_the_object_a_tap_does_not_crash_or_hang()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        using var channel = FrameChannel.CreateAnonymous(s_options);
        using var bytes = channel.Memory.Map();
        var corrupt = 0;
        for (var round = 0; round < 300; round++)
        {
            var tap = MessageTap.On(channel.Memory);
            try
            {
                for (var step = 0; step < 20; step++)
                {
                    bytes.GetReference<ulong>(random.Next(3) == 0 ? 256 + (random.Next(5) * 8) : 9472 + (random.Next(4 * 16) * 8)) = random.Next(3) switch { 0 => (ulong)random.NextInt64(), 1 => (ulong)random.Next(100), _ => ulong.MaxValue };
                    while (tap.TryRead(out var message))
                    {
                        Assert.InRange(message.Frame!.Value.Length, 0, 4096);
                        Assert.InRange(message.Missed, 0, long.MaxValue);
                    }
                }
            }
            catch (ChannelCorruptException)
            {
                corrupt++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e}", e);
            }

            bytes.GetReference<ulong>(256) = 0;
        }

        Assert.InRange(corrupt, 1, 300);
    }

    private static void RequireNext(MessageTap tap, long number, long missed)
    {
        Assert.True(tap.TryRead(out var message));
        Assert.Equal(missed, message.Missed);
        RequireFrame(message, number);
    }

    private static void RequireFrame(in TappedMessage message, long number)
    {
        var frame = message.Frame!.Value;
        Assert.Equal((number, number % 2 == 0 ? 64 : 4000, (ulong)number, (ushort)number), (frame.Sequence, frame.Length, frame.Header.Tag, message.Type));
        Assert.True(message.Span.IsEmpty);
    }
}
