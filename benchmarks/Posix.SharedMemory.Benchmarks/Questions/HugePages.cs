using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What do huge pages save whoever maps an object afresh, reads a byte of each page of 4 KiB, and unmaps it?</summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public unsafe class HugePages
{
    private const string Touching = "map, touch 256 MiB, unmap";
    private const int Length = 256 << 20;
    private const int Page = 4096;

    private SharedMemoryObject _ordinary = null!;
    private SharedMemoryObject _huge = null!;
    private SharedMemoryObject _hugeByC = null!;
    private delegate* unmanaged<int, long, long> _touch;

    /// <exception cref="PlatformNotSupportedException">The kernel cannot put pages together.</exception>
    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("huge_pages");
        _touch = (delegate* unmanaged<int, long, long>)baseline["map_touch_unmap"];
        _ordinary = New();
        _huge = New();
        _hugeByC = New();
        using var mapping = _huge.Map();
        if (!mapping.CollapseToHugePages())
        {
            throw new PlatformNotSupportedException("this kernel cannot put pages together (it takes Linux 6.1 and free huge pages).");
        }

        var error = ((delegate* unmanaged<int, long, int>)baseline["collapse"])(Descriptor(_hugeByC), Length);
        if (error != 0)
        {
            throw new PlatformNotSupportedException($"madvise(MADV_COLLAPSE) in C failed with errno {error}.");
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _ordinary?.Dispose();
        _huge?.Dispose();
        _hugeByC?.Dispose();
    }

    [Benchmark(Baseline = true), BenchmarkCategory(Touching)]
    public long OrdinaryInC() => Expect(_touch(Descriptor(_ordinary), Length));

    [Benchmark, BenchmarkCategory(Touching)]
    public long Ordinary() => Touch(_ordinary);

    [Benchmark, BenchmarkCategory(Touching)]
    public long CollapsedInC() => Expect(_touch(Descriptor(_hugeByC), Length));

    [Benchmark, BenchmarkCategory(Touching)]
    public long Collapsed() => Touch(_huge);

    private static SharedMemoryObject New()
    {
        var made = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var mapping = made.Map();
        mapping.GetSpan().Fill(1);
        return made;
    }

    private static int Descriptor(SharedMemoryObject memory) => (int)memory.SafeFileHandle.DangerousGetHandle();

    private static long Touch(SharedMemoryObject memory)
    {
        using var mapping = memory.Map();
        var bytes = mapping.GetSpan();
        var sum = 0L;
        for (var offset = 0; offset < bytes.Length; offset += Page)
        {
            sum += bytes[offset];
        }

        return Expect(sum);
    }

    private static long Expect(long sum) =>
        sum == Length / Page ? sum : throw new InvalidOperationException($"The pages held {sum}, not {Length / Page}.");
}
