// The reader of 23-doorbell.cs, which sleeps until there is something new: dotnet run samples/23-doorbell-reader.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net.Sockets;
using Posix.SharedMemory;

const string Name = "hello-doorbell";
const int Values = 1_000;
var path = Path.Combine(Path.GetTempPath(), Name);

// snippet: listen
using var bell = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
File.Delete(path);   // A reader that was killed leaves its socket's path.
bell.Bind(new UnixDomainSocketEndPoint(path));   // Disposing the socket removes the path.
// end

// snippet: wait
// Whichever program starts first: this waits until the object exists and has its length.
using var memory = await SharedMemoryObject.OpenWhenReadyAsync(Name, FileAccess.Read, minimumLength: 4096);
// end
using var map = memory.Map();
var first = Volatile.Read(in map.GetReadOnlyReference<int>(0));
var (last, looks) = (first, 0);

// snippet: look
var ring = new byte[1];
while (last < first + Values)
{
    // Look after every ring, and once before the first: the data counts, not the number of rings.
    last = Volatile.Read(in map.GetReadOnlyReference<int>(0));
    looks++;
    if (last < first + Values)
    {
        await bell.ReceiveAsync(ring);
    }
}
// end

Console.WriteLine($"reader: followed {last - first} values by {looks} looks");
return 0;
