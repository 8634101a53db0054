namespace Posix.SharedMemory.Bridge.Tests.Peers;

/// <summary>Processes that are killed at random instants, and go on where the one before them was.</summary>
internal static class Workers
{
    private const long Redelivered = 1L << 62;
    private const int Burst = 200;

    private static readonly int[] s_lengths = [20, 700, 20_000, 48, 300_000, 8, 5000];

    /// <summary>Writes numbered messages to channels, some of them each 10 ms and now and then more than the ring holds, until a line says <c>end</c>; then it completes them.</summary>
    internal static int Produce(string[] names)
    {
        var channels = names.Select(name => MessageChannel.OpenOrCreate(name, out _, new() { Capacity = 4 << 20 })).ToArray();
        var writers = channels.Select(channel => channel.OpenWriter(new() { Restart = PeerRestart.Wait })).ToArray();
        // How many messages were ever written stands in the channel: the next one has the next number.
        var numbers = channels.Select(channel => channel.GetStatus().Messages).ToArray();
        var message = new byte[s_lengths.Max()];
        var ending = Task.Run(Console.ReadLine);
        Console.WriteLine("open");
        for (var turn = 1; !ending.IsCompleted; turn++)
        {
            for (var i = 0; i < writers.Length; i++)
            {
                var isWritten = true;
                for (var left = turn % 100 == 0 ? Burst : 2; left > 0 && isWritten && !ending.IsCompleted; left--)
                {
                    var bytes = message.AsSpan(0, s_lengths[(numbers[i] + 1) % s_lengths.Length]);
                    NumberedBytes.Fill(bytes, numbers[i] + 1);
                    isWritten = writers[i].TryWrite(bytes);
                    numbers[i] += isWritten ? 1 : 0;
                }
            }

            Thread.Sleep(10);
        }

        for (var i = 0; i < writers.Length; i++)
        {
            writers[i].Complete();
            Console.WriteLine(numbers[i].ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        return 0;
    }

    /// <summary>Reads a channel until its end. Each number is appended to a file before its message is released, so that none is forgotten.</summary>
    internal static int Consume(string log, string name)
    {
        MessageChannel? appeared = null;
        Watchdog.Until(() => (appeared = Bridging.TwoHosts.TryOpen(name)) is not null, $"the channel {name}");
        using var channel = appeared!;
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        using var file = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        while (reader.WaitToRead(Watchdog.Limit))
        {
            while (reader.TryRead(out MessageLease lease))
            {
                using (lease)
                {
                    file.Write(BitConverter.GetBytes(NumberedBytes.Check(lease.Span) | (lease.IsRedelivered ? Redelivered : 0)));
                }
            }
        }

        return reader.Completion.IsCompletedSuccessfully ? 0 : throw new InvalidDataException($"{name} did not end cleanly.");
    }

    /// <summary>Reads what consumers have appended: the numbers, and whether each may have come before.</summary>
    internal static List<(long Number, bool IsRedelivered)> ReadLog(string log)
    {
        var bytes = File.Exists(log) ? File.ReadAllBytes(log) : [];
        return [.. Enumerable.Range(0, bytes.Length / sizeof(long)).Select(i => BitConverter.ToInt64(bytes, i * sizeof(long))).Select(word => (word & ~Redelivered, (word & Redelivered) != 0))];
    }
}
