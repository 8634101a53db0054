// A lookup table that no process can change, for any number of workers: dotnet run samples/10-sealed-table.cs
// A worker is 10-sealed-table-worker.cs, for a second terminal.
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net.Sockets;
using Posix.SharedMemory;

const int Entries = 1 << 20;

// snippet: seal
// Squares modulo a prime. Once it is unmapped, the object can be sealed, and is constant from then on, for this process too.
using var table = SharedMemoryObject.CreateAnonymous(Entries * sizeof(uint), new() { DebugName = "squares" });
using (var map = table.Map())
{
    var squares = map.GetSpan<uint>(0, Entries);
    for (var i = 0L; i < Entries; i++)
    {
        squares[(int)i] = (uint)(i * i % 4_294_967_291);
    }
}

table.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write | MemorySeals.Seal);
// end
Console.WriteLine($"table: {table.Length >> 20} MiB, sealed against {table.Seals}");

// snippet: listen
var path = Path.Combine(Path.GetTempPath(), $"sample-10-{Environment.UserName}");
File.Delete(path);   // An earlier run that was killed left it.
using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
listener.Bind(new UnixDomainSocketEndPoint(path));
listener.Listen();
// end
Console.WriteLine("The table is ready for its workers. Press Enter to stop.");
using var stop = new CancellationTokenSource();
_ = Task.Run(() => { Console.ReadLine(); stop.Cancel(); });
try
{
    while (true)
    {
        using var connection = await listener.AcceptAsync(stop.Token);
        // snippet: serve
        // Any process with permission may connect to the path. The kernel says which one did.
        var peer = connection.GetPeerCredentials();
        Console.WriteLine($"table: process {peer.ProcessId} of user {peer.UserId} asked for it");
        await connection.SendObjectAsync(table);
        // end
    }
}
catch (OperationCanceledException)
{
    File.Delete(path);
}
