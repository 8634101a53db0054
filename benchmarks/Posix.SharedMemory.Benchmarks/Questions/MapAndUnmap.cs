using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to map an object that is open, to touch one page and to unmap it? The object is sparse but for that page.</summary>
[MemoryDiagnoser]
[Latencies]
public unsafe class MapAndUnmap
{
    private SharedMemoryObject _memory = null!;
    private BaseLibraryFile? _file;
    private delegate* unmanaged<int, long, int> _mapAndUnmap;

    [Params(4L << 10, 64L << 10, 1L << 20, 64L << 20, 1L << 30)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _mapAndUnmap = (delegate* unmanaged<int, long, int>)CBaseline.Load("map_and_unmap")["map_and_unmap"];
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose, Backing = Backing.Sparse });
        _file = new(_memory.Name!);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _file?.Dispose();
        _memory?.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void MapInC() => CBaseline.Check(_mapAndUnmap((int)_memory.SafeFileHandle.DangerousGetHandle(), Length));

    [Benchmark]
    public void Map()
    {
        using var mapping = _memory.Map();
        mapping.GetReference<byte>(0) = 1;
    }

    [Benchmark]
    public void ViewInBaseLibrary()
    {
        using var view = _file!.NewView();
        view.Write(0, (byte)1);
    }
}
