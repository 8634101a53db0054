// A writer rings when it has something new; its reader, 23-doorbell-reader.cs, sleeps until then: dotnet run samples/23-doorbell.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Net.Sockets;
using Posix.SharedMemory;

// The two programs have nothing in common but these two names, and either may start first.
const string Name = "hello-doorbell";
var path = Path.Combine(Path.GetTempPath(), Name);
Console.WriteLine("The writer is ready. Press Enter to stop it.");
var enter = Task.Run(Console.ReadLine);

// snippet: ring
using var memory = SharedMemoryObject.Create(Name, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose, OnConflict = NameConflict.Replace });
using var map = memory.Map();
using var bell = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
var door = new UnixDomainSocketEndPoint(path);
for (var value = 1; !enter.IsCompleted; value++)
{
    Volatile.Write(ref map.GetReference<int>(0), value);   // First the data …
    try
    {
        bell.SendTo([1], door);                             // … then the bell.
    }
    catch (SocketException)
    {
        // No reader is there, or it has not heard the last rings yet: it will look at the data in any case.
    }

    Thread.Sleep(1);                                        // The rate of a sensor.
}
// end
