// A worker gets a table that no process can change: dotnet run samples/10-sealed-table-worker.cs
// The table is from 10-sealed-table.cs, which has to run in another terminal.
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net.Sockets;
using Posix.SharedMemory;

const int Entries = 1 << 20;
// snippet: constant
const MemorySeals Constant = MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write;
// end

var path = Path.Combine(Path.GetTempPath(), $"sample-10-{Environment.UserName}");
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
var isRight = map.IsStable && map.GetReadOnlySpan<uint>(0, Entries)[1000] == 1_000_000;
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
