// What happens when /dev/shm is full: an exception, and an alternative: dotnet run samples/16-no-room.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

var name = SharedMemoryObject.CreateUniqueName("sample-16");
var refused = false;

// snippet: room
SharedMemoryUsage room = SharedMemoryDirectory.GetUsage();
Console.WriteLine($"/dev/shm: {room.TotalBytes >> 20} MiB, {room.AvailableBytes >> 20} MiB of it free");
try
{
    using var tooMuch = SharedMemoryObject.Create(name, room.TotalBytes + 4096);
}
catch (SharedMemoryException e) when (e.Errno is Errno.ENOSPC or Errno.ENOMEM)
{
    refused = true;
    Console.WriteLine(e.Message);   // Says how much was requested and how much is available. No name is left, and the process survives.
}
// end

// snippet: check
// ENOMEM is an estimate: of what the machine and the control group have free. Where it is too low, as on some ZFS hosts, the kernel alone decides.
using var trusting = SharedMemoryObject.CreateUnpublished(1 << 20, new() { MemoryCheck = MemoryCheck.None });
// end

try
{
    // snippet: elsewhere
    // Memory without a name does not count against the size of /dev/shm, which in a container is often 64 MB.
    using var frames = SharedMemoryObject.CreateAnonymous(80 << 20, new() { DebugName = "frames" });
    // end
    Console.WriteLine($"80 MiB without a name: {frames.GetStatus().AllocatedBytes >> 20} MiB are reserved");
}
catch (SharedMemoryException e) when (e.Errno is Errno.ENOMEM)
{
    Console.WriteLine($"SKIPPED: {e.Message}");
}

// snippet: open-or-create
// Opens an existing object, whichever user created it, or creates a complete one. fs.protected_regular does not get in the way.
using var shared = SharedMemoryObject.OpenOrCreate(name, 4096, out var created, new() { Lifetime = Lifetime.UnlinkOnDispose });
// end
Console.WriteLine($"a small object: {(created ? "created" : "found")}");
return refused && created ? 0 : 1;
