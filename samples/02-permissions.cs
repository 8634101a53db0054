// Who may open an object: dotnet run samples/02-permissions.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const UnixFileMode OwnerWritesAllRead = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
const UnixFileMode AllReadAndWrite = OwnerWritesAllRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
var good = true;

// snippet: create
// Create sets exactly the requested permissions, before any other process can see the object.
var exact = SharedMemoryObject.CreateUniqueName("sample-02");
using var shared = SharedMemoryObject.Create(exact, 4096, new() { Permissions = AllReadAndWrite, Lifetime = Lifetime.UnlinkOnDispose });
// end
Expect(shared.Permissions == AllReadAndWrite, $"Create with 0666 made {Octal(shared)}");

// Open is shm_open: the process's umask removes bits, and the new object has length 0.
var masked = SharedMemoryObject.CreateUniqueName("sample-02");
using (var plain = SharedMemoryObject.Open(masked, FileMode.CreateNew, FileAccess.ReadWrite, AllReadAndWrite))
{
    using var name = new NameOwner(plain);
    Expect((plain.Permissions & ~AllReadAndWrite) == 0, $"Open with 0666 made {Octal(plain)}: 0666 minus the umask");
}

// snippet: change
// The owner may change them later. Processes that have the object open are unaffected.
shared.Permissions = OwnerWritesAllRead;
// end
Expect(shared.Permissions == OwnerWritesAllRead, $"the owner changed them to {Octal(shared)}");

// snippet: refused
// The system refuses what the permissions do not allow, except to root.
shared.Permissions = UnixFileMode.None;
try
{
    SharedMemoryObject.Open(exact).Dispose();
    Expect(Environment.IsPrivilegedProcess, "with 0000, root could still open it");
}
catch (SharedMemoryException e) when (e.Errno == Errno.EACCES)
{
    Expect(!Environment.IsPrivilegedProcess, $"with 0000: {e.Message}");
}
// end

return good ? 0 : 1;

void Expect(bool holds, string claim)
{
    good &= holds;
    Console.WriteLine($"{(holds ? "yes" : "NO ")}  {claim}");
}

static string Octal(SharedMemoryObject memory) => "0" + Convert.ToString((int)memory.Permissions, 8);
