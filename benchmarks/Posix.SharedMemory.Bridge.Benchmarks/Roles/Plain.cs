using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Posix.SharedMemory.Bridge.Benchmarks.Roles;

/// <summary>The same bytes through one TCP connection, without anything else: what the cable and the kernel can do.</summary>
internal static class Plain
{
    internal static async Task<string> ReceiveAsync(string address)
    {
        using var listener = Listen(address);
        using var socket = await listener.AcceptSocketAsync();
        var buffer = new byte[1 << 20];
        long bytes = 0, start = 0;
        for (int count; (count = await socket.ReceiveAsync(buffer)) > 0; bytes += count)
        {
            start = start == 0 ? Stopwatch.GetTimestamp() : start;
        }

        return Figures.Of(0, bytes, Stopwatch.GetElapsedTime(start));
    }

    internal static async Task<string> SendAsync(string address, int length, int count)
    {
        using var socket = await ConnectAsync(address);
        var message = new byte[length];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            for (var sent = 0; sent < length;)
            {
                sent += await socket.SendAsync(message.AsMemory(sent));
            }
        }

        socket.Shutdown(SocketShutdown.Both);
        return Figures.Of(count, (long)count * length, Stopwatch.GetElapsedTime(start));
    }

    internal static async Task<string> PingAsync(string address, int count)
    {
        using var socket = await ConnectAsync(address);
        var message = new byte[64];
        var trips = new List<long>(count);
        for (var number = -count / 10; number < count; number++)
        {
            var start = Stopwatch.GetTimestamp();
            await socket.SendAsync(message);
            await ReceiveAllAsync(socket, message);
            if (number >= 0)
            {
                trips.Add(Stopwatch.GetTimestamp() - start);
            }
        }

        return Figures.OfTrips(trips);
    }

    internal static async Task<string> PongAsync(string address)
    {
        using var listener = Listen(address);
        using var socket = await listener.AcceptSocketAsync();
        socket.NoDelay = true;
        var message = new byte[64];
        while (await ReceiveAllAsync(socket, message))
        {
            await socket.SendAsync(message);
        }

        return "done=1";
    }

    private static TcpListener Listen(string address)
    {
        var listener = new TcpListener(IPEndPoint.Parse(address));
        listener.Start();
        Console.WriteLine("open");
        return listener;
    }

    private static async Task<Socket> ConnectAsync(string address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPEndPoint.Parse(address));
        return socket;
    }

    private static async Task<bool> ReceiveAllAsync(Socket socket, byte[] message)
    {
        for (var read = 0; read < message.Length;)
        {
            var count = await socket.ReceiveAsync(message.AsMemory(read));
            if (count == 0)
            {
                return false;
            }

            read += count;
        }

        return true;
    }
}
