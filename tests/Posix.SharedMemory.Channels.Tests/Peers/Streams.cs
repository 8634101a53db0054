using System.Buffers.Binary;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>A stream of numbered messages of which every byte and every length follows from the number.</summary>
internal static class Streams
{
    /// <summary>Where in the control page a peer of the tests notes how far it has come: bytes that the format does not use.</summary>
    internal const long Progress = 3072;

    internal static int LengthOf(long number, int most) => (int)Math.Min(most, 8 + ((number * 2654435761L) >> 7 & 0x1FF));

    internal static void Fill(Span<byte> message, long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(message, number);
        message[8..].Fill((byte)number);
    }

    /// <summary>Writes a numbered message, if there is room.</summary>
    internal static bool TryWriteNumber(this MessageWriter writer, long number)
    {
        Span<byte> message = stackalloc byte[LengthOf(number, Math.Min(writer.MaxMessageLength, 1024))];
        Fill(message, number);
        return writer.TryWrite(message, (ushort)(number % 1000));
    }

    /// <summary>The number of a message.</summary>
    /// <exception cref="InvalidDataException">It is torn.</exception>
    internal static long Check(ReadOnlySpan<byte> message, int most)
    {
        var number = BinaryPrimitives.ReadInt64LittleEndian(message);
        return message.Length == LengthOf(number, most) && !message[8..].ContainsAnyExcept((byte)number)
            ? number : throw new InvalidDataException($"Message {number} of {message.Length} bytes is torn.");
    }

    /// <summary>Writes numbered messages, in one of the ways that there are.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="from">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="how">The way: write, batch, reserve or build.</param>
    /// <param name="inPayload">Called where a payload has been reserved, and is being filled.</param>
    /// <param name="done">Called with the number of the first message that has not been sent yet.</param>
    internal static void Write(MessageWriter writer, long from, long count, string how, Action? inPayload = null, Action<long>? done = null)
    {
        var message = new byte[writer.MaxMessageLength];
        Console.WriteLine("open");
        for (var number = from; number < from + count; done?.Invoke(number))
        {
            var length = LengthOf(number, message.Length);
            switch (how)
            {
                case "batch":
                    number = WriteBatch(writer, number, from + count, inPayload);
                    if (number < from + count)
                    {
                        writer.WaitToWrite(LengthOf(number, message.Length), Watchdog.Limit);
                    }

                    break;
                case "reserve":
                    writer.WaitToWrite(length, Watchdog.Limit);
                    if (writer.TryReserve(length, out var reservation))
                    {
                        using (reservation)
                        {
                            inPayload?.Invoke();
                            Fill(reservation.Span, number++);
                            reservation.Commit(length);
                        }
                    }

                    break;
                case "build":
                    Fill(message.AsSpan(0, length), number++);
                    writer.GetSpan();
                    for (var at = 0; at < length;)
                    {
                        var piece = Math.Min(33, length - at);
                        message.AsSpan(at, piece).CopyTo(writer.GetSpan(piece));
                        inPayload?.Invoke();
                        writer.Advance(piece);
                        at += piece;
                    }

                    writer.EndMessage();
                    break;
                default:
                    Fill(message.AsSpan(0, length), number++);
                    writer.Write(message.AsSpan(0, length), 0, Watchdog.Limit);
                    break;
            }
        }

        Console.WriteLine("written");
        Console.ReadLine();
    }

    /// <summary>Reads numbered messages, in one of the ways that there are.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="from">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="how">The way: enumerate, lease or copy.</param>
    /// <param name="done">Called with the number of the first message that has not been released yet.</param>
    internal static void Read(MessageReader reader, long from, long count, string how = "enumerate", Action<long>? done = null)
    {
        Console.WriteLine("open");
        var copy = new byte[1024];
        for (var number = from; number < from + count; done?.Invoke(number))
        {
            reader.WaitToRead(Watchdog.Limit);
            switch (how)
            {
                case "lease":
                    if (reader.TryRead(out MessageLease lease))
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

        Console.WriteLine("read " + count.ToString(CultureInfo.InvariantCulture));
        Console.ReadLine();
    }

    private static long WriteBatch(MessageWriter writer, long number, long end, Action? inPayload)
    {
        using var batch = writer.BeginBatch();
        var first = number;
        while (number < end && number - first < 50 && batch.TryReserve(LengthOf(number, writer.MaxMessageLength), out var span))
        {
            inPayload?.Invoke();
            Fill(span, number++);
            batch.Commit(span.Length);
        }

        return number;
    }

    /// <summary>The longest message of the channels of these tests: longer than any that is written.</summary>
    private const int Most = 1024;

    private static void Expect(ReadOnlySpan<byte> message, long number)
    {
        var found = Check(message, Most);
        if (found != number)
        {
            throw new InvalidDataException($"Message {found} came instead of {number}.");
        }
    }
}
