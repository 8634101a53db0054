// Objects and files that grow under their spans: dotnet run samples/15-growing.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

var good = true;
var name = SharedMemoryObject.CreateUniqueName("sample-15");

// snippet: grow
using var log = SharedMemoryObject.Create(name, 1 << 20, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = log.Map(new MappingOptions { AddressSpace = 1 << 26 });   // 64 MiB of addresses; addresses take no memory.
ref var first = ref map.GetReference<int>(0);
first = 42;

log.SetLength(32 << 20);   // The memory is reserved, or this is an exception: ENOSPC, ENOMEM.
map.Refresh();             // This mapping ends at 32 MiB now.
map.GetSpan(31 << 20, 1 << 20).Fill(1);
// end
Expect(first == 42 && map.Length == 32 << 20, "the object grew from 1 to 32 MiB, and a reference from before still means its first byte");

// snippet: follow
// Another user, in whatever process: the length in the kernel is the truth, and Refresh adopts it.
using var other = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
using var view = other.Map(new MappingOptions { AddressSpace = 1 << 26 });
log.SetLength(33 << 20);
var grown = view.Refresh();
// end
Expect(grown && view.Length == 33 << 20, "another mapping followed");

// snippet: exhausted
log.SetLength(65 << 20, Backing.Sparse);   // Sparse: longer, but without memory; touching a page may then be a bus error.
try
{
    map.Refresh();
}
catch (InvalidOperationException)
{
    using var larger = log.Map(new MappingOptions { AddressSpace = 1L << 30 });   // The former mapping stays as it was.
    Expect(larger.GetReference<int>(0) == 42, "the object outgrew the address space, and was mapped anew");
}
// end

// snippet: shrink
// Below a mapping of the same SharedMemoryObject, shrinking is refused: touching what is gone would end the process.
try
{
    log.SetLength(4096);
}
catch (InvalidOperationException refusal)
{
    Expect(log.Length == 65 << 20, $"shrinking: {refusal.Message}");
}

log.Discard(16 << 20, 16 << 20);   // Gives 16 MiB back to the machine; they read as zero, and the length stays.
// end
Expect(map.GetReadOnlySpan(31 << 20, 1)[0] == 0, "what was discarded reads as zero");

// snippet: region
var path = Path.Combine(Path.GetTempPath(), SharedMemoryObject.CreateUniqueName("sample-15"));
using var region = MappedRegion.Create(path, 1 << 20, FileCleanup.OnDispose, new() { AddressSpace = 4 << 20 });
var bytes = region.Mapping;
region.Resize(4 << 20);   // Within the address space: the same mapping, longer.
Expect(ReferenceEquals(bytes, region.Mapping) && bytes.Length == 4 << 20, "a file grew under its mapping");

using var lease = region.Mapping.Acquire();
region.Resize(8 << 20);   // Beyond it: another mapping. The lease keeps the former one, which shows the same bytes.
region.Mapping.GetReference<int>(0) = 7;
Expect(!ReferenceEquals(bytes, region.Mapping) && lease.GetReference<int>(0) == 7, "and then moved; a lease of the former mapping sees the same bytes");
// end

return good ? 0 : 1;

void Expect(bool holds, string claim)
{
    good &= holds;
    Console.WriteLine($"{(holds ? "yes" : "NO ")}  {claim}");
}
