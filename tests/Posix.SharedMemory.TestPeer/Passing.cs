using System.Globalization;
using System.Net.Sockets;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Sends and receives over a socket that a test listens on.</summary>
internal static class Passing
{
    /// <summary>
    /// Connects: <c>TYPE PATH</c>. Then reads <c>who</c>, <c>send HANDLES</c>, <c>send-many MESSAGES BYTES</c>, <c>receive MAX</c> and <c>receive-object SEALS</c>, and prints
    /// <c>ok …</c> or what was thrown.
    /// </summary>
    internal static void Pass(string[] arguments)
    {
        using var socket = new Socket(AddressFamily.Unix, Enum.Parse<SocketType>(arguments[0]), ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(arguments[1]));
        while (Console.ReadLine() is { } line)
        {
            try
            {
                Console.WriteLine(Answer(socket, line.Split(' ')));
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                Console.WriteLine($"{e.GetType().Name} {e.Message}");
            }
        }
    }

    private static string Answer(Socket socket, string[] words)
    {
        switch (words[0])
        {
            case "who":
                return string.Create(CultureInfo.InvariantCulture, $"ok {socket.GetPeerCredentials().ProcessId}");
            case "send":
                using (var memory = SharedMemoryObject.CreateAnonymous(1))
                {
                    var handles = Enumerable.Repeat(memory.SafeFileHandle, int.Parse(words[1], CultureInfo.InvariantCulture)).ToArray();
                    socket.SendHandlesAsync(new byte[1], handles).AsTask().GetAwaiter().GetResult();
                    return "ok";
                }

            case "receive":
                using (var result = socket.ReceiveHandlesAsync(new byte[100], int.Parse(words[1], CultureInfo.InvariantCulture)).AsTask().GetAwaiter().GetResult())
                {
                    return string.Create(CultureInfo.InvariantCulture, $"ok {result.BytesReceived} {result.Handles.Count} {result.HandlesDropped}");
                }

            case "send-many":
                // All at once. First it says how many of them have to wait, then that none does any more.
                var data = new byte[int.Parse(words[2], CultureInfo.InvariantCulture)];
                var sendings = Enumerable.Range(0, int.Parse(words[1], CultureInfo.InvariantCulture)).Select(_ => socket.SendHandlesAsync(data, []).AsTask()).ToList();
                var waiting = sendings.Count(sending => !sending.IsCompleted);
                Console.WriteLine(waiting.ToString(CultureInfo.InvariantCulture));
                Task.WhenAll(sendings).GetAwaiter().GetResult();
                return "ok";

            default:
                using (var memory = socket.ReceiveObjectAsync(Enum.Parse<MemorySeals>(words[1])).AsTask().GetAwaiter().GetResult())
                {
                    return string.Create(CultureInfo.InvariantCulture, $"ok {memory.Length}");
                }
        }
    }
}
