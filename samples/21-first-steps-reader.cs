// The reader of the guide's sensor, for a second terminal while 21-first-steps.cs runs: dotnet run samples/21-first-steps-reader.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int Readings = 10_000;

// snippet: view
// A read-only mapping has read-only references.
using var shared = SharedMemoryObject.Open("hello-reading", FileMode.Open, FileAccess.Read);
using var view = shared.Map();
ref readonly var reading = ref view.GetReadOnlyReference<Reading>(0);
// end

for (var taken = 0; taken < Readings;)
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

Console.WriteLine($"reader: took {Readings} readings, none of them torn");
return 0;

// snippet: read
// False: the writer was writing meanwhile. Try again.
static bool TryTake(in Reading reading, out double celsius, out double kelvin)
{
    var version = Volatile.Read(in reading.Version);
    (celsius, kelvin) = (reading.Celsius, reading.Kelvin);
    Volatile.ReadBarrier();
    return version % 2 == 0 && Volatile.Read(in reading.Version) == version;
}
// end

[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct Reading
{
    [FieldOffset(0)] public long Version;
    [FieldOffset(8)] public double Celsius;
    [FieldOffset(16)] public double Kelvin;
}
