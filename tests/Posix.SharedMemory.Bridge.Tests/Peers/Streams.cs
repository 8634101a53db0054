using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Bridge.Tests.Peers;

/// <summary>A process that sends numbered messages, and one that receives them and says which have come.</summary>
internal static class Streams
{
    /// <summary>Creates a channel, and sends at each line <c>NUMBER of messages</c>; at <c>end</c> it completes the channel.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="shape">The capacity of the ring; <c>paced</c>: no more than a quarter of it is in use, or <c>free</c>; and the lengths, which follow each other.</param>
    internal static int Send(string name, string[] shape)
    {
        var (capacity, isPaced) = (long.Parse(shape[0], CultureInfo.InvariantCulture), shape[1] == "paced");
        var lengths = shape[2..].Select(length => int.Parse(length, CultureInfo.InvariantCulture)).ToArray();
        using var channel = MessageChannel.Create(name, new() { Capacity = capacity });
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        var message = new byte[lengths.Max()];
        long number = 0;
        while (Console.ReadLine() is { } line && line != "end")
        {
            for (var last = number + long.Parse(line, CultureInfo.InvariantCulture); number < last;)
            {
                if (isPaced)
                {
                    Watchdog.Until(() => writer.Capacity - writer.Free <= capacity / 4, "the bridge to take messages");
                }

                var bytes = message.AsSpan(0, lengths[number % lengths.Length]);
                NumberedBytes.Fill(bytes, ++number);
                writer.Write(bytes, timeout: Watchdog.Limit);
            }

            Console.WriteLine("sent");
        }

        writer.Complete();
        return 0;
    }

    /// <summary>Reads a channel that appears, until its end, and then prints how many messages have come, and which are missing.</summary>
    internal static int Receive(string name)
    {
        MessageChannel? appeared = null;
        Watchdog.Until(() => (appeared = Bridging.TwoHosts.TryOpen(name)) is not null, $"the channel {name}");
        using var channel = appeared!;
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        var (count, last, missing) = (0L, 0L, new StringBuilder());
        while (reader.WaitToRead(Watchdog.Limit))
        {
            while (reader.TryRead(out MessageLease lease))
            {
                using (lease)
                {
                    var number = NumberedBytes.Check(lease.Span);
                    if (number <= last)
                    {
                        throw new InvalidDataException($"The message {number} came after {last}.");
                    }

                    if (number > last + 1)
                    {
                        missing.Append(CultureInfo.InvariantCulture, $" {last + 1}..{number - 1}");
                    }

                    (count, last) = (count + 1, number);
                }
            }
        }

        if (!reader.Completion.IsCompletedSuccessfully)
        {
            throw new InvalidDataException($"The channel did not end cleanly: {reader.Completion.Exception?.InnerException?.Message ?? "nothing came for a long time"}");
        }

        Console.WriteLine($"received {count} last {last} missing{missing}");
        return 0;
    }
}
