// An object that a group shares, and one that is handed to another user: dotnet run samples/31-groups.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const UnixFileMode GroupReadsAndWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
const uint Nobody = 65534;

using var own = SharedMemoryObject.CreateUnpublished(0);
var group = own.GetStatus().GroupId;   // A group that this process is in. Root may choose any other.

// snippet: group
// The group and the permissions are set before any other process can see the object.
var name = SharedMemoryObject.CreateUniqueName("sample-31");
using var shared = SharedMemoryObject.Create(name, 4096, new()
{
    GroupId = group,
    Permissions = GroupReadsAndWrites,
    Lifetime = Lifetime.UnlinkOnDispose,
});
// end
var status = shared.GetStatus();
var good = status.GroupId == group && status.Permissions == GroupReadsAndWrites;
Console.WriteLine($"group {status.GroupId} may read and write it: {status.Permissions}");

// snippet: owner
// A service that starts as root and then drops its rights hands its objects over first. Only root may do so.
try
{
    shared.SetOwner(userId: Nobody, groupId: null);
    Console.WriteLine($"it belongs to user {shared.GetStatus().UserId} now");
}
catch (SharedMemoryException e) when (e.Errno is Errno.EPERM)
{
    Console.WriteLine(e.Message);
}
// end

return good ? 0 : 1;
