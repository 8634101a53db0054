using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge.Benchmarks.Roles;

/// <summary>The programs at both ends, which know nothing of the bridge.</summary>
internal static class Ends
{
    /// <summary>Writes messages. It waits where half of the ring is not free, so that nothing is dropped: the pace is that of the chain.</summary>
    internal static string Produce(string name, int capacity, int length, int count)
    {
        using var channel = MessageChannel.Create(name, new() { Capacity = capacity });
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        Ready();
        var message = new byte[length];
        var start = Stopwatch.GetTimestamp();
        for (var number = 0; number < count; number++)
        {
            for (var wait = default(SpinWait); capacity - writer.Free > capacity * 3L / 8; wait.SpinOnce())
            {
            }

            BitConverter.TryWriteBytes(message, number);
            writer.Write(message);
        }

        writer.Complete();
        return Figures.Of(count, (long)count * length, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Writes a short message every millisecond.</summary>
    internal static string Trickle(string name, int seconds)
    {
        using var channel = MessageChannel.Create(name);
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        Ready();
        var message = new byte[64];
        var start = Stopwatch.GetTimestamp();
        var number = 0;
        for (; Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; number++)
        {
            writer.Write(message);
            Thread.Sleep(1);
        }

        writer.Complete();
        return Figures.Of(number, number * 64L, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Reads messages in order, and measures from the first to the last.</summary>
    internal static string Consume(string name, int length)
    {
        using var channel = Appear(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        long start = 0, last = 0, read = 0;
        while (reader.WaitToRead(TimeSpan.FromMinutes(2)))
        {
            while (reader.TryRead(out MessageLease lease))
            {
                using (lease)
                {
                    start = start == 0 ? Stopwatch.GetTimestamp() : start;
                    read += lease.Span.Length == length ? 1 : throw new InvalidDataException($"a message has {lease.Span.Length} bytes");
                }
            }

            last = Stopwatch.GetTimestamp();
        }

        return Figures.Of(read, read * length, Stopwatch.GetElapsedTime(start, last));
    }

    /// <summary>The longest time without a message.</summary>
    internal static string Gaps(string name)
    {
        using var channel = Appear(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        var (before, longest, read) = (0L, TimeSpan.Zero, 0L);
        while (reader.WaitToRead(TimeSpan.FromMinutes(2)))
        {
            var now = Stopwatch.GetTimestamp();
            longest = before != 0 && Stopwatch.GetElapsedTime(before, now) > longest ? Stopwatch.GetElapsedTime(before, now) : longest;
            before = now;
            while (reader.TryRead(out MessageLease lease))
            {
                lease.Dispose();
                read++;
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"longest={longest.TotalSeconds:F3} messages={read}");
    }

    /// <summary>Sends one message, waits for the answer, and sends the next.</summary>
    internal static string Ping(string there, string back, int count)
    {
        using var channel = MessageChannel.Create(there);
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        using var answers = Appear(back);
        using var reader = answers.OpenReader(new() { Restart = PeerRestart.Wait });
        Ready();
        var trips = new List<long>(count);
        for (var number = -count / 10; number < count; number++)
        {
            var start = Stopwatch.GetTimestamp();
            writer.Write(new byte[64]);
            if (!reader.WaitToRead(TimeSpan.FromMinutes(1)) || !reader.TryRead(out MessageLease lease))
            {
                throw new InvalidDataException("no answer came");
            }

            lease.Dispose();
            if (number >= 0)
            {
                trips.Add(Stopwatch.GetTimestamp() - start);
            }
        }

        writer.Complete();
        return Figures.OfTrips(trips);
    }

    internal static string Pong(string there, string back)
    {
        using var channel = MessageChannel.Create(back);
        using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
        using var calls = Appear(there);
        using var reader = calls.OpenReader(new() { Restart = PeerRestart.Wait });
        Console.WriteLine("open");
        while (reader.WaitToRead(TimeSpan.FromMinutes(1)))
        {
            while (reader.TryRead(out MessageLease lease))
            {
                using (lease)
                {
                    writer.Write(lease.Span);
                }
            }
        }

        writer.Complete();
        return "done=1";
    }

    private static void Ready()
    {
        Console.WriteLine("open");
        Console.ReadLine();
    }

    private static MessageChannel Appear(string name)
    {
        for (var wait = Stopwatch.GetTimestamp(); ; Thread.Sleep(10))
        {
            try
            {
                return MessageChannel.Open(name);
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT && Stopwatch.GetElapsedTime(wait).TotalMinutes < 1)
            {
                // The bridge makes it when it hears of it.
            }
        }
    }
}
