// Reads an array that Python wrote, in place: dotnet run samples/05-numpy-array.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

const int Count = 1_000_000;
if (SharedMemoryDirectory.GetUsage().AvailableBytes < 9 << 20)
{
    Console.WriteLine("SKIPPED: this sample needs 9 MiB in /dev/shm; a bus error would end Python.");
    return 0;
}

if (FindPython() is not { } interpreter)
{
    Console.WriteLine("SKIPPED: there is no python3 on this machine.");
    return 0;
}

var script = Path.ChangeExtension((string)AppContext.GetData("EntryPointFilePath")!, ".py");   // 05-numpy-array.py
using var python = Process.Start(new ProcessStartInfo(interpreter, [script, $"{Count}"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
if (python.StandardOutput.ReadLine()?.Split(' ', 3) is not [var name, var sum, var writer])
{
    Console.Error.WriteLine("05-numpy-array: python3 did not write the array");
    return 1;
}

var total = 0.0;
using (var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read))
{
    using var mapping = memory.Map();
    Console.WriteLine($"Python wrote {Count} float64 with {writer} as {name}: {memory.Length} bytes");
    foreach (var value in mapping.GetReadOnlySpan<double>(0, Count))
    {
        total += value;
    }
}

python.StandardInput.Close();
python.WaitForExit();

// Python's fsum is exact; a plain sum is rounded in each step, and close to it.
var expected = double.Parse(sum, CultureInfo.InvariantCulture);
var equal = Math.Abs(total - expected) < 1e-6;
Console.WriteLine($"sum here {total:R}, sum in Python {expected:R}: {(equal ? "equal except for rounding" : "NOT equal")}");
return equal && python.ExitCode == 0 ? 0 : 1;

// The first python3 of the PATH that has NumPy, or else the first one: several may be installed.
static string? FindPython() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
    .Select(directory => Path.Combine(directory, "python3")).Where(File.Exists).OrderByDescending(HasNumPy).FirstOrDefault();

static bool HasNumPy(string python)
{
    using var process = Process.Start(python, ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('numpy') is None)"]);
    process.WaitForExit();
    return process.ExitCode == 0;
}
