using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>The other side of a connection: it opens it in one of the ways, and then does one thing per line.</summary>
internal static class ConnectionActs
{
    internal static int Run(string way, string argument)
    {
        if (way == "connect-only")
        {
            // A client that says nothing: it does not even receive its connection.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(argument));
            Console.WriteLine("open");
            Console.ReadLine();
            return 0;
        }

        if (way == "listen-only")
        {
            using var listener = new MessageListener(argument);
            Console.WriteLine("open");
            Console.ReadLine();
            return 0;
        }

        using var connection = OpenAsync(way, argument).AsTask().GetAwaiter().GetResult();
        Console.WriteLine("open");
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(Act(connection, line));
        }

        return 0;
    }

    private static async ValueTask<MessageConnection> OpenAsync(string way, string argument)
    {
        if (way == "connect")
        {
            return await MessageConnection.ConnectAsync(argument);
        }

        if (way == "receive")
        {
            return await MessageConnection.ReceiveAsync(new(new SafeSocketHandle(int.Parse(argument, CultureInfo.InvariantCulture), ownsHandle: true)));
        }

        await using var listener = new MessageListener(argument);
        Console.WriteLine("listening");
        return await listener.AcceptAsync();
    }

    private static string Act(MessageConnection connection, string line)
    {
        switch (line.Split(' '))
        {
            case ["write", var text]:
                return connection.Output.TryWrite(Encoding.UTF8.GetBytes(text)).ToString();
            case ["reserve"]:
                connection.Output.TryReserve(64, out var reservation);
                reservation.Span.Fill(1);
                return "reserved";
            case ["fill"]:
                while (connection.Output.TryWrite(new byte[1000]))
                {
                }

                return "full";
            case ["read"]:
                var bytes = new byte[1024];
                return connection.Input.WaitToRead(Watchdog.Limit) && connection.Input.TryRead(bytes, out var length, out _) ? Encoding.UTF8.GetString(bytes, 0, length) : "empty";
            case ["echo", var count]:
                for (var i = int.Parse(count, CultureInfo.InvariantCulture); i > 0; i--)
                {
                    connection.Input.WaitToRead(Watchdog.Limit);
                    connection.Input.TryRead(out MessageLease lease);
                    using (lease)
                    {
                        connection.Output.Write(lease.Span);
                    }
                }

                return "echoed";
            case ["send", var size]:
                using (var memory = SharedMemoryObject.CreateAnonymous(long.Parse(size, CultureInfo.InvariantCulture)))
                {
                    using (var mapping = memory.Map())
                    {
                        mapping.GetSpan()[^1] = 7;
                    }

                    memory.AddSeals(MemorySeals.Shrink);
                    connection.SendObjectAsync(memory).AsTask().GetAwaiter().GetResult();
                }

                return "sent";
            case ["call"]:
                _ = connection.AsCalls().CallAsync("mine"u8.ToArray());
                return "called";
            case ["hold"]:
                return $"held {Hold(connection.AsCalls())}";
            case ["complete"]:
                connection.Output.Complete();
                return "completed";
            case ["close"]:
                connection.Dispose();
                return "closed";
            default:
                return $"unknown command '{line}'";
        }
    }

    /// <summary>Receives four calls, and answers none.</summary>
    private static int Hold(MessageCalls calls)
    {
        var held = 0;
        while (held < 4 && calls.WaitToReceive(Watchdog.Limit) && calls.TryReceive(out _))
        {
            held++;
        }

        return held;
    }
}
