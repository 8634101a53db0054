// One call makes the first touch many times faster: dotnet run samples/09-huge-pages.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using Posix.SharedMemory;

const int Bytes = 256 << 20;

// The toucher: this program started anew. It maps the object and reads one byte of each page.
if (args is ["touch", var shared])
{
    using var opened = SharedMemoryObject.Open(shared, FileMode.Open, FileAccess.Read);
    using var view = opened.Map();
    var clock = Stopwatch.StartNew();
    var sum = 0L;
    foreach (var page in Enumerable.Range(0, Bytes / 4096))
    {
        sum += view.GetReadOnlySpan((long)page * 4096, 1)[0];
    }

    Console.WriteLine($"  another process touched {Bytes >> 20} MiB in {clock.Elapsed.TotalMilliseconds:F1} ms");
    return sum == Bytes / 4096 ? 0 : 1;
}

var name = SharedMemoryDirectory.CreateUniqueName("sample-09");
using var memory = SharedMemoryObject.Create(name, Bytes, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
map.GetSpan().Fill(1);

Console.WriteLine("with pages of 4 KiB:");
var before = Touch();
var collapse = Stopwatch.StartNew();
if (!map.CollapseToHugePages())
{
    Console.WriteLine("SKIPPED: this kernel cannot put the pages together (it takes Linux 6.1 and free huge pages).");
    return before;
}

Console.WriteLine($"put together to huge pages in {collapse.Elapsed.TotalMilliseconds:F0} ms:");
return before + Touch();

int Touch()
{
    using var toucher = Process.Start(Environment.ProcessPath!, ["touch", name]);
    toucher.WaitForExit();
    return toucher.ExitCode;
}
