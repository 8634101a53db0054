using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>What the other process does with a frame channel.</summary>
internal static class FrameActs
{
    /// <summary>Sends numbered frames for ever, from 0.</summary>
    internal static int Stream(string name)
    {
        using var channel = FrameChannel.Open(name);
        using var writer = channel.OpenWriter();
        Console.WriteLine("open");
        for (var number = 0L; ; number++)
        {
            FrameStreams.Send(writer, number);
        }
    }

    /// <summary>Joins, reads some frames and holds some, and leaves, again and again.</summary>
    internal static int Rejoin(string name)
    {
        using var channel = FrameChannel.Open(name);
        Console.WriteLine("open");
        for (var round = 0; ; round++)
        {
            using var reader = channel.OpenReader(new() { Overflow = (FrameOverflow)(round % 3), Restart = PeerRestart.Wait });
            for (var i = 0; i < round % 7; i++)
            {
                if (reader.WaitToRead(TimeSpan.FromMilliseconds(5)) && reader.TryRead(out var frame))
                {
                    FrameStreams.Check(frame);
                    if (i % 3 != 0)
                    {
                        frame.Dispose();
                    }
                }
            }
        }
    }

    /// <summary>Does one thing per line, as a reader.</summary>
    internal static int Read(string name, string overflow)
    {
        using var channel = FrameChannel.Open(name);
        using var reader = channel.OpenReader(new() { Overflow = Enum.Parse<FrameOverflow>(overflow), Label = overflow, Restart = PeerRestart.Wait });
        Frame? held = null;
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            switch (line)
            {
                case "hold":
                    Console.WriteLine(reader.TryRead(out held) ? Text(FrameStreams.Check(held)) : "none");
                    break;
                case "check":
                    Console.WriteLine(Text(FrameStreams.Check(held!)));
                    break;
                case "give back":
                    held!.Dispose();
                    Console.WriteLine("given back");
                    break;
                case "read":
                    if (reader.TryRead(out var frame))
                    {
                        using (frame)
                        {
                            Console.WriteLine(Text(FrameStreams.Check(frame)));
                        }
                    }
                    else
                    {
                        Console.WriteLine("none");
                    }

                    break;
                default:
                    return 9;
            }
        }

        return 0;
    }

    /// <summary>Does one thing per line, as the publisher.</summary>
    internal static int Write(string name)
    {
        using var channel = FrameChannel.Open(name);
        using var writer = channel.OpenWriter();
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["send", var number]:
                    FrameStreams.Send(writer, long.Parse(number, CultureInfo.InvariantCulture));
                    Console.WriteLine("sent");
                    break;
                case ["loan"]:
                    writer.Loan(100).Span.Fill(0xEE);
                    Console.WriteLine("loaned");
                    break;
                default:
                    return 9;
            }
        }

        return 0;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
