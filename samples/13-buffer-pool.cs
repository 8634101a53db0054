// A compositor shows what 13-buffer-pool-client.cs draws into a pool of buffers, as Wayland's wl_shm does: dotnet run samples/13-buffer-pool.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int BufferBytes = 320 * 200 * 4;
var path = Path.Combine(Path.GetTempPath(), $"sample-13-{Environment.UserName}");
File.Delete(path);   // An earlier run that was killed left it.
using var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
listener.Bind(new UnixDomainSocketEndPoint(path));   // Disposing the listener removes the path.
listener.Listen();
Console.WriteLine("The compositor is ready for its client. Press Enter to stop it.");
using var stop = new CancellationTokenSource();
_ = Task.Run(() => { Console.ReadLine(); stop.Cancel(); });

try
{
    using var socket = await listener.AcceptAsync(stop.Token);
    var message = new byte[Marshal.SizeOf<Request>()];
    // snippet: handles
    using var received = await socket.ReceiveHandlesAsync(message, maxHandles: 1, stop.Token);

    // A client may send anything: an invalid request ends the connection.
    if (received.BytesReceived != message.Length || received.DataTruncated || MemoryMarshal.Read<Request>(message).What != What.CreatePool)
    {
        throw new InvalidDataException("An invalid request.");
    }
    // end

    // snippet: take
    using var pool = received.TakeObject(0);   // Throws if it is not memory; disposing the message then closes it.
    if (!pool.Seals.HasFlag(MemorySeals.Shrink) || pool.Length > 1L << 30)
    {
        throw new InvalidDataException("The pool can be shortened by its client, or is too large.");
    }
    // end

    // The compositor maps the pool once. It shows a buffer when it is committed, and then releases it.
    using var pixels = pool.Map(new() { Access = FileAccess.Read });
    int shown = 0, torn = 0;
    for (; await socket.ReceiveAsync(message, stop.Token) == message.Length; shown++)
    {
        var frame = pixels.GetReadOnlySpan(MemoryMarshal.Read<Request>(message).Offset, BufferBytes);   // Throws if it is not inside the pool.
        torn += frame.ContainsAnyExcept(frame[0]) ? 1 : 0;
        await socket.SendAsync(message);   // Released: the client may draw into it again.
    }

    Console.WriteLine($"compositor: {shown} frames shown from a pool of {pool.Length >> 10} KiB, {torn} torn");
    return torn == 0 ? 0 : 1;
}
catch (OperationCanceledException)
{
    return 0;
}

internal enum What { CreatePool, Commit }

internal record struct Request(What What, long Offset);
