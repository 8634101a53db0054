// An object that grows under its spans: dotnet run samples/15-growing.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

var good = true;
var name = SharedMemoryObject.CreateUniqueName("sample-15");

if (SharedMemoryDirectory.GetUsage().AvailableBytes < 34 << 20)
{
    Console.WriteLine("SKIPPED: this sample needs 34 MiB in /dev/shm.");
    return 0;
}

// snippet: grow
using var log = SharedMemoryObject.Create(name, 1 << 20, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = log.Map(new MappingOptions { AddressSpace = 1 << 26 });   // 64 MiB of addresses, which cost no memory.
ref var first = ref map.GetReference<int>(0);
first = 42;

log.SetLength(32 << 20);   // Reserves the memory, or throws: ENOSPC, ENOMEM.
map.Refresh();             // The mapping now has 32 MiB.
map.GetSpan(31 << 20, 1 << 20).Fill(1);
// end
Expect(first == 42 && map.Length == 32 << 20, "the object grew from 1 to 32 MiB, and a reference taken before still refers to its first byte");

// snippet: follow
// In any other process: Refresh adopts the object's current length.
using var other = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
using var view = other.Map(new MappingOptions { AddressSpace = 1 << 26 });
log.SetLength(33 << 20);
var grown = view.Refresh();
// end
Expect(grown && view.Length == 33 << 20, "another mapping followed");

// snippet: shrink
// Shrinking below a mapping of the same SharedMemoryObject is refused: touching a page that is gone would end the process.
try
{
    log.SetLength(4096);
}
catch (InvalidOperationException refusal)
{
    Expect(log.Length == 33 << 20, $"shrinking: {refusal.Message}");
}

log.Discard(16 << 20, 16 << 20);   // Returns 16 MiB to the system. They read as zero, and the length stays the same.
// end
Expect(map.GetReadOnlySpan(31 << 20, 1)[0] == 0, "the discarded part reads as zero");

return good ? 0 : 1;

void Expect(bool holds, string claim)
{
    good &= holds;
    Console.WriteLine($"{(holds ? "yes" : "NO ")}  {claim}");
}
