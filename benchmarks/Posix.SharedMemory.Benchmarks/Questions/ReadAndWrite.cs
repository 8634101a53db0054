using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What do copies cost that cannot fault: through the descriptor (<c>Read</c>, <c>Write</c>), and through the mapping (<c>TryRead</c>, <c>TryWrite</c>)?</summary>
/// <remarks>The base library has nothing that reads a mapping without the risk of a fault.</remarks>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[AllocatesNothing]
public unsafe class ReadAndWrite
{
    private const string Writing = "write";
    private const string Reading = "read";
    private const string TryWriting = "write, mapped";
    private const string TryReading = "read, mapped";
    private const int Count = 8;

    private SharedMemoryObject _memory = null!;
    private MemoryMapping? _mapping;
    private byte[] _bytes = [];
    private delegate* unmanaged<int, void*, long, long, int> _writeByDescriptor;
    private delegate* unmanaged<int, void*, long, long, int> _writeSameCalls;
    private delegate* unmanaged<int, void*, long, long, int> _readByDescriptor;
    private delegate* unmanaged<void*, void*, long, long, int> _writeByProcess;
    private delegate* unmanaged<void*, void*, long, long, int> _readByProcess;

    [Params(64L, 4L << 10, 64L << 10, 1L << 20)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("read_and_write");
        _writeByDescriptor = (delegate* unmanaged<int, void*, long, long, int>)baseline["write_by_descriptor"];
        _writeSameCalls = (delegate* unmanaged<int, void*, long, long, int>)baseline["write_same_calls"];
        _readByDescriptor = (delegate* unmanaged<int, void*, long, long, int>)baseline["read_by_descriptor"];
        _writeByProcess = (delegate* unmanaged<void*, void*, long, long, int>)baseline["write_by_process"];
        _readByProcess = (delegate* unmanaged<void*, void*, long, long, int>)baseline["read_by_process"];

        // Pinned, so that C may be given its address, and filled, so that no candidate is the first to touch a page.
        _bytes = GC.AllocateUninitializedArray<byte>((int)Length, pinned: true);
        _bytes.AsSpan().Fill(1);
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map();
        _mapping.GetSpan().Fill(1);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void PwriteInC()
    {
        fixed (byte* bytes = _bytes)
        {
            CBaseline.Check(_writeByDescriptor(Descriptor, bytes, Length, Count));
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void PwriteInCWithSameCalls()
    {
        fixed (byte* bytes = _bytes)
        {
            CBaseline.Check(_writeSameCalls(Descriptor, bytes, Length, Count));
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void Write()
    {
        for (var i = 0; i < Count; i++)
        {
            _memory.Write(_bytes, 0);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Writing)]
    public void RandomAccessWriteInBaseLibrary()
    {
        for (var i = 0; i < Count; i++)
        {
            RandomAccess.Write(_memory.SafeFileHandle, _bytes, 0);
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public void PreadInC()
    {
        fixed (byte* bytes = _bytes)
        {
            CBaseline.Check(_readByDescriptor(Descriptor, bytes, Length, Count));
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public void Read()
    {
        for (var i = 0; i < Count; i++)
        {
            Expect(_memory.Read(_bytes, 0) == _bytes.Length);
        }
    }

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(Reading)]
    public void RandomAccessReadInBaseLibrary()
    {
        for (var i = 0; i < Count; i++)
        {
            Expect(RandomAccess.Read(_memory.SafeFileHandle, _bytes, 0) == _bytes.Length);
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(TryWriting)]
    public void ProcessVmWritevInC()
    {
        fixed (byte* bytes = _bytes)
        {
            CBaseline.Check(_writeByProcess(_mapping!.DangerousGetPointer(), bytes, Length, Count));
        }
    }

    /// <summary>The same bytes through the descriptor, which a mapping alone does not have.</summary>
    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(TryWriting)]
    public void PwriteBesideMappingInC() => PwriteInC();

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(TryWriting)]
    public void TryWrite()
    {
        for (var i = 0; i < Count; i++)
        {
            Expect(_mapping!.TryWrite(0, _bytes));
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count), BenchmarkCategory(TryReading)]
    public void ProcessVmReadvInC()
    {
        fixed (byte* bytes = _bytes)
        {
            CBaseline.Check(_readByProcess(_mapping!.DangerousGetPointer(), bytes, Length, Count));
        }
    }

    /// <summary>The same bytes through the descriptor, which a mapping alone does not have.</summary>
    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(TryReading)]
    public void PreadBesideMappingInC() => PreadInC();

    [Benchmark(OperationsPerInvoke = Count), BenchmarkCategory(TryReading)]
    public void TryRead()
    {
        for (var i = 0; i < Count; i++)
        {
            Expect(_mapping!.TryRead(0, _bytes));
        }
    }

    private int Descriptor => (int)_memory.SafeFileHandle.DangerousGetHandle();

    private static void Expect(bool done)
    {
        if (!done)
        {
            throw new InvalidOperationException("Not all bytes were copied.");
        }
    }
}
