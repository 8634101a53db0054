using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels;

/// <summary>One end of a channel that is killed in a window: ROLE NAME FROM COUNT HOW WINDOW TIMES. As tests/Posix.SharedMemory.Channels.Tests/Interop/channel_partner.c.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [var role, var name, var from, var count, var how, var window, var times])
        {
            return 9;
        }

        (KillWindow.Chosen, KillWindow.Times, KillWindow.Pauses) = ((int)Number(window), (int)Number(times), how == "pause");
        switch (role)
        {
            case "stream" or "drain":
                UseRing(name, role == "drain", Number(from), Number(count), how);
                return 0;
            case "fan-in-stream" or "fan-in-drain":
                UseFanIn(name, role == "fan-in-drain", Number(from), Number(count), how);
                return 0;
            case "cast" or "receive":
                using (var broadcast = Broadcast.Open(name))
                {
                    try
                    {
                        UseBroadcast(broadcast, role == "cast", Number(from), Number(count), how);
                    }
                    catch (ChannelException e)
                    {
                        Console.WriteLine($"{e.GetType().Name}: {e.Message}");
                        return 3;
                    }
                }

                return 0;
            case "publish" or "subscribe":
                UseFrames(name, role == "publish", Number(from), Number(count), how);
                return 0;
            case "latest-stream":
                Publish(name, Number(from), Number(count), how);
                return 0;
            case "latest-read":
                using (var value = LatestBytes.Open(name, FileAccess.Read))
                {
                    using var reader = value.OpenReader();
                    var bytes = new byte[reader.MaxLength];
                    Console.WriteLine(reader.TryRead(bytes, out var length, out _) ? Streams.Check(bytes.AsSpan(0, length), bytes.Length) : -1);
                }

                return 0;
            default:
                return 9;
        }
    }

    private static void UseRing(string name, bool isReader, long from, long count, string how)
    {
        using var channel = MessageChannel.Open(name);
        using var bytes = channel.Memory.Map();
        if (isReader)
        {
            using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
            Streams.Read(reader, from, count, how, Note);
        }
        else
        {
            using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
            Streams.Write(writer, from, count, how, () => KillWindow.Pass(KillWindow.InPayload), Note);
            if (how == "complete")
            {
                writer.Complete();
            }
        }

        void Note(long number) => Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number);
    }

    private static void UseFanIn(string name, bool isReader, long from, long count, string how)
    {
        using var fanIn = FanIn.Open(name);
        using var bytes = fanIn.Memory.Map();
        if (isReader)
        {
            using var reader = fanIn.OpenReader();
            FanInStreams.Read(reader, from, count, how, Note);
        }
        else
        {
            using var writer = fanIn.OpenWriter(new() { Restart = PeerRestart.Wait });
            FanInStreams.Write(writer, from, count, how, () => KillWindow.Pass(KillWindow.InPayload), Note);
        }

        void Note(long number) => Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number);
    }

    private static void Publish(string name, long from, long count, string how)
    {
        using var value = LatestBytes.Open(name);
        using var bytes = value.Memory.Map();
        using var writer = value.OpenWriter();
        var buffer = new byte[writer.MaxLength];
        Console.WriteLine("open");
        for (var number = from; number < from + count; number++)
        {
            var length = Streams.LengthOf(number, buffer.Length);
            if (how == "reserve")
            {
                using var reservation = writer.Begin();
                KillWindow.Pass(KillWindow.InPayload);
                Streams.Fill(reservation.Span[..length], number);
                reservation.Commit(length);
            }
            else
            {
                Streams.Fill(buffer.AsSpan(0, length), number);
                writer.Publish(buffer.AsSpan(0, length));
            }

            Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number);
        }

        Console.WriteLine("written");
        Console.ReadLine();
        if (how == "complete")
        {
            writer.Complete();
        }
    }

    /// <summary>Writes numbered messages to a broadcast, or reads as many.</summary>
    private static void UseBroadcast(Broadcast broadcast, bool isWriter, long from, long count, string how)
    {
        Console.WriteLine("open");
        if (isWriter && how == "batch")
        {
            CastBatches(broadcast, from, count);
            return;
        }

        if (isWriter)
        {
            using var writer = broadcast.OpenWriter();
            for (var number = from; number < from + count; number++)
            {
                var length = Streams.LengthOf(number, 1024);
                writer.WaitToWrite(length, Timeout.InfiniteTimeSpan);
                if (writer.TryReserve(length, out var reservation))
                {
                    using (reservation)
                    {
                        KillWindow.Pass(KillWindow.InPayload);
                        Streams.Fill(reservation.Span, number);
                        reservation.Commit(length);
                    }
                }
            }

            return;
        }

        using var reader = broadcast.OpenReader(new() { Start = BroadcastStart.Oldest, Restart = PeerRestart.Wait });
        for (long read = 0; read < count && reader.WaitToRead(TimeSpan.FromSeconds(1));)
        {
            if (reader.TryRead(out MessageLease lease))
            {
                Streams.Check(lease.Span, 1024);
                lease.Dispose();
                read++;
            }
        }
    }

    /// <summary>Sends numbered frames, or reads as many and holds some of them.</summary>
    private static void UseFrames(string name, bool isPublisher, long from, long count, string how)
    {
        using var channel = FrameChannel.Open(name);
        Console.WriteLine("open");
        if (isPublisher)
        {
            using var writer = channel.OpenWriter();
            while (!writer.Readers.Any(reader => reader.State == PeerState.Alive))
            {
                Thread.Sleep(1);
            }

            for (var number = from; number < from + count; number++)
            {
                FrameStreams.Send(writer, number, () => KillWindow.Pass(KillWindow.InPayload));
            }

            return;
        }

        using var reader = channel.OpenReader(new() { Overflow = Enum.Parse<FrameOverflow>(how), Restart = PeerRestart.Wait });
        Frame? held = null;
        for (long read = 0; read < count && reader.WaitToRead(TimeSpan.FromSeconds(1));)
        {
            if (reader.TryRead(out var frame))
            {
                FrameStreams.Check(frame);
                held?.Dispose();
                held = frame;
                read++;
            }
        }
    }

    /// <summary>Writes numbered messages in batches of three, which always find room once the readers have read everything.</summary>
    private static void CastBatches(Broadcast broadcast, long from, long count)
    {
        using var writer = broadcast.OpenWriter();
        var bytes = new byte[1024];
        for (var number = from; number < from + count; number += 3)
        {
            // As long as three messages of up to 519 bytes are, with what comes before each.
            writer.WaitToWrite(writer.MaxMessageLength, Timeout.InfiniteTimeSpan);
            using var batch = writer.BeginBatch();
            for (var i = 0; i < 3; i++)
            {
                var length = Streams.LengthOf(number + i, 1024);
                KillWindow.Pass(KillWindow.InPayload);
                Streams.Fill(bytes.AsSpan(0, length), number + i);
                if (!batch.TryWrite(bytes.AsSpan(0, length)))
                {
                    throw new InvalidOperationException("There was no room for a batch.");
                }
            }
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
