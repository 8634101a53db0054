using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>What the other process does with a latest value.</summary>
internal static class LatestActs
{
    /// <summary>Publishes numbered values of which every byte and the length follow from the version, for ever.</summary>
    internal static int Stream(string name)
    {
        using var value = LatestBytes.Open(name);
        using var writer = value.OpenWriter();
        var bytes = new byte[writer.MaxLength];
        using (var reader = value.OpenReader(new() { Restart = PeerRestart.Wait }))
        {
            reader.TryRead(bytes, out _, out var version);
            Console.WriteLine("open");
            for (var number = (version / 2) + 1; ; number++)
            {
                using var reservation = writer.Begin();
                var length = Streams.LengthOf(number, bytes.Length);
                Streams.Fill(reservation.Span[..length], number);
                reservation.Commit(length);
            }
        }
    }

    internal static int Write(string name)
    {
        using var value = LatestValue<long>.Open(name);
        using var writer = value.OpenWriter();
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            if (line == "begin")
            {
                writer.Begin().Value = -1;
            }
            else
            {
                writer.Publish(long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
            }

            Console.WriteLine("done");
        }

        return 0;
    }

    internal static int Read(string name, string access)
    {
        using var value = LatestValue<long>.Open(name, Enum.Parse<FileAccess>(access));
        using var reader = value.OpenReader();
        Console.WriteLine("open");
        while (Console.ReadLine() is not null)
        {
            Console.WriteLine(reader.TryRead(out var number, out _) ? number.ToString(CultureInfo.InvariantCulture) : "none");
        }

        return 0;
    }
}
