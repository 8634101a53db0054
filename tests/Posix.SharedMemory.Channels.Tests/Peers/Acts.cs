using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>What the other process does: it opens an end, and then does one thing per line.</summary>
internal static class Acts
{
    internal static int Run(string command, string[] arguments)
    {
        if (command == "victim")
        {
            return Victim.Run(arguments[0], TimeSpan.FromSeconds(Number(arguments[1])), arguments[2]);
        }

        using var channel = command == "create" ? MessageChannel.Create(arguments[0], new() { Capacity = arguments is [_, var capacity] ? Number(capacity) : 4096 }) : MessageChannel.Open(arguments[0]);
        switch (command)
        {
            case "writer" or "create":
                using (var writer = channel.OpenWriter(new() { Label = command == "create" ? "" : arguments[1], Restart = PeerRestart.Wait }))
                {
                    Serve(line => Write(writer, line));
                }

                return 0;
            case "reader":
                using (var reader = channel.OpenReader(new() { Label = arguments[1], Restart = arguments is [_, _, "once"] ? PeerRestart.Fail : PeerRestart.Wait }))
                {
                    Serve(line => Read(reader, line));
                }

                return 0;
            case "stream":
                using (var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait }))
                {
                    Streams.Write(writer, Number(arguments[1]), Number(arguments[2]), arguments[3]);
                }

                return 0;
            case "drain":
                using (var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait }))
                {
                    Streams.Read(reader, Number(arguments[1]), Number(arguments[2]));
                }

                return 0;
            case "careless":
                using (var reader = channel.OpenReader())
                {
                    reader.PeerChanged += (_, _) => throw new InvalidOperationException("A handler was careless.");
                    Serve(line => line);
                }

                return 0;
            default:
                return 1;
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static void Serve(Func<string, string> act)
    {
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(act(line));
        }
    }

    private static string Write(MessageWriter writer, string line)
    {
        switch (line.Split(' '))
        {
            case ["write", var text]:
                return writer.TryWrite(System.Text.Encoding.UTF8.GetBytes(text)).ToString();
            case ["reserve"]:
                writer.TryReserve(64, out var reservation);
                reservation.Span.Fill(1);
                return "reserved";
            case ["batch", var text]:
                var batch = writer.BeginBatch();
                batch.TryWrite(System.Text.Encoding.UTF8.GetBytes(text));
                return "stored";
            case ["building"]:
                writer.GetSpan(64).Fill(1);
                writer.Advance(64);
                return "built";
            case ["complete", var error]:
                writer.Complete(int.Parse(error, CultureInfo.InvariantCulture));
                return "completed";
            case ["leave"]:
                writer.Dispose();
                return "left";
            case ["wait"]:
                Console.WriteLine("waiting");
                return writer.WaitToWrite(writer.MaxMessageLength, Watchdog.Limit).ToString();
            default:
                return $"unknown command '{line}'";
        }
    }

    private static string Read(MessageReader reader, string line)
    {
        switch (line)
        {
            case "read":
                Span<byte> bytes = stackalloc byte[1024];
                return reader.TryRead(bytes, out var length, out _) ? System.Text.Encoding.UTF8.GetString(bytes[..length]) : "empty";
            case "lease":
                reader.TryRead(out MessageLease lease);
                return System.Text.Encoding.UTF8.GetString(lease.Span);
            case "leave":
                reader.Dispose();
                return "left";
            case "wait":
                Console.WriteLine("waiting");
                try
                {
                    return reader.WaitToRead(Watchdog.Limit).ToString();
                }
                catch (PeerDiedException)
                {
                    return "died";
                }

            default:
                return $"unknown command '{line}'";
        }
    }
}
