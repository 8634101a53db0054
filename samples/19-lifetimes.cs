// Spans, leases and memory for asynchronous code; a name that disappears with the last process: dotnet run samples/19-lifetimes.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net;
using System.Net.Sockets;
using Posix.SharedMemory;

var good = true;
using (var memory = SharedMemoryObject.CreateUnpublished(1 << 20))
{
    // snippet: span
    using var map = memory.Map();
    var pixels = map.GetSpan(0, 1 << 20);
    pixels.Fill(1);          // Fine: map exists until the end of the block.
    // end
    good &= Count(map) == 1 << 20 && await SendAsync(map) == 4096;
}

// snippet: last
var name = SharedMemoryObject.CreateUniqueName("sample-19");
var creator = SharedMemoryObject.Create(name, 4096, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
var user = SharedMemoryObject.Open(name);   // Becomes a member, because the creator chose this lifetime.
creator.Dispose();
good &= !user.IsUnlinked;                   // The first member to leave removes nothing …
user.Dispose();
good &= !SharedMemoryObject.TryUnlink(name);   // … and the last one removes the name. A process that is killed stops counting, too.
// end

Console.WriteLine(good ? "a lease, an asynchronous send and the last member: all as expected" : "something is WRONG");
return good ? 0 : 1;

static int Count(MemoryMapping map)
{
    // snippet: lease
    using var lease = map.Acquire();
    Span<byte> pixels = lease.Span;
    // end
    return pixels.Count((byte)1);
}

static async Task<int> SendAsync(MemoryMapping map)
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    await socket.ConnectAsync(listener.LocalEndpoint);
    using var peer = await listener.AcceptTcpClientAsync();

    // snippet: memory
    using var frame = map.GetMemory(0, 4096);
    await socket.SendAsync(frame.Memory);
    // end
    var received = new byte[4096];
    await peer.GetStream().ReadExactlyAsync(received);
    return received.Sum(pixel => pixel);
}
