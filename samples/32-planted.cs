// What another user may have put under a name: dotnet run samples/32-planted.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

// snippet: planted
// The library does not follow a planted link, and does not wait for a FIFO.
var link = SharedMemoryObject.CreateUniqueName("sample-32");
File.CreateSymbolicLink($"/dev/shm/{link}", "/etc/passwd");
try
{
    SharedMemoryObject.Open(link).Dispose();
    return 1;
}
catch (SharedMemoryException e) when (e.Errno == Errno.ELOOP)
{
    Console.WriteLine(e.Message);
}
finally
{
    File.Delete($"/dev/shm/{link}");
}
// end

var name = SharedMemoryObject.CreateUniqueName("sample-32");
using var memory = SharedMemoryObject.Create(name, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose });

// snippet: owner
// Which user created this object? Another one may have been faster. An object of our own shows our user id.
using var own = SharedMemoryObject.CreateUnpublished(0);
using var opened = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
if (opened.GetStatus().UserId != own.GetStatus().UserId)
{
    throw new UnauthorizedAccessException($"{name} belongs to another user.");
}
// end

Console.WriteLine($"{name} belongs to this user");
return 0;
