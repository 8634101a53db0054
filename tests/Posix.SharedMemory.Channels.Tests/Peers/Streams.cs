using System.Buffers.Binary;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>A stream of numbered messages of which every byte and every length follows from the number.</summary>
internal static class Streams
{
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

    internal static void Write(MessageWriter writer, long from, long count, string how)
    {
        var message = new byte[writer.MaxMessageLength];
        Console.WriteLine("open");
        for (var number = from; number < from + count;)
        {
            var length = LengthOf(number, message.Length);
            switch (how)
            {
                case "batch":
                    using (var batch = writer.BeginBatch())
                    {
                        var first = number;
                        while (number < from + count && number - first < 50 && batch.TryReserve(LengthOf(number, message.Length), out var span))
                        {
                            Fill(span, number++);
                            batch.Commit(span.Length);
                        }
                    }

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

    internal static void Read(MessageReader reader, long from, long count)
    {
        Console.WriteLine("open");
        var most = reader.MaxOfTests();
        for (var number = from; number < from + count;)
        {
            reader.WaitToRead(Watchdog.Limit);
            foreach (var message in reader.ReadAvailable())
            {
                var found = Check(message.Span, most);
                if (found != number++)
                {
                    throw new InvalidDataException($"Message {found} came instead of {number - 1}.");
                }
            }
        }

        Console.WriteLine("read " + count.ToString(CultureInfo.InvariantCulture));
        Console.ReadLine();
    }

    /// <summary>The longest message of the channels of these tests, which all have 64 KiB.</summary>
    private static int MaxOfTests(this MessageReader reader) => reader is null ? 0 : (1 << 15) - 8;
}
