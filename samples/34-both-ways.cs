// MemoryMappedFile and this library on the same memory, in both directions: dotnet run samples/34-both-ways.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory;

var good = true;
var name = SharedMemoryObject.CreateUniqueName("sample-34");
const int Length = 1 << 20;

{
    // Without a name, MemoryMappedFile creates a memfd, whose descriptor can be passed and sealed like any other.
    // snippet: unnamed
    using var file = MemoryMappedFile.CreateNew(null, Length);   // Keep it: it owns the descriptor.
    var descriptor = file.SafeMemoryMappedFileHandle.DangerousGetHandle();
    using var memory = SharedMemoryObject.FromHandle(new SafeFileHandle(descriptor, ownsHandle: false));
    // end
    using var accessor = file.CreateViewAccessor();
    accessor.Write(0, 42);
    using var map = memory.Map();
    good &= map.GetReference<int>(0) == 42;
    Console.WriteLine($"MemoryMappedFile.CreateNew(null, …) created memory of {memory.Length} bytes; its seals: {memory.Seals}");
}

{
    // In the other direction: a MemoryMappedFile over our object, for old code that needs one.
    // snippet: to-mmf
    using var memory = SharedMemoryObject.Create(name, Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
    using var file = MemoryMappedFile.CreateFromFile(
        memory.SafeFileHandle, mapName: null, capacity: 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
    // end
    using var accessor = file.CreateViewAccessor();
    accessor.Write(8, 7L);
    using var map = memory.Map();
    good &= map.GetReference<long>(8) == 7;
}

Console.WriteLine(good ? "both ways gave the same bytes" : "something is WRONG");
return good ? 0 : 1;
