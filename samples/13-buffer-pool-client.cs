// A client draws into the free one of its two buffers, and commits it: dotnet run samples/13-buffer-pool-client.cs
// The compositor is 13-buffer-pool.cs, which has to run in another terminal.
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int Frames = 60, BufferBytes = 320 * 200 * 4;

using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), $"sample-13-{Environment.UserName}")));
using var pool = SharedMemoryObject.CreateAnonymous(2 * BufferBytes, new() { DebugName = "wl_shm" });
pool.AddSeals(MemorySeals.Shrink);
using var pixels = pool.Map();
// snippet: send
await socket.SendHandlesAsync(Encode(new() { What = What.CreatePool }), [pool.SafeFileHandle]);
// end

var free = new Queue<long>([0, BufferBytes]);
for (var frame = 0; frame < Frames; frame++)
{
    if (free.Count == 0)
    {
        free.Enqueue(await ReleasedAsync());
    }

    var offset = free.Dequeue();
    pixels.GetSpan(offset, BufferBytes).Fill((byte)frame);
    await socket.SendAsync(Encode(new() { What = What.Commit, Offset = offset }));
}

while (free.Count < 2)
{
    free.Enqueue(await ReleasedAsync());
}

Console.WriteLine($"client: {Frames} frames drawn");
return 0;

async Task<long> ReleasedAsync()
{
    var message = new byte[Marshal.SizeOf<Request>()];
    return await socket.ReceiveAsync(message) == message.Length
        ? MemoryMarshal.Read<Request>(message).Offset
        : throw new EndOfStreamException("The compositor closed the connection.");
}

static byte[] Encode(Request request)
{
    var bytes = new byte[Marshal.SizeOf<Request>()];
    MemoryMarshal.Write(bytes, request);
    return bytes;
}

internal enum What { CreatePool, Commit }

internal record struct Request(What What, long Offset);
