using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>What the other process does with a broadcast.</summary>
internal static class BroadcastActs
{
    /// <summary>Writes numbered messages for ever, from the number that is next.</summary>
    internal static int Stream(string name)
    {
        using var broadcast = Broadcast.Open(name);
        using var writer = broadcast.OpenWriter();
        var bytes = new byte[1024];
        Console.WriteLine("open");
        for (var number = broadcast.GetStatus().Messages; ; number++)
        {
            var length = Streams.LengthOf(number, bytes.Length);
            if (number % 2 == 0)
            {
                Streams.Fill(bytes.AsSpan(0, length), number);
                writer.Write(bytes.AsSpan(0, length), 3);
                continue;
            }

            // Longer than it turns out to be: the intent stays past the tail.
            writer.WaitToWrite(length + 200, Timeout.InfiniteTimeSpan);
            if (writer.TryReserve(length + 200, out var reservation))
            {
                using (reservation)
                {
                    reservation.Span.Fill(0xEE);
                    Streams.Fill(reservation.Span[..length], number);
                    reservation.Commit(length, 3);
                }
            }
            else
            {
                number--;
            }
        }
    }

    internal static int Write(string name)
    {
        using var broadcast = Broadcast.Open(name);
        using var writer = broadcast.OpenWriter();
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["reserve"]:
                    writer.TryReserve(1000, out var reservation);
                    reservation.Span.Fill(0xEE);
                    break;
                case ["complete", var error]:
                    writer.Complete(int.Parse(error, CultureInfo.InvariantCulture));
                    break;
                case ["write", var text]:
                    writer.Write(System.Text.Encoding.UTF8.GetBytes(text));
                    break;
            }

            Console.WriteLine("done");
        }

        return 0;
    }

    /// <summary>Reads one message for each line: its number, or what there is instead.</summary>
    internal static int Read(string name, string delivery)
    {
        using var broadcast = Broadcast.Open(name);
        using var reader = broadcast.OpenReader(new() { Delivery = Enum.Parse<BroadcastDelivery>(delivery), Label = delivery, Restart = PeerRestart.Wait });
        var bytes = new byte[1024];
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            try
            {
                if (line == "lease" && reader.TryRead(out MessageLease lease))
                {
                    Console.WriteLine(Streams.Check(lease.Span, 1024).ToString(CultureInfo.InvariantCulture));
                    continue;
                }

                Console.WriteLine(reader.TryRead(bytes, out var info) ? string.Create(CultureInfo.InvariantCulture, $"{Streams.Check(bytes.AsSpan(0, info.Length), 1024)} {info.Missed}") : "none");
            }
            catch (ChannelException)
            {
                Console.WriteLine("evicted");
            }
        }

        return 0;
    }

    /// <summary>Opens a reader that loses nothing, reads some messages, and begins again: for ever.</summary>
    internal static int Rejoin(string name)
    {
        using var broadcast = Broadcast.Open(name);
        Console.WriteLine("open");
        while (true)
        {
            using var reader = broadcast.OpenReader(new() { Start = BroadcastStart.Last(Random.Shared.Next(8)), Restart = PeerRestart.Wait });
            long? expected = null;
            for (var count = Random.Shared.Next(20); count > 0; count--)
            {
                reader.WaitToRead(Timeout.InfiniteTimeSpan);
                if (reader.TryRead(out MessageLease lease))
                {
                    using (lease)
                    {
                        var number = Streams.Check(lease.Span, 1024);
                        if (number != (expected ?? number))
                        {
                            throw new InvalidDataException($"Message {number} came instead of {expected}.");
                        }

                        expected = number + 1;
                    }
                }
            }
        }
    }
}
