using Microsoft.Win32.SafeHandles;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to borrow mapped bytes and to give them back?</summary>
[MemoryDiagnoser]
[AllocatesNothing]
[Latencies]
public unsafe class Leasing
{
    private const int Count = 64;
    private const int Length = 4096;

    private readonly SafeFileHandle _handle = new(0, ownsHandle: false);
    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private BaseLibraryFile? _file;
    private delegate* unmanaged<long, void> _borrow;

    [GlobalSetup]
    public void SetUp()
    {
        _borrow = (delegate* unmanaged<long, void>)CBaseline.Load("leasing")["borrow_and_return"];
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map();
        _file = new(_memory.Name!);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _file?.Dispose();
        _mapping?.Dispose();
        _memory?.Dispose();
        _handle.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void TwoSwapsInC() => _borrow(Count);

    [Benchmark(OperationsPerInvoke = Count)]
    public void SafeHandleInBaseLibrary()
    {
        for (var i = 0; i < Count; i++)
        {
            var taken = false;
            _handle.DangerousAddRef(ref taken);
            _handle.DangerousRelease();
        }
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public void AcquireAndDispose()
    {
        for (var i = 0; i < Count; i++)
        {
            using var lease = _mapping.Acquire();
        }
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long AcquireReadAndDispose()
    {
        var sum = 0L;
        for (var i = 0; i < Count; i++)
        {
            using var lease = _mapping.Acquire();
            sum += lease.ReadOnlySpan[i];
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public void ViewInBaseLibrary()
    {
        for (var i = 0; i < Count; i++)
        {
            _file!.NewView().Dispose();
        }
    }
}
