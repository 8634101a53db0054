// One call makes the first touch many times faster: dotnet run samples/09-huge-pages.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

const int Bytes = 256 << 20;

// The other process: this program, started again. It maps the object and reads one byte of each page.
if (args is ["touch", var shared])
{
    using var opened = SharedMemoryObject.Open(shared, FileMode.Open, FileAccess.Read);
    using var view = opened.Map();
    var clock = Stopwatch.StartNew();
    var sum = Enumerable.Range(0, Bytes / 4096).Sum(page => (long)view.GetReadOnlySpan(page * 4096L, 1)[0]);
    Console.WriteLine($"  another process touched {Bytes >> 20} MiB in {clock.Elapsed.TotalMilliseconds:F1} ms");
    return sum == Bytes / 4096 ? 0 : 1;
}

// Two objects of this size, in a /dev/shm that often has 64 MB in a container.
if (SharedMemoryDirectory.GetUsage().AvailableBytes is var room && room < 2L * Bytes)
{
    Console.WriteLine($"SKIPPED: this sample needs {2L * Bytes >> 20} MiB in /dev/shm, where {room >> 20} MiB are free (docker run --shm-size=1g).");
    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-09");
using var memory = SharedMemoryObject.Create(name, Bytes, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
map.GetSpan().Fill(1);

Console.WriteLine("with pages of 4 KiB:");
var before = Touch();
if (!map.CollapseToHugePages())
{
    Console.WriteLine("SKIPPED: this kernel cannot merge the pages (that needs Linux 6.1 and free huge pages).");
    return before;
}

Console.WriteLine("merged into huge pages:");
before += Touch();

// The advice takes effect only if the mount allows it (huge=advise). smaps shows whether it did.
using var advised = SharedMemoryObject.CreateUnpublished(Bytes);
using var advisedMap = advised.Map(new MappingOptions { AdviseHugePages = true });
advisedMap.GetSpan().Fill(1);
var huge = File.ReadLines("/proc/self/smaps").Where(line => line.StartsWith("ShmemPmdMapped:", StringComparison.Ordinal))
    .Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1])) >> 10;
Console.WriteLine(huge > Bytes >> 20
    ? $"with AdviseHugePages: {huge - (Bytes >> 20)} MiB were huge pages from the first touch"
    : "with AdviseHugePages: no effect here, because /dev/shm is not mounted with huge=advise; collapsing works anyway");
return before;

int Touch()
{
    using var toucher = Process.Start(Environment.ProcessPath!, ["touch", name]);
    toucher.WaitForExit();
    return toucher.ExitCode;
}
