// A lookup table that no process can change, handed to three workers: dotnet run samples/10-sealed-table.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using Posix.SharedMemory;

const int Workers = 3;
const int Entries = 1 << 20;
// snippet: constant
const MemorySeals Constant = MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write;
// end

if (args is ["--worker", var given])
{
    return await WorkAsync(given);
}

// snippet: seal
// Squares modulo a prime. Once it is unmapped, the object can be sealed, and is constant from then on, for this process too.
using var table = SharedMemoryObject.CreateAnonymous(Entries * sizeof(uint), new() { DebugName = "squares" });
using (var map = table.Map())
{
    var squares = map.GetSpan<uint>(0, Entries);
    for (var i = 0; i < Entries; i++)
    {
        squares[i] = Square(i);
    }
}

table.AddSeals(Constant | MemorySeals.Seal);
// end
Console.WriteLine($"table: {table.Length >> 20} MiB, sealed against {table.Seals}");

// snippet: listen
var path = Path.Combine(Path.GetTempPath(), SharedMemoryObject.CreateUniqueName("sample-10"));
using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
listener.Bind(new UnixDomainSocketEndPoint(path));
listener.Listen();
// end
var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
var workers = Enumerable.Range(0, Workers).Select(_ => Process.Start(program[0], [.. program[1..], "--worker", path])).ToArray();
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
for (var worker = 0; worker < Workers; worker++)
{
    using var connection = await listener.AcceptAsync(limit.Token);
    // snippet: serve
    // Any process with permission may connect to the path. The kernel says which one did.
    var peer = connection.GetPeerCredentials();
    Console.WriteLine($"table: process {peer.ProcessId} of user {peer.UserId} asked for it");
    await connection.SendObjectAsync(table);
    // end
}

File.Delete(path);
await Task.WhenAll(workers.Select(worker => worker.WaitForExitAsync()));
return workers.All(worker => worker.ExitCode == 0) ? 0 : 1;

static uint Square(long i) => (uint)(i * i % 4_294_967_291);

static async Task<int> WorkAsync(string path)
{
    // snippet: connect
    using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));

    // snippet: receive
    // This refuses an object without these seals, and anything that is not memory.
    using var table = await socket.ReceiveObjectAsync(Constant);
    if (table.Length > Entries * sizeof(uint))
    {
        throw new InvalidDataException("The table is too long: pages never written would be allocated when they are read.");
    }

    using var map = table.Map();   // For reading, because the memory is sealed against writing.
    // end
    // end
    var isRight = map.IsStable && map.GetReadOnlySpan<uint>(0, Entries)[Entries - 1] == Square(Entries - 1);
    try
    {
        table.Write([0], 0);
        return 1;
    }
    catch (SharedMemoryException e) when (e.Errno == Errno.EPERM)
    {
        Console.WriteLine($"worker {Environment.ProcessId}: {(isRight ? "right" : "WRONG")}; writing: {e.Message}");
        return isRight ? 0 : 1;
    }
}
