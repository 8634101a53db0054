// A sensor, built step by step as in the guide; 21-first-steps-reader.cs is its reader: dotnet run samples/21-first-steps.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Runtime.InteropServices;
using Posix.SharedMemory;

const string Name = "hello-reading";

// snippet: missing
// TryOpen returns false if there is no such object. Open throws, with the call, the name and the error number.
if (!SharedMemoryObject.TryOpen(Name, FileAccess.Read, out var earlier))
{
    Console.WriteLine("not there yet");
}

earlier?.Dispose();

try
{
    using var missing = SharedMemoryObject.Open(Name);
}
catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT)
{
    Console.WriteLine(e.Message);   // shm_open(/hello-reading): No such file or directory (ENOENT)
}
// end

// snippet: publish
// Filled before any other process can see it. Disposing it removes the name.
using var memory = SharedMemoryObject.CreateUnpublished(4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
map.GetReference<Reading>(0) = new() { Celsius = 20, Kelvin = 20 + 273.15 };
memory.Publish(Name, RenameMode.Replace);   // Also if an earlier run was killed and left the name.
// end
Console.WriteLine("hello-reading is ready. Press Enter to stop the sensor.");
var enter = Task.Run(Console.ReadLine);

// snippet: write
// One writer, and a version number that is odd while it writes: that is enough for many readers.
ref var reading = ref map.GetReference<Reading>(0);
for (var version = 2L; !enter.IsCompleted; version += 2)
{
    Volatile.Write(ref reading.Version, version - 1);
    Volatile.WriteBarrier();
    reading.Celsius = version % 100;
    reading.Kelvin = reading.Celsius + 273.15;
    Volatile.Write(ref reading.Version, version);
}
// end

// snippet: layout
// Fixed widths and explicit offsets, no bool, char or nint: other languages can read this too.
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct Reading
{
    [FieldOffset(0)] public long Version;
    [FieldOffset(8)] public double Celsius;
    [FieldOffset(16)] public double Kelvin;
}
// end
