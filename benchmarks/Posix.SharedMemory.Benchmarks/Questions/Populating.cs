using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to map an object whose pages are all there, so that no access afterwards finds a page missing, and to unmap it?</summary>
[MemoryDiagnoser]
public unsafe class Populating
{
    private SharedMemoryObject _memory = null!;
    private delegate* unmanaged<int, long, int> _mapPopulated;
    private delegate* unmanaged<int, long, int> _mapAndTouch;

    [Params(64L << 10, 1L << 30)]
    public long Length { get; set; }

    /// <exception cref="PlatformNotSupportedException">There is too little memory now.</exception>
    [GlobalSetup]
    public void SetUp()
    {
        FreeMemory.Require(Length);
        var baseline = CBaseline.Load("populating");
        _mapPopulated = (delegate* unmanaged<int, long, int>)baseline["map_populated"];
        _mapAndTouch = (delegate* unmanaged<int, long, int>)baseline["map_and_touch"];
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
    }

    [GlobalCleanup]
    public void CleanUp() => _memory?.Dispose();

    [Benchmark(Baseline = true)]
    public void MapPopulateInC() => CBaseline.Check(_mapPopulated(Descriptor, Length));

    [Benchmark]
    public void TouchInC() => CBaseline.Check(_mapAndTouch(Descriptor, Length));

    [Benchmark]
    public void Populate() => _memory.Map(new() { Populate = true }).Dispose();

    [Benchmark]
    public void Prefault()
    {
        using var mapping = _memory.Map();
        mapping.Prefault();
    }

    [Benchmark]
    public long Touch()
    {
        using var mapping = _memory.Map();
        var bytes = mapping.GetReadOnlySpan();
        var sum = 0L;
        for (var offset = 0; offset < bytes.Length; offset += 4096)
        {
            sum += bytes[offset];
        }

        return sum;
    }

    private int Descriptor => (int)_memory.SafeFileHandle.DangerousGetHandle();
}
