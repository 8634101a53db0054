// From MemoryMappedFile to this library, line by line: dotnet run samples/18-migrating.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.IO.MemoryMappedFiles;
using Posix.SharedMemory;

var good = true;
var name = SharedMemoryObject.CreateUniqueName("sample-18");
const int Length = 1 << 20;

// With a name: MemoryMappedFile does not support that on Unix.
try
{
    // snippet: named-before
    using var file = MemoryMappedFile.CreateNew("frames", Length);
    using var accessor = file.CreateViewAccessor();
    accessor.Write(0, 42);
    // end
    good = false;
}
catch (PlatformNotSupportedException e)
{
    Console.WriteLine($"MemoryMappedFile: {e.Message}");
}

{
    // snippet: named-after
    using var memory = SharedMemoryObject.Create(name, Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
    using var map = memory.Map();
    map.GetReference<int>(0) = 42;
    // end
    good &= SharedMemoryObject.TryOpen(name, FileAccess.Read, out var other) && other.Length == Length;
    other?.Dispose();

    // snippet: array
    Span<double> prices = map.GetSpan<double>(offset: 64, count: 1000);   // Bounds and alignment are checked once, here.
    prices[999] = 1.5;
    // end
    good &= map.GetReference<double>(64 + (999 * sizeof(double))) == 1.5;
}

{
    var path = Path.Combine(Path.GetTempPath(), name);
    // snippet: file
    using var region = MappedRegion.Create(path, Length, FileCleanup.Keep, new() { AddressSpace = 1L << 30 });
    region.Mapping.GetReference<int>(0) = 42;
    region.Resize(2 * Length);   // No need to dispose and map again.
    region.Mapping.Flush(0, Length);
    // end
    good &= new FileInfo(path).Length == 2 * Length;
    File.Delete(path);
}

Console.WriteLine(good ? "all ways gave the same bytes" : "something is WRONG");
return good ? 0 : 1;
