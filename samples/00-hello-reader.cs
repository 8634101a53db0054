// The README's second program, for a second terminal while 00-hello.cs runs: dotnet run samples/00-hello-reader.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

// snippet: hello
using System.Text;
using Posix.SharedMemory;

using var frames = SharedMemoryObject.Open("hello-frames", FileMode.Open, FileAccess.Read);
using var view = frames.Map();
Console.WriteLine(Encoding.UTF8.GetString(view.GetReadOnlySpan(0, 11)));
// end

return view.GetReadOnlySpan(0, 11).SequenceEqual("first frame"u8) ? 0 : 1;
