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
const string Follower = """
    import mmap, struct, sys, time
    path, steps, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, "rb") as file:
        seen = 0
        while seen < steps:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                complete = struct.unpack_from("<q", view)[0]
                while seen < complete and (seen + 1) * size <= len(view):
                    start = 8 if seen == 0 else seen * size
                    part = view[start:(seen + 1) * size]
                    assert part == bytes([seen + 1]) * len(part), f"part {seen + 1} is torn"
                    seen += 1
            time.sleep(0.001)
    print(f"python: {seen} parts of {size >> 10} KiB, each complete when it was announced")
    """;
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
        return Process.Start("python3", ["-c", Follower, path, $"{Steps}", $"{StepBytes}"]);
    }
    catch (System.ComponentModel.Win32Exception)
    {
        return null;
    }
}
