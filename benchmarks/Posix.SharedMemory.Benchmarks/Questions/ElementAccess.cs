using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does an element cost, read or written in place, by each way to mapped memory?</summary>
/// <remarks>
/// What is read is combined by exclusive or: a sum over all elements would be merged with the sum inside an element by the JIT,
/// to a longer chain of dependent additions than gcc makes of it, and the loops would no longer have one shape.
/// </remarks>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[GenericTypeArguments(typeof(Bytes1))]
[GenericTypeArguments(typeof(Bytes4))]
[GenericTypeArguments(typeof(Bytes8))]
[GenericTypeArguments(typeof(Bytes64))]
[AllocatesNothing]
public unsafe class ElementAccess<T>
    where T : unmanaged, IElement<T>
{
    private const string Reading = "read";
    private const string Writing = "write";
    // At most 128 KiB: in the processor's caches.
    private const int Count = 2048;

    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private BaseLibraryFile? _file;
    private MemoryMappedViewAccessor _view = null!;
    private delegate* unmanaged<void*, long, long> _read;
    private delegate* unmanaged<void*, long, void> _write;
    private delegate* unmanaged<void*, long, long> _readVectorised;
    private delegate* unmanaged<void*, long, void> _writeVectorised;

    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("element_access");
        _read = (delegate* unmanaged<void*, long, long>)baseline[$"read_{sizeof(T)}"];
        _write = (delegate* unmanaged<void*, long, void>)baseline[$"write_{sizeof(T)}"];
        var vectorised = CBaseline.Load("element_access_vectorised");
        _readVectorised = (delegate* unmanaged<void*, long, long>)vectorised[$"read_{sizeof(T)}"];
        _writeVectorised = (delegate* unmanaged<void*, long, void>)vectorised[$"write_{sizeof(T)}"];
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Count * sizeof(T), new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map();
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

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadInC() => _read(_mapping.DangerousGetPointer(), Count);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadVectorisedInC() => _readVectorised(_mapping.DangerousGetPointer(), Count);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadSpan()
    {
        var sum = 0L;
        var elements = _mapping.GetSpan<T>(0, Count);
        for (var i = 0; i < elements.Length; i++)
        {
            sum ^= T.Read(in elements[i]);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadLeaseSpan()
    {
        var sum = 0L;
        using var lease = _mapping.Acquire();
        var elements = MemoryMarshal.Cast<byte, T>(lease.Span);
        for (var i = 0; i < elements.Length; i++)
        {
            sum ^= T.Read(in elements[i]);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadOneReference()
    {
        var sum = 0L;
        ref var first = ref _mapping.GetReference<T>(0);
        for (nint i = 0; i < Count; i++)
        {
            sum ^= T.Read(in Unsafe.Add(ref first, i));
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadReferenceOfEach()
    {
        var sum = 0L;
        var mapping = _mapping;
        for (var i = 0L; i < Count; i++)
        {
            sum ^= T.Read(in mapping.GetReference<T>(i * sizeof(T)));
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public long ReadInBaseLibrary()
    {
        var sum = 0L;
        var view = _view;
        for (var i = 0L; i < Count; i++)
        {
            sum ^= T.Read(view, i * sizeof(T));
        }

        return sum;
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteInC() => _write(_mapping.DangerousGetPointer(), Count);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteVectorisedInC() => _writeVectorised(_mapping.DangerousGetPointer(), Count);

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteSpan()
    {
        var elements = _mapping.GetSpan<T>(0, Count);
        for (var i = 0; i < elements.Length; i++)
        {
            T.Write(ref elements[i], i);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteLeaseSpan()
    {
        using var lease = _mapping.Acquire();
        var elements = MemoryMarshal.Cast<byte, T>(lease.Span);
        for (var i = 0; i < elements.Length; i++)
        {
            T.Write(ref elements[i], i);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteOneReference()
    {
        ref var first = ref _mapping.GetReference<T>(0);
        for (nint i = 0; i < Count; i++)
        {
            T.Write(ref Unsafe.Add(ref first, i), i);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteReferenceOfEach()
    {
        var mapping = _mapping;
        for (var i = 0L; i < Count; i++)
        {
            T.Write(ref mapping.GetReference<T>(i * sizeof(T)), i);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void WriteInBaseLibrary()
    {
        var view = _view;
        for (var i = 0L; i < Count; i++)
        {
            T.Write(view, i * sizeof(T), i);
        }
    }
}
