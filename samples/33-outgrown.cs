// What outgrows its address space: an object is mapped again, and the mapping of a file moves: dotnet run samples/33-outgrown.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

var good = true;
var name = SharedMemoryObject.CreateUniqueName("sample-33");
using var log = SharedMemoryObject.Create(name, 1 << 20, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = log.Map(new MappingOptions { AddressSpace = 4 << 20 });
map.GetReference<int>(0) = 42;

// snippet: exhausted
log.SetLength(8 << 20, Backing.Sparse);   // Sparse: longer, but without memory. Touching a new page may be a bus error.
try
{
    map.Refresh();
}
catch (InvalidOperationException)
{
    using var larger = log.Map(new MappingOptions { AddressSpace = 1L << 30 });   // The old mapping stays as it was.
    Expect(larger.GetReference<int>(0) == 42 && map.Length == 1 << 20, "the object outgrew the address space, and was mapped again");
}
// end

// snippet: region
var path = Path.Combine(Path.GetTempPath(), name);
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
