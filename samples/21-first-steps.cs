// A sensor and its reader, built step by step as in the guide: dotnet run samples/21-first-steps.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int Readings = 10_000;
if (args is ["--reader", var given])
{
    return Reader.Run(given, Readings);
}

var name = SharedMemoryObject.CreateUniqueName("sample-21");

// snippet: missing
// TryOpen returns false if there is no such object. Open throws, with the call, the name and the error number.
if (!SharedMemoryObject.TryOpen(name, FileAccess.Read, out var nothing))
{
    Console.WriteLine("not there yet");
}

try
{
    using var missing = SharedMemoryObject.Open(name);
}
catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT)
{
    Console.WriteLine(e.Message);   // shm_open(/frames): No such file or directory (ENOENT)
}
// end

// snippet: publish
// Filled before any other process can see it. Disposing it removes the name.
using var memory = SharedMemoryObject.CreateUnpublished(4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
map.GetReference<Reading>(0) = new() { Celsius = 20, Kelvin = 20 + 273.15 };
memory.Publish(name);
// end

var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var reader = Process.Start(program[0], [.. program[1..], "--reader", name]);

// snippet: write
// One writer, and a version number that is odd while it writes: that is enough for many readers.
ref var reading = ref map.GetReference<Reading>(0);
for (var version = 2L; !reader.HasExited; version += 2)
{
    Volatile.Write(ref reading.Version, version - 1);
    Volatile.WriteBarrier();
    reading.Celsius = version % 100;
    reading.Kelvin = reading.Celsius + 273.15;
    Volatile.Write(ref reading.Version, version);
}
// end

reader.WaitForExit();
nothing?.Dispose();
return reader.ExitCode;

internal static class Reader
{
    public static int Run(string name, int readings)
    {
        // snippet: view
        // A read-only mapping has read-only references.
        using var shared = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var view = shared.Map();
        ref readonly var reading = ref view.GetReadOnlyReference<Reading>(0);
        // end
        for (var taken = 0; taken < readings;)
        {
            if (!TryTake(in reading, out var celsius, out var kelvin))
            {
                continue;
            }

            taken++;
            if (kelvin != celsius + 273.15)
            {
                Console.WriteLine($"reader: {celsius} and {kelvin} are from different readings");
                return 1;
            }
        }

        Console.WriteLine($"reader: took {readings} readings, none of them torn");
        return 0;
    }

    // snippet: read
    // False: the writer was writing meanwhile. Try again.
    private static bool TryTake(in Reading reading, out double celsius, out double kelvin)
    {
        var version = Volatile.Read(in reading.Version);
        (celsius, kelvin) = (reading.Celsius, reading.Kelvin);
        Volatile.ReadBarrier();
        return version % 2 == 0 && Volatile.Read(in reading.Version) == version;
    }
    // end
}

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
