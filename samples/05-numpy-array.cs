// Reads an array that Python wrote, in place: dotnet run samples/05-numpy-array.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

const int Count = 1_000_000;

// With NumPy if it is installed, otherwise with the standard array module: the bytes in memory are the same.
const string Script = """
    import math, sys
    from multiprocessing import shared_memory
    count = int(sys.argv[1])
    memory = shared_memory.SharedMemory(create=True, size=8 * count)
    try:
        try:
            import numpy
            values = numpy.ndarray((count,), dtype=numpy.float64, buffer=memory.buf)
            values[:] = numpy.sin(numpy.arange(count))
            total, writer = math.fsum(values), "numpy " + numpy.__version__
            del values
        except ImportError:
            import array
            values = array.array("d", map(math.sin, range(count)))
            memory.buf[:8 * count] = memoryview(values).cast("B")
            total, writer = math.fsum(values), "array (no numpy here)"
        print(memory.name, repr(total), writer, flush=True)
        sys.stdin.readline()   # Until the reader is done.
    finally:
        memory.close()
        memory.unlink()
    """;

if (SharedMemoryDirectory.GetUsage().AvailableBytes < 9 << 20)
{
    Console.WriteLine("SKIPPED: this sample needs 9 MiB in /dev/shm; a bus error would end Python.");
    return 0;
}

using var python = new Process
{
    StartInfo = new(FindPython(), ["-c", Script, Count.ToString(CultureInfo.InvariantCulture)])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    },
};
try
{
    python.Start();
}
catch (Win32Exception)
{
    Console.WriteLine("SKIPPED: there is no python3 on this machine.");
    return 0;
}

var said = python.StandardOutput.ReadLine()?.Split(' ', 3);
if (said is not [var name, var sum, var writer])
{
    Console.Error.WriteLine("05-numpy-array: python3 did not write the array");
    return 1;
}

var expected = double.Parse(sum, CultureInfo.InvariantCulture);
double total;
using (var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read))
{
    using var mapping = memory.Map();
    Console.WriteLine($"Python wrote {Count} float64 with {writer} as {name}: {memory.Length} bytes");
    total = Sum(mapping.GetReadOnlySpan<double>(0, Count));
}

python.StandardInput.Close();
python.WaitForExit();

// Python's fsum is exact; a plain sum is rounded in each step, and close to it.
var equal = Math.Abs(total - expected) < 1e-6;
Console.WriteLine($"sum here {total:R}, sum in Python {expected:R}: {(equal ? "equal except for rounding" : "NOT equal")}");
return equal && python.ExitCode == 0 ? 0 : 1;

// The first python3 of the PATH that has NumPy: the first of all may be another installation without it.
static string FindPython() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
    .Select(directory => Path.Combine(directory, "python3"))
    .FirstOrDefault(python => File.Exists(python) && HasNumPy(python), "python3");

static bool HasNumPy(string python)
{
    using var process = Process.Start(python, ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('numpy') is None)"]);
    process.WaitForExit();
    return process.ExitCode == 0;
}

static double Sum(ReadOnlySpan<double> values)
{
    var sum = 0.0;
    foreach (var value in values)
    {
        sum += value;
    }

    return sum;
}
