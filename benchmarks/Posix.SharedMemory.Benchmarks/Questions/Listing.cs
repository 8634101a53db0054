using System.Globalization;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to list 10,000 objects with their lengths?</summary>
[MemoryDiagnoser]
[Latencies]
public unsafe class Listing
{
    private const int Count = 10_000;
    private const int Length = 4096;
    private const string Prefix = "bench-listed-";

    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-");
    private readonly DirectoryInfo _directory = new("/dev/shm");
    private delegate* unmanaged<nint, long> _list;
    private delegate* unmanaged<nint, long> _listSameCalls;
    private nint _path;

    /// <summary>Makes the objects, and removes those that a run left which was killed.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("listing");
        _list = (delegate* unmanaged<nint, long>)baseline["list"];
        _listSameCalls = (delegate* unmanaged<nint, long>)baseline["list_same_calls"];
        _path = CBaseline.Text("/dev/shm");
        Unlink(Prefix, name => !Directory.Exists("/proc/" + name.Split('-')[2]));
        for (var i = 0; i < Count; i++)
        {
            Interruption.ThrowIfAsked();
            SharedMemoryObject.Create(
                string.Create(CultureInfo.InvariantCulture, $"{_prefix}{i:D5}"), Length, new() { Backing = Backing.Sparse }).Dispose();
        }
    }

    /// <summary>Removes them.</summary>
    [GlobalCleanup]
    public void CleanUp() => Unlink(_prefix, _ => true);

    [Benchmark(Baseline = true)]
    public long ReaddirInC() => Expect(_list(_path));

    [Benchmark]
    public long ReaddirInCWithSameCalls() => Expect(_listSameCalls(_path));

    [Benchmark]
    public long Enumerate()
    {
        var sum = 0L;
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            sum += entry.Length;
        }

        return Expect(sum);
    }

    [Benchmark]
    public long FileInfosInBaseLibrary()
    {
        var sum = 0L;
        foreach (var file in _directory.EnumerateFiles())
        {
            sum += file.Length;
        }

        return Expect(sum);
    }

    private static void Unlink(string prefix, Predicate<string> isOurs)
    {
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            if (entry.Name.StartsWith(prefix, StringComparison.Ordinal) && isOurs(entry.Name))
            {
                SharedMemoryObject.TryUnlink(entry.Name);
            }
        }
    }

    // Others may have objects here too.
    private static long Expect(long sum) =>
        sum >= Count * Length ? sum : throw new InvalidOperationException($"The lengths add up to {sum}: objects are missing.");
}
