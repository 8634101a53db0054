namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>A stream of numbered messages through a fan-in, as <see cref="Streams"/> has it for a ring.</summary>
internal static class FanInStreams
{
    /// <summary>The most messages of a batch.</summary>
    internal const int MostInBatch = 20;

    /// <summary>The longest message, which none reaches.</summary>
    private const int Most = 1024;

    /// <summary>Writes a numbered message, if there is room.</summary>
    internal static bool TryWriteNumber(this FanInWriter writer, long number)
    {
        Span<byte> message = stackalloc byte[Streams.LengthOf(number, Most)];
        Streams.Fill(message, number);
        return writer.TryWrite(message);
    }

    /// <summary>Writes numbered messages, in one of the ways that there are: write, batch or reserve.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="from">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="how">The way.</param>
    /// <param name="inPayload">Called where a payload has been reserved, and is being filled.</param>
    /// <param name="done">Called with the number of the first message that has not been sent yet.</param>
    internal static void Write(FanInWriter writer, long from, long count, string how, Action inPayload, Action<long> done)
    {
        var message = new byte[Most];
        Console.WriteLine("open");
        for (var number = from; number < from + count; done(number))
        {
            var length = Streams.LengthOf(number, Most);
            switch (how)
            {
                case "batch":
                    number = WriteBatch(writer, number, from + count, inPayload);
                    if (number < from + count)
                    {
                        writer.WaitToWrite(Streams.LengthOf(number, Most), Watchdog.Limit);
                    }

                    break;
                case "reserve":
                    // Longer than the message will be: the rest becomes padding.
                    writer.WaitToWrite(length + 100, Watchdog.Limit);
                    if (writer.TryReserve(length + 100, out var reservation))
                    {
                        using (reservation)
                        {
                            inPayload();
                            Streams.Fill(reservation.Span[..length], number++);
                            reservation.Commit(length);
                        }
                    }

                    break;
                default:
                    Streams.Fill(message.AsSpan(0, length), number++);
                    writer.Write(message.AsSpan(0, length), 0, Watchdog.Limit);
                    break;
            }
        }

        Console.WriteLine("written");
        Console.ReadLine();
    }

    /// <summary>Reads numbered messages, in one of the ways that there are: enumerate, lease or copy.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="from">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="how">The way.</param>
    /// <param name="done">Called with the number of the first message that has not been released yet.</param>
    internal static void Read(FanInReader reader, long from, long count, string how, Action<long> done)
    {
        Console.WriteLine("open");
        var copy = new byte[Most];
        for (var number = from; number < from + count; done(number))
        {
            reader.WaitToRead(Watchdog.Limit);
            switch (how)
            {
                case "lease":
                    if (reader.TryRead(out FanInLease lease))
                    {
                        Expect(lease.Span, number++);
                        lease.Dispose();
                    }

                    break;
                case "copy":
                    if (reader.TryRead(copy, out var length, out _))
                    {
                        Expect(copy.AsSpan(0, length), number++);
                    }

                    break;
                default:
                    foreach (var message in reader.ReadAvailable())
                    {
                        Expect(message.Span, number++);
                    }

                    break;
            }
        }

        Console.WriteLine("read");
        Console.ReadLine();
    }

    private static long WriteBatch(FanInWriter writer, long number, long end, Action inPayload)
    {
        using var batch = writer.BeginBatch();
        var first = number;
        while (number < end && number - first < MostInBatch && batch.TryReserve(Streams.LengthOf(number, Most), out var span))
        {
            inPayload();
            Streams.Fill(span, number++);
            batch.Commit(span.Length);
        }

        return number;
    }

    private static void Expect(ReadOnlySpan<byte> message, long number)
    {
        var found = Streams.Check(message, Most);
        if (found != number)
        {
            throw new InvalidDataException($"Message {found} came instead of {number}.");
        }
    }
}
