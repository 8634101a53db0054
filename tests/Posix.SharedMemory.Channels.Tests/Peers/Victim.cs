using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>A process that opens both ends of a channel again and again and uses them in every way, while another one stores anything anywhere in the object.</summary>
internal static class Victim
{
    /// <summary>Runs for a time, and prints how many rounds it made, and how many of them ended because the channel was found to be corrupt.</summary>
    /// <returns>0; 3: an exception came that should not.</returns>
    /// <param name="name">The channel.</param>
    /// <param name="time">How long.</param>
    /// <param name="kind">message, fan-in, frames or latest.</param>
    internal static int Run(string name, TimeSpan time, string kind)
    {
        Action<string> use = kind switch { "fan-in" => UseFanIn, "frames" => UseFrames, "latest" => UseLatest, _ => Use };
        var (rounds, corrupt, refused, finished) = (0, 0, 0, 0);
        Console.WriteLine("open");
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < time; rounds++)
        {
            try
            {
                use(name);
                finished++;
            }
            catch (ChannelCorruptException)
            {
                corrupt++;
            }
            catch (Exception e) when (e is InvalidDataException or ChannelException or Threading.RosterFullException || IsRefusal(e))
            {
                // The header was found to be something else, or bytes were stored that a peer may store: an end that is taken, a state that says the end.
                refused++;
            }
#pragma warning disable CA1031 // It is what is looked for.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Console.WriteLine($"round {rounds}: {e}".ReplaceLineEndings(" | "));
                return 3;
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rounds} {corrupt} {refused} {finished}"));
        return 0;
    }

    private static bool IsRefusal(Exception e) =>
        e is SharedMemoryException { Errno: Errno.EBUSY or Errno.EAGAIN } || (e is InvalidOperationException && (e.Message.Contains("completed", StringComparison.Ordinal) || e.Message.Contains("takes no more", StringComparison.Ordinal)
            || e.Message.Contains("carries elements", StringComparison.Ordinal)));

    private static void Use(string name)
    {
        using var channel = MessageChannel.Open(name);
        channel.GetStatus();
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
        var bytes = new byte[4096];
        var instant = TimeSpan.FromTicks(10);
        for (var step = 0; step < 300; step++)
        {
            writer.TryWrite(bytes.AsSpan(0, Math.Min(step * 7, writer.MaxMessageLength)));
            using (var batch = writer.BeginBatch())
            {
                batch.TryWrite(bytes.AsSpan(0, Math.Min(step, writer.MaxMessageLength)));
            }

            if (writer.WaitToWrite(Math.Min(100, writer.MaxMessageLength), instant) && writer.TryReserve(Math.Min(100, writer.MaxMessageLength), out var reservation))
            {
                using (reservation)
                {
                    reservation.Span.Fill(1);
                    reservation.Commit(reservation.Span.Length / 2);
                }
            }

            reader.TryRead(bytes, out _, out _);
            if (reader.TryRead(out MessageLease lease))
            {
                bytes[0] ^= lease.Span.IsEmpty ? (byte)0 : lease.Span[^1];
                lease.Dispose();
            }

            reader.WaitToRead(instant);
            foreach (var message in reader.ReadAvailable())
            {
                bytes[0] ^= message.Span.IsEmpty ? (byte)0 : message.Span[^1];
            }

            if (step % 50 == 0)
            {
                channel.GetStatus();
                _ = (reader.Writer, writer.Reader, reader.Available, writer.Free);
            }
        }
    }

    private static void UseFanIn(string name)
    {
        using var fanIn = FanIn.Open(name);
        fanIn.GetStatus();
        using FanInWriter one = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero }), two = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
        using var reader = fanIn.OpenReader(new() { SpinBudget = TimeSpan.Zero });
        var bytes = new byte[4096];
        var instant = TimeSpan.FromTicks(10);
        for (var step = 0; step < 300; step++)
        {
            one.TryWrite(bytes.AsSpan(0, Math.Min(step * 7, one.MaxMessageLength)));
            using (var batch = two.BeginBatch())
            {
                batch.TryWrite(bytes.AsSpan(0, Math.Min(step, two.MaxMessageLength)));
                batch.TryWrite(bytes.AsSpan(0, Math.Min(100, two.MaxMessageLength)));
            }

            if (two.WaitToWrite(Math.Min(100, two.MaxMessageLength), instant) && two.TryReserve(Math.Min(100, two.MaxMessageLength), out var reservation))
            {
                using (reservation)
                {
                    reservation.Span.Fill(1);
                    reservation.Commit(reservation.Span.Length / 2);
                }
            }

            reader.TryRead(bytes, out _, out _);
            if (reader.TryRead(out FanInLease lease))
            {
                bytes[0] ^= lease.Span.IsEmpty ? (byte)0 : lease.Span[^1];
                lease.Dispose();
            }

            reader.WaitToRead(instant);
            foreach (var message in reader.ReadAvailable())
            {
                bytes[0] ^= message.Span.IsEmpty ? (byte)0 : message.Span[^1];
            }

            if (step % 50 == 0)
            {
                fanIn.GetStatus();
                _ = (reader.Writers, one.Reader, reader.Available, one.Free);
            }
        }
    }

    private static void UseFrames(string name)
    {
        using var channel = FrameChannel.Open(name);
        channel.GetStatus();
        using var writer = channel.OpenWriter(new() { SpinBudget = TimeSpan.Zero });
        using FrameReader first = channel.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero }), second = channel.OpenReader(new() { Overflow = FrameOverflow.Wait, Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
        var sum = 0;
        var instant = TimeSpan.FromTicks(10);
        for (var step = 0; step < 300; step++)
        {
            if (writer.TryLoan(Math.Min(step * 7, writer.MaxFrameLength), out var frame))
            {
                frame.Span.Fill(1);
                frame.Header = FrameHeader.ForImage(step, 1, 1);
                try
                {
                    writer.Send(frame, instant);
                }
                catch (TimeoutException)
                {
                    frame.Dispose();
                }
            }

            foreach (var reader in (FrameReader[])[first, second])
            {
                if (reader.TryRead(out frame))
                {
                    sum += frame.ReadOnlySpan.IsEmpty ? 0 : frame.ReadOnlySpan[^1] + frame.Header.Shape.Length;
                    if (step % 5 != 0)
                    {
                        frame.Dispose();
                    }
                }

                reader.WaitToRead(instant);
            }

            if (step % 50 == 0)
            {
                channel.GetStatus();
                _ = (writer.Readers, writer.CountFree(), first.Writer, second.Available, second.Missed, sum);
            }
        }

        writer.Evict(2);
    }

    private static void UseLatest(string name)
    {
        using var value = LatestBytes.Open(name);
        using var watched = LatestBytes.Open(name, FileAccess.Read);
        value.GetStatus();
        using var writer = value.OpenWriter();
        using var reader = value.OpenReader(new() { Restart = PeerRestart.Wait, SpinBudget = TimeSpan.Zero });
        using var spectator = watched.OpenReader();
        var bytes = new byte[4096];
        for (var step = 0; step < 300; step++)
        {
            writer.Publish(bytes.AsSpan(0, Math.Min(step * 7, writer.MaxLength)));
            using (var reservation = writer.Begin())
            {
                reservation.Span.Fill(1);
                reservation.Commit(reservation.Span.Length / 2);
            }

            reader.TryRead(bytes, out _, out var version);
            spectator.TryRead(bytes, out _, out _);
            reader.WaitForChange(version, TimeSpan.FromTicks(10));
            if (step % 50 == 0)
            {
                value.GetStatus();
                _ = (reader.Writer, spectator.Writer);
            }
        }
    }
}
