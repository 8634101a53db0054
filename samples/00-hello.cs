// The README's first program; 00-hello-reader.cs is the other half: dotnet run samples/00-hello.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

// snippet: hello
using Posix.SharedMemory;

// The object gets its name when it is complete, and loses it when it is disposed.
// Replace: if this program is stopped by Ctrl-C or killed, the name stays, and its next start takes it over.
using var frames = SharedMemoryObject.Create("hello-frames", length: 1 << 20, new()
{
    Lifetime = Lifetime.UnlinkOnDispose,
    OnConflict = NameConflict.Replace,
});

using var map = frames.Map();   // The memory is reserved: no SIGBUS later.
"first frame"u8.CopyTo(map.GetSpan(0, 64));

Console.WriteLine("hello-frames is ready. Press Enter to remove it.");
Console.ReadLine();
// end
