// What happens when /dev/shm is full: an exception, and another way: dotnet run samples/16-no-room.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

var name = SharedMemoryObject.CreateUniqueName("sample-16");
var refused = false;

// snippet: room
SharedMemoryUsage room = SharedMemoryDirectory.GetUsage();
Console.WriteLine($"/dev/shm: {room.TotalBytes >> 20} MiB, {room.AvailableBytes >> 20} MiB of them free");
try
{
    using var tooMuch = SharedMemoryObject.Create(name, room.TotalBytes + 4096);
}
catch (SharedMemoryException e) when (e.Errno == Errno.ENOSPC || e.Errno == Errno.ENOMEM)
{
    refused = true;
    Console.WriteLine(e.Message);   // How much was asked for and how much there was. No name is left, and nobody was killed.
}
// end

// snippet: elsewhere
// Memory without a name does not count against the size of /dev/shm, which in a container is often 64 MB.
using var frames = SharedMemoryObject.CreateAnonymous(80 << 20, new() { DebugName = "frames" });
// end
Console.WriteLine($"80 MiB without a name: {frames.GetStatus().AllocatedBytes >> 20} MiB are reserved");

// snippet: open-or-create
// Opens what is there, whoever made it, and otherwise creates it whole: also where fs.protected_regular forbids O_CREAT on others' objects.
using var shared = SharedMemoryObject.OpenOrCreate(name, 4096, out var created, new() { Lifetime = Lifetime.UnlinkOnDispose });
// end
Console.WriteLine($"a small one: {(created ? "created" : "found")}");
return refused && created ? 0 : 1;
