// A client draws into a pool of buffers and a compositor shows them, as Wayland's wl_shm does: dotnet run samples/13-buffer-pool.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int Frames = 60, BufferBytes = 320 * 200 * 4;
const long Most = 1L << 30;

if (args is ["--client", var socketPath])
{
    await DrawAsync(socketPath);
    return 0;
}

var path = Path.Combine(Path.GetTempPath(), SharedMemoryObject.CreateUniqueName("sample-13"));
using var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
listener.Bind(new UnixDomainSocketEndPoint(path));
listener.Listen();
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
try
{
    var self = Environment.ProcessPath!;
    string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
    using var client = Process.Start(program[0], [.. program[1..], "--client", path]);
    using var socket = await listener.AcceptAsync(limit.Token);
    var (shown, torn) = await ComposeAsync(socket, limit);
    await client.WaitForExitAsync();
    Console.WriteLine($"compositor: {shown} frames shown, {torn} torn");
    return client.ExitCode == 0 && shown == Frames && torn == 0 ? 0 : 1;
}
finally
{
    File.Delete(path);
}

// The compositor maps the pool once. It shows a buffer when it is committed, and then releases it.
static async Task<(int Shown, int Torn)> ComposeAsync(Socket socket, CancellationTokenSource limit)
{
    var message = new byte[Marshal.SizeOf<Request>()];
    int shown = 0, torn = 0;
    SharedMemoryObject? pool = null;
    MemoryMapping? pixels = null;
    while (true)
    {
        // snippet: handles
        using var received = await socket.ReceiveHandlesAsync(message, maxHandles: 1, limit.Token);
        if (received.BytesReceived == 0)
        {
            pixels?.Dispose();
            pool?.Dispose();
            return (shown, torn);
        }

        // A client may send anything: an invalid request ends the connection.
        var request = MemoryMarshal.Read<Request>(message);
        if (received.BytesReceived != message.Length || received.DataTruncated || (request.What == What.CreatePool) != (pool is null))
        {
            throw new InvalidDataException("An invalid request.");
        }
        // end

        if (request.What == What.CreatePool)
        {
            // snippet: take
            pool = received.TakeObject(0);   // Throws if it is not memory; disposing the message then closes it.
            if (!pool.Seals.HasFlag(MemorySeals.Shrink) || pool.Length > Most)
            {
                throw new InvalidDataException("The pool can be shortened by its client, or is too large.");
            }
            // end

            pixels = pool.Map(new() { Access = FileAccess.Read });
            Console.WriteLine($"compositor: a pool of {pool.Length >> 10} KiB; stable: {pixels.IsStable}");
            continue;
        }

        var frame = pixels!.GetReadOnlySpan(request.Offset, BufferBytes);   // Throws if it is not inside the pool.
        torn += frame.ContainsAnyExcept(frame[0]) ? 1 : 0;
        shown++;
        await socket.SendAsync(message);   // Released: the client may draw into it again.
    }
}

// The client has two buffers in its pool, and draws into the free one.
static async Task DrawAsync(string socketPath)
{
    using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath));
    using var pool = SharedMemoryObject.CreateAnonymous(2 * BufferBytes, new() { DebugName = "wl_shm" });
    pool.AddSeals(MemorySeals.Shrink);
    using var pixels = pool.Map();
    // snippet: send
    await socket.SendHandlesAsync(Encode(new() { What = What.CreatePool }), [pool.SafeFileHandle]);
    // end

    var free = new Queue<long>([0, BufferBytes]);
    var release = new byte[Marshal.SizeOf<Request>()];
    for (var frame = 0; frame < Frames; frame++)
    {
        if (free.Count == 0)
        {
            await socket.ReceiveAsync(release);
            free.Enqueue(MemoryMarshal.Read<Request>(release).Offset);
        }

        var offset = free.Dequeue();
        pixels.GetSpan(offset, BufferBytes).Fill((byte)frame);
        await socket.SendAsync(Encode(new() { What = What.Commit, Offset = offset }));
    }

    while (free.Count < 2)
    {
        await socket.ReceiveAsync(release);
        free.Enqueue(MemoryMarshal.Read<Request>(release).Offset);
    }
}

static byte[] Encode(Request request)
{
    var bytes = new byte[Marshal.SizeOf<Request>()];
    MemoryMarshal.Write(bytes, request);
    return bytes;
}

internal enum What { CreatePool, Commit }

internal record struct Request(What What, long Offset);
