// A client draws into a pool of buffers and a compositor shows them, as Wayland's wl_shm does: dotnet run samples/13-buffer-pool.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int Frames = 60;
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
    var (shown, torn) = await ComposeAsync();
    await client.WaitForExitAsync();
    Console.WriteLine($"compositor: {shown} frames shown, {torn} torn");
    return client.ExitCode == 0 && shown == Frames && torn == 0 ? 0 : 1;
}
finally
{
    File.Delete(path);
}

// The compositor maps the pool once. It shows a buffer when it is committed, and then releases it.
async Task<(int Shown, int Torn)> ComposeAsync()
{
    using var socket = await listener.AcceptAsync(limit.Token);
    var message = new byte[Marshal.SizeOf<Request>()];
    int shown = 0, torn = 0;
    SharedMemoryObject? pool = null;
    MemoryMapping? pixels = null;
    try
    {
        while (true)
        {
            // snippet: handles
            using var received = await socket.ReceiveHandlesAsync(message, maxHandles: 1, limit.Token);
            if (received.BytesReceived == 0)
            {
                return (shown, torn);
            }

            // A client may send anything: an invalid request ends the connection.
            var request = MemoryMarshal.Read<Request>(message);
            if (received.BytesReceived != message.Length || received.DataTruncated || (request.What == What.CreatePool) != (pool is null))
            {
                throw new InvalidDataException("An invalid request.");
            }
            // end

            switch (request.What)
            {
                case What.CreatePool:
                    // snippet: take
                    pool = received.TakeObject(0);   // Throws if it is not memory; disposing the message then closes it.
                    if (!pool.Seals.HasFlag(MemorySeals.Shrink) || pool.Length > Most)
                    {
                        throw new InvalidDataException("The pool can be shortened by its client, or is too large.");
                    }
                    // end

                    pixels = pool.Map(new() { Access = FileAccess.Read, AddressSpace = Most });
                    Console.WriteLine($"compositor: a pool of {pool.Length >> 10} KiB; stable: {pixels.IsStable}");
                    break;
                case What.ResizePool:
                    pixels!.Refresh();
                    Console.WriteLine($"compositor: the pool has grown to {pixels.Length >> 10} KiB, at the same address");
                    break;
                case What.Commit:
                    var frame = pixels!.GetReadOnlySpan(request.Offset, checked(request.Width * request.Height * 4));   // Throws if it is not inside the pool.
                    torn += frame.ContainsAnyExcept(frame[0]) ? 1 : 0;
                    shown++;
                    await socket.SendAsync(message);   // Released: the client may draw into it again.
                    break;
            }
        }
    }
    finally
    {
        pixels?.Dispose();
        pool?.Dispose();
    }
}

// The client has two buffers in its pool, draws into the free one, and grows the pool with its window.
static async Task DrawAsync(string socketPath)
{
    using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath));
    int width = 320, height = 200;
    using var pool = SharedMemoryObject.CreateAnonymous(2L * width * height * 4, new() { DebugName = "wl_shm" });
    pool.AddSeals(MemorySeals.Shrink);
    using var pixels = pool.Map(new() { AddressSpace = Most });
    // snippet: send
    await socket.SendHandlesAsync(Encode(new() { What = What.CreatePool }), [pool.SafeFileHandle]);
    // end

    var free = new Queue<int>([0, 1]);
    var release = new byte[Marshal.SizeOf<Request>()];
    for (var frame = 0; frame < Frames; frame++)
    {
        if (frame == Frames / 2)
        {
            // First wait for both buffers: the new ones have other offsets.
            while (free.Count < 2)
            {
                await socket.ReceiveAsync(release);
                free.Enqueue(MemoryMarshal.Read<Request>(release).Buffer);
            }

            (width, height) = (640, 400);
            pool.SetLength(2L * width * height * 4);
            pixels.Refresh();
            await socket.SendAsync(Encode(new() { What = What.ResizePool }));
        }

        if (free.Count == 0)
        {
            await socket.ReceiveAsync(release);
            free.Enqueue(MemoryMarshal.Read<Request>(release).Buffer);
        }

        var buffer = free.Dequeue();
        var offset = buffer * width * height * 4;
        pixels.GetSpan(offset, width * height * 4).Fill((byte)frame);
        await socket.SendAsync(Encode(new() { What = What.Commit, Buffer = buffer, Offset = offset, Width = width, Height = height }));
    }

    while (free.Count < 2)
    {
        await socket.ReceiveAsync(release);
        free.Enqueue(MemoryMarshal.Read<Request>(release).Buffer);
    }
}

static byte[] Encode(Request request)
{
    var bytes = new byte[Marshal.SizeOf<Request>()];
    MemoryMarshal.Write(bytes, request);
    return bytes;
}

internal enum What
{
    CreatePool,
    ResizePool,
    Commit,
}

internal struct Request
{
    public What What;
    public int Buffer;
    public int Offset;
    public int Width;
    public int Height;
}
