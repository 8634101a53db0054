using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>
/// What does it cost to make a mapped object longer by 1 MiB and to reach the new part, and does it depend on what is there already?
/// </summary>
[MemoryDiagnoser]
public unsafe class Growth
{
    private const int Steps = 4;
    private const int Step = 1 << 20;
    private const int Page = 4096;

    private string _name = "";
    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private BaseLibraryFile? _file;
    private bool _begun;
    private delegate* unmanaged<long, int> _reset;
    private delegate* unmanaged<int> _end;
    private delegate* unmanaged<long, int> _grow;
    private delegate* unmanaged<long, long, int> _growReserved;
    private delegate* unmanaged<long, long, int> _growAndRemap;
    private delegate* unmanaged<long, long, int> _growAndMove;

    [Params(1L << 20, 64L << 20, 512L << 20, 1L << 30)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("growth");
        _reset = (delegate* unmanaged<long, int>)baseline["reset"];
        _end = (delegate* unmanaged<int>)baseline["end"];
        _grow = (delegate* unmanaged<long, int>)baseline["grow"];
        _growReserved = (delegate* unmanaged<long, long, int>)baseline["grow_reserved"];
        _growAndRemap = (delegate* unmanaged<long, long, int>)baseline["grow_and_remap"];
        _growAndMove = (delegate* unmanaged<long, long, int>)baseline["grow_and_move"];

        _name = SharedMemoryDirectory.CreateUniqueName("bench");
        _memory = SharedMemoryObject.Create(_name, Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map(new() { AddressSpace = Length + (Steps * Step), Populate = true });
        CBaseline.Check(((delegate* unmanaged<nint, long, int>)baseline["begin"])(CBaseline.Text("/dev/shm/" + _name), Length));
        _begun = true;
        _file = new(_name);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        if (_begun)
        {
            CBaseline.Check(_end());
        }

        _file?.Dispose();
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Makes the object as long as it was, as another process could.</summary>
    [IterationSetup]
    public void Reset()
    {
        CBaseline.Check(_reset(Length));
        _mapping.Refresh();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Steps)]
    public void FtruncateInC()
    {
        for (var step = 1; step <= Steps; step++)
        {
            CBaseline.Check(_grow(LengthAfter(step)));
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void Sparse()
    {
        for (var step = 1; step <= Steps; step++)
        {
            _memory!.SetLength(LengthAfter(step), Backing.Sparse);
            _mapping.Refresh();
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void FallocateInC()
    {
        for (var step = 1; step <= Steps; step++)
        {
            CBaseline.Check(_growReserved(LengthAfter(step - 1), LengthAfter(step)));
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void Reserved()
    {
        for (var step = 1; step <= Steps; step++)
        {
            _memory!.SetLength(LengthAfter(step));
            _mapping.Refresh();
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void SparseAndTouchNew()
    {
        for (var step = 1; step <= Steps; step++)
        {
            _memory!.SetLength(LengthAfter(step), Backing.Sparse);
            _mapping.Refresh();
            for (var offset = LengthAfter(step - 1); offset < LengthAfter(step); offset += Page)
            {
                _mapping.GetReference<byte>(offset) = 1;
            }
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void MremapAndTouchNewInC()
    {
        for (var step = 1; step <= Steps; step++)
        {
            CBaseline.Check(_growAndMove(LengthAfter(step - 1), LengthAfter(step)));
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void RemapAndTouchAllInC()
    {
        for (var step = 1; step <= Steps; step++)
        {
            CBaseline.Check(_growAndRemap(LengthAfter(step - 1), LengthAfter(step)));
        }
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public long RemapAndTouchAllInBaseLibrary()
    {
        var sum = 0L;
        for (var step = 1; step <= Steps; step++)
        {
            _file!.Dispose();
            _file = new(_name, LengthAfter(step));
            var view = _file.View();
            for (var offset = 0L; offset < LengthAfter(step - 1); offset += Page)
            {
                sum += view.ReadByte(offset);
            }

            for (var offset = LengthAfter(step - 1); offset < LengthAfter(step); offset += Page)
            {
                view.Write(offset, (byte)1);
            }
        }

        return sum;
    }

    private long LengthAfter(int step) => Length + ((long)step * Step);
}
