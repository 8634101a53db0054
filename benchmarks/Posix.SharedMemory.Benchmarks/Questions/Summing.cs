using System.Numerics;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does the natural sum of 64-byte elements cost, in C, in a plain loop over a span, and with vectors over the same span?</summary>
[MemoryDiagnoser]
[AllocatesNothing]
public unsafe class Summing
{
    private const int Count = 2048;

    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private delegate* unmanaged<void*, long, long> _sum;

    [GlobalSetup]
    public void SetUp()
    {
        _sum = (delegate* unmanaged<void*, long, long>)CBaseline.Load("element_access")["sum_64"];
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Count * sizeof(Bytes64), new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map();
        _mapping.GetSpan().Fill(1);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public long SumInC() => _sum(_mapping.DangerousGetPointer(), Count);

    [Benchmark(OperationsPerInvoke = Count)]
    public long SumSpan()
    {
        var sum = 0L;
        foreach (ref readonly var element in _mapping.GetSpan<Bytes64>(0, Count))
        {
            sum += Bytes64.Read(in element);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long SumVectors()
    {
        var sum = Vector<long>.Zero;
        foreach (ref readonly var part in MemoryMarshal.Cast<byte, Vector<long>>(_mapping.GetReadOnlySpan()))
        {
            sum += part;
        }

        return Vector.Sum(sum);
    }
}
