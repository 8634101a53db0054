using System.IO.MemoryMappedFiles;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

// The base library's own way is what this is measured against.
#pragma warning disable RS0030

/// <summary>
/// What does the life of an object cost that never gets a name: create, size, map, touch a page, unmap, close? The memory is reserved. The base
/// library gives it a name that the closing removes.
/// </summary>
[MemoryDiagnoser]
[Latencies]
public unsafe class UnpublishedLife
{
    private const int Length = 4096;

    private CProgram? _alone;
    private string _path = "";
    private delegate* unmanaged<nint, long, int> _life;
    private delegate* unmanaged<long, int> _lifeSameCalls;

    /// <summary>Compiles the baseline.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _alone = new("unpublished_life");
        var baseline = CBaseline.Load("unpublished_life");
        _life = (delegate* unmanaged<nint, long, int>)baseline["unpublished_life"];
        _lifeSameCalls = (delegate* unmanaged<long, int>)baseline["unpublished_life_same_calls"];
        _path = "/dev/shm/" + SharedMemoryObject.CreateUniqueName("bench");
    }

    [GlobalCleanup]
    public void CleanUp() => _alone?.Dispose();

    [Benchmark(Baseline = true)]
    public void UnpublishedInC() => CBaseline.Check(_life(0, Length));

    [Alone]
    public (double Elapsed, double Processor) UnpublishedInCAlone(int count) => _alone!.Time("unpublished_life", "-", Length, count);

    [Benchmark]
    public void UnpublishedInCWithSameCalls() => CBaseline.Check(_lifeSameCalls(Length));

    [Benchmark]
    public void Unpublished()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Length);
        using var mapping = memory.Map();
        mapping.GetSpan()[0] = 1;
    }

    [Benchmark]
    public void DeletedOnCloseInBaseLibrary()
    {
        using var handle = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose, Length);
        using var file = MemoryMappedFile.CreateFromFile(
            handle, mapName: null, Length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        using var view = file.CreateViewAccessor();
        view.Write(0, (byte)1);
    }
}
