// Objects and files that grow under their spans: dotnet run samples/15-growing.cs
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

// snippet: exhausted
log.SetLength(65 << 20, Backing.Sparse);   // Sparse: longer, but without memory. Touching a new page may be a bus error.
try
{
    map.Refresh();
}
catch (InvalidOperationException)
{
    using var larger = log.Map(new MappingOptions { AddressSpace = 1L << 30 });   // The old mapping stays as it was.
    Expect(larger.GetReference<int>(0) == 42, "the object outgrew the address space, and was mapped again");
}
// end

// snippet: shrink
// Shrinking below a mapping of the same SharedMemoryObject is refused: touching a page that is gone would end the process.
try
{
    log.SetLength(4096);
}
catch (InvalidOperationException refusal)
{
    Expect(log.Length == 65 << 20, $"shrinking: {refusal.Message}");
}

log.Discard(16 << 20, 16 << 20);   // Returns 16 MiB to the system. They read as zero, and the length stays the same.
// end
Expect(map.GetReadOnlySpan(31 << 20, 1)[0] == 0, "the discarded part reads as zero");

// snippet: region
var path = Path.Combine(Path.GetTempPath(), SharedMemoryObject.CreateUniqueName("sample-15"));
using var region = MappedRegion.Create(path, 1 << 20, FileCleanup.OnDispose, new() { AddressSpace = 4 << 20 });
var bytes = region.Mapping;
region.Resize(4 << 20);   // Within the address space: the same mapping, longer.
Expect(ReferenceEquals(bytes, region.Mapping) && bytes.Length == 4 << 20, "a file grew under its mapping");

using var lease = region.Mapping.Acquire();
region.Resize(8 << 20);   // Past it: a new mapping. The lease keeps the old one, which shows the same bytes.
region.Mapping.GetReference<int>(0) = 7;
Expect(!ReferenceEquals(bytes, region.Mapping) && lease.GetReference<int>(0) == 7, "and then moved; a lease of the old mapping sees the same bytes");
// end

return good ? 0 : 1;

void Expect(bool holds, string claim)
{
    good &= holds;
    Console.WriteLine($"{(holds ? "yes" : "NO ")}  {claim}");
}
