using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels;

/// <summary>One end of a channel that is killed in a window: stream|drain|cast|receive NAME FROM COUNT HOW WINDOW TIMES. As tests/Posix.SharedMemory.Channels.Tests/Interop/channel_partner.c.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [var role, var name, var from, var count, var how, var window, var times])
        {
            return 9;
        }

        (KillWindow.Chosen, KillWindow.Times) = ((int)Number(window), (int)Number(times));
        if (role is "cast" or "receive")
        {
            using var broadcast = Broadcast.Open(name);
            Run(broadcast, role == "cast", Number(from), Number(count));
            return 0;
        }

        using var channel = MessageChannel.Open(name);
        using var bytes = channel.Memory.Map();
        if (role == "drain")
        {
            using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
            Streams.Read(reader, Number(from), Number(count), how, number => Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number));
        }
        else
        {
            using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
            Streams.Write(writer, Number(from), Number(count), how, () => KillWindow.Pass(KillWindow.InPayload), number => Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number));
            if (how == "complete")
            {
                writer.Complete();
            }
        }

        return 0;
    }

    /// <summary>Writes numbered messages to a broadcast, or reads as many.</summary>
    private static void Run(Broadcast broadcast, bool isWriter, long from, long count)
    {
        Console.WriteLine("open");
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

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
