using System.IO.MemoryMappedFiles;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

// The base library's own way is what this is measured against.
#pragma warning disable RS0030

/// <summary>What does the life of an anonymous object cost: create, size, map, touch a page, unmap, close? The memory is reserved, but by the base library.</summary>
[MemoryDiagnoser]
[Latencies]
public unsafe class AnonymousLife
{
    private const int Length = 4096;

    private CProgram? _alone;
    private delegate* unmanaged<nint, nint, int> _life;
    private delegate* unmanaged<nint, int> _lifeSameCalls;

    /// <summary>Compiles the baseline.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _alone = new("anonymous_life");
        var baseline = CBaseline.Load("anonymous_life");
        _life = (delegate* unmanaged<nint, nint, int>)baseline["anonymous_life"];
        _lifeSameCalls = (delegate* unmanaged<nint, int>)baseline["anonymous_life_same_calls"];
    }

    [GlobalCleanup]
    public void CleanUp() => _alone?.Dispose();

    [Benchmark(Baseline = true)]
    public void AnonymousInC() => CBaseline.Check(_life(0, Length));

    [Alone]
    public (double Elapsed, double Processor) AnonymousInCAlone(int count) => _alone!.Time("anonymous_life", "-", Length, count);

    [Benchmark]
    public void AnonymousInCWithSameCalls() => CBaseline.Check(_lifeSameCalls(Length));

    [Benchmark]
    public void Anonymous()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(Length);
        using var mapping = memory.Map();
        mapping.GetSpan()[0] = 1;
    }

    [Benchmark]
    public void AnonymousInBaseLibrary()
    {
        using var file = MemoryMappedFile.CreateNew(mapName: null, Length);
        using var view = file.CreateViewAccessor();
        view.Write(0, (byte)1);
    }
}
