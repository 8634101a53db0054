// What the README shows: dotnet run samples/00-hello.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

// snippet: hello
using System.Text;
using Posix.SharedMemory;

// One process: the object has its name when it is complete, and loses it when it is disposed.
SharedMemoryOptions options = new() { Lifetime = Lifetime.UnlinkOnDispose };
using var frames = SharedMemoryObject.Create("hello-frames", length: 1 << 20, options);   // The memory is reserved: no SIGBUS later.
using var map = frames.Map();
"first frame"u8.CopyTo(map.GetSpan(0, 64));

// Another one: this library, C's shm_open("/hello-frames"), Python's SharedMemory("hello-frames"), Rust, Go …
using var shared = SharedMemoryObject.Open("hello-frames", FileMode.Open, FileAccess.Read);
using var view = shared.Map();
Console.WriteLine(Encoding.UTF8.GetString(view.GetReadOnlySpan(0, 11)));
// end

return view.GetReadOnlySpan(0, 11).SequenceEqual("first frame"u8) ? 0 : 1;
