using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>What the other process does with a fan-in.</summary>
internal static class FanInActs
{
    /// <summary>Writes numbered messages for ever: the writer's number in the upper half, the message's in the lower.</summary>
    internal static int Stream(string name, string writerNumber)
    {
        using var fanIn = FanIn.Open(name);
        using var writer = fanIn.OpenWriter(new() { Label = writerNumber, Restart = PeerRestart.Wait });
        var bytes = new byte[1024];
        Console.WriteLine("open");
        for (var number = (long.Parse(writerNumber, CultureInfo.InvariantCulture) << 32) + 1; ; number++)
        {
            var length = Streams.LengthOf(number, bytes.Length);
            if (number % 5 == 0)
            {
                number += WriteBatch(writer, bytes, number, 6) - 1;
                continue;
            }

            if (number % 2 == 0)
            {
                Streams.Fill(bytes.AsSpan(0, length), number);
                writer.Write(bytes.AsSpan(0, length), 3);
                continue;
            }

            // Longer than it turns out to be: the rest becomes padding.
            if (writer.TryReserve(length + 200, out var reservation))
            {
                using (reservation)
                {
                    Streams.Fill(reservation.Span[..length], number);
                    reservation.Commit(length, 3);
                }
            }
            else
            {
                writer.WaitToWrite(length + 200, Timeout.InfiniteTimeSpan);
                number--;
            }
        }
    }

    /// <summary>Writes as many messages as there is room for, of a few, in one batch.</summary>
    /// <returns>How many.</returns>
    private static int WriteBatch(FanInWriter writer, byte[] bytes, long first, int most)
    {
        using var batch = writer.BeginBatch();
        for (var i = 0; i < most; i++)
        {
            var length = Streams.LengthOf(first + i, bytes.Length);
            if (i % 2 == 0)
            {
                Streams.Fill(bytes.AsSpan(0, length), first + i);
                if (!batch.TryWrite(bytes.AsSpan(0, length), 3))
                {
                    return i;
                }
            }
            else if (batch.TryReserve(length, out var room))
            {
                Streams.Fill(room, first + i);
                batch.Commit(length, 3);
            }
            else
            {
                return i;
            }
        }

        return most;
    }

    internal static int Write(string name, string label)
    {
        using var fanIn = FanIn.Open(name);
        using var writer = fanIn.OpenWriter(new() { Label = label });
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["write", var text]:
                    writer.Write(System.Text.Encoding.UTF8.GetBytes(text));
                    break;
                case ["reserve", var text]:
                    writer.TryReserve(200, out var reservation);
                    System.Text.Encoding.UTF8.GetBytes(text, reservation.Span);
                    Console.WriteLine("done");
                    // The next line commits it, if it comes.
                    if (Console.ReadLine() == "commit")
                    {
                        reservation.Commit(text.Length);
                    }

                    break;
                case ["batch", var one, var two]:
                    var batch = writer.BeginBatch();
                    batch.TryWrite(System.Text.Encoding.UTF8.GetBytes(one));
                    batch.TryWrite(System.Text.Encoding.UTF8.GetBytes(two));
                    Console.WriteLine("done");
                    if (Console.ReadLine() == "commit")
                    {
                        batch.Dispose();
                    }

                    break;
                case ["leave"]:
                    writer.Dispose();
                    break;
            }

            Console.WriteLine("done");
        }

        return 0;
    }

    /// <summary>Reads for ever.</summary>
    internal static int Drain(string name)
    {
        using var fanIn = FanIn.Open(name);
        using var reader = fanIn.OpenReader();
        Console.WriteLine("open");
        while (true)
        {
            reader.WaitToRead(Timeout.InfiniteTimeSpan);
            if (reader.TryRead(out FanInLease lease))
            {
                using (lease)
                {
                    Streams.Check(lease.Span, 1024);
                }
            }
        }
    }
}
