// A sensor and its reader, as the guide builds them step by step: dotnet run samples/21-first-steps.cs
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
// What may well happen is a value; what should not is an exception with the call, the name and the error number.
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
// Filled before anybody can see it, and gone from the namespace when it is disposed.
using var memory = SharedMemoryObject.CreateUnpublished(4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
map.GetReference<Reading>(0) = new() { Celsius = 20, Kelvin = 20 + 273.15 };
memory.Publish(name);
// end

var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var reader = Process.Start(program[0], [.. program[1..], "--reader", name]);

// snippet: write
// Shared memory has no locks of its own. One writer and a number that is odd while it writes is enough for many readers.
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
        // GetReference is for what may be written; of a read-only mapping take a reference like this.
        using var shared = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var view = shared.Map();
        ref readonly var reading = ref view.GetReadOnlySpan<Reading>(0, 1)[0];
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
                Console.WriteLine($"reader: {celsius} and {kelvin} do not belong together");
                return 1;
            }
        }

        Console.WriteLine($"reader: took {readings} readings, each of one moment");
        return 0;
    }

    // snippet: read
    // False: the writer was busy meanwhile. Take it once more.
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
// The bytes are yours: fixed widths, explicit offsets, no bool, char or nint, and other languages read them too.
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct Reading
{
    [FieldOffset(0)] public long Version;
    [FieldOffset(8)] public double Celsius;
    [FieldOffset(16)] public double Kelvin;
}
// end
