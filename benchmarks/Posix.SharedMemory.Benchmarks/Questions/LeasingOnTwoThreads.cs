using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does a lease cost a thread while another thread leases from the same mapping? Per lease of one thread: 1 × is twice as many leases in all.</summary>
[MemoryDiagnoser]
[AllocatesNothing]
public class LeasingOnTwoThreads
{
    private const int Count = 200_000;

    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private MemoryMapping _other = null!;
    private Thread? _thread;
    private MemoryMapping? _work;
    private volatile int _begun;
    private volatile int _done;
    private volatile bool _isOver;

    [GlobalSetup]
    public void SetUp()
    {
        if (Environment.ProcessorCount < 2)
        {
            throw new PlatformNotSupportedException("two processors are needed.");
        }

        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Environment.SystemPageSize, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map();
        _other = _memory.Map();
        _thread = new(Help);
        _thread.Start();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _isOver = true;
        _thread?.Join();
        _other?.Dispose();
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void OneThread() => Lease(_mapping);

    [Benchmark(OperationsPerInvoke = Count)]
    public void TwoThreads() => Both(_mapping);

    [Benchmark(OperationsPerInvoke = Count)]
    public void TwoThreadsWithMappingsOfTheirOwn() => Both(_other);

    private void Both(MemoryMapping work)
    {
        _work = work;
        var turn = ++_begun;
        Lease(_mapping);
        while (_done != turn)
        {
            Thread.SpinWait(1);
        }
    }

    private void Help()
    {
        while (!_isOver)
        {
            var turn = _begun;
            if (turn == _done)
            {
                // Others may want the processor between the rounds.
                Thread.Yield();
                continue;
            }

            Lease(_work!);
            _done = turn;
        }
    }

    private static void Lease(MemoryMapping mapping)
    {
        for (var i = 0; i < Count; i++)
        {
            using var lease = mapping.Acquire();
        }
    }
}
