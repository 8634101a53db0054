// Python reads a region that grows: dotnet run samples/08-python-follows.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using Posix.SharedMemory;

const int Steps = 20;
const int StepBytes = 64 << 10;

var path = Path.Combine(Path.GetTempPath(), SharedMemoryObject.CreateUniqueName("sample-08"));
using var region = MappedRegion.Create(path, StepBytes, FileCleanup.OnDispose, new() { AddressSpace = 1L << 30 });
ref var steps = ref region.Mapping.GetReference<long>(0);   // How many parts are complete. The reference stays valid while the region grows.
region.Mapping.GetSpan(8, StepBytes - 8).Fill(1);
Volatile.Write(ref steps, 1);

// Python maps the file again each time it has grown: its mmap cannot grow in place.
var script = Path.ChangeExtension((string)AppContext.GetData("EntryPointFilePath")!, ".py");   // 08-python-follows.py
using var python = Start();
if (python is null)
{
    Console.WriteLine("SKIPPED: there is no python3 on this machine.");
    return 0;
}

for (var part = 2; part <= Steps; part++)
{
    region.Resize((long)part * StepBytes);
    region.Mapping.GetSpan((long)(part - 1) * StepBytes, StepBytes).Fill((byte)part);
    Volatile.Write(ref steps, part);
}

python.WaitForExit();
Console.WriteLine($"this program: grew the region to {region.Length >> 10} KiB; its first byte never moved");
return python.ExitCode;

Process? Start()
{
    try
    {
        return Process.Start("python3", [script, path, $"{Steps}", $"{StepBytes}"]);
    }
    catch (System.ComponentModel.Win32Exception)
    {
        return null;
    }
}
