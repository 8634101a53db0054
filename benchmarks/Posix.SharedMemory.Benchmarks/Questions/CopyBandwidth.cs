using System.IO.MemoryMappedFiles;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to copy bytes into shared memory and out of it?</summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[AllocatesNothing]
public unsafe class CopyBandwidth
{
    private const string In = "in";
    private const string Out = "out";
    private const int Count = 8;

    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private BaseLibraryFile? _file;
    private MemoryMappedViewAccessor _view = null!;
    private byte[] _bytes = [];
    private delegate* unmanaged<void*, void*, long, long, void> _copy;

    [Params(64L, 4L << 10, 64L << 10, 1L << 20, 64L << 20)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("copy_bandwidth");
        _copy = (delegate* unmanaged<void*, void*, long, long, void>)baseline["copy"];

        // Pinned, so that C may be given its address, and filled, so that no candidate is the first to touch a page.
        _bytes = GC.AllocateUninitializedArray<byte>((int)Length, pinned: true);
        _bytes.AsSpan().Fill(1);
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map();
        _mapping.GetSpan().Fill(1);
        _file = new(_memory.Name!);
        _view = _file.View();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _file?.Dispose();
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(In)]
    public void MemcpyInInC()
    {
        fixed (byte* bytes = _bytes)
        {
            _copy(_mapping.DangerousGetPointer(), bytes, Length, Count);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(In)]
    public void SpanCopyIn()
    {
        for (var i = 0; i < Count; i++)
        {
            _bytes.CopyTo(_mapping.GetSpan(0, _bytes.Length));
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(In)]
    public void WriteArrayInBaseLibrary()
    {
        for (var i = 0; i < Count; i++)
        {
            _view.WriteArray(0, _bytes, 0, _bytes.Length);
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(Out)]
    public void MemcpyOutInC()
    {
        fixed (byte* bytes = _bytes)
        {
            _copy(bytes, _mapping.DangerousGetPointer(), Length, Count);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Out)]
    public void SpanCopyOut()
    {
        for (var i = 0; i < Count; i++)
        {
            _mapping.GetReadOnlySpan(0, _bytes.Length).CopyTo(_bytes);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Out)]
    public void ReadArrayInBaseLibrary()
    {
        for (var i = 0; i < Count; i++)
        {
            Expect(_view.ReadArray(0, _bytes, 0, _bytes.Length) == _bytes.Length);
        }
    }

    private static void Expect(bool done)
    {
        if (!done)
        {
            throw new InvalidOperationException("Not all bytes were copied.");
        }
    }
}
