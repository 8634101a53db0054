using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>
/// What does it cost to make a mapped object longer by 1 MiB, until all that was there can be used again and the new part can be reached, and does it
/// depend on what is there already?
/// </summary>
/// <remarks>
/// All pages are there and mapped before a step. Where a way unmaps them, it reads a byte of each again: until then they are not back. Where a way keeps
/// them mapped, nothing is left to do. The new part is touched only by the row that says so.
/// </remarks>
[MemoryDiagnoser]
[Latencies]
public unsafe class Growth
{
    private const int Step = 1 << 20;
    private const int Page = 4096;

    private string _name = "";
    private SharedMemoryObject? _memory;
    private MemoryMapping _mapping = null!;
    private SharedMemoryObject? _handedOut;
    private MemoryMapping? _handedOutMapping;
    private BaseLibraryFile? _file;
    private bool _begun;
    private delegate* unmanaged<long, int> _reset;
    private delegate* unmanaged<int> _end;
    private delegate* unmanaged<long, int> _grow;
    private delegate* unmanaged<long, long, int> _growReserved;
    private delegate* unmanaged<long, long, int> _growAndRemap;
    private delegate* unmanaged<long, int> _growInPlace;
    private delegate* unmanaged<long, int> _growAndMove;

    [Params(1L << 20, 8L << 20, 64L << 20, 512L << 20, 2L << 30, 8L << 30)]
    public long Length { get; set; }

    /// <summary>Makes the object and maps it in each way, all pages present.</summary>
    /// <exception cref="PlatformNotSupportedException">There is too little memory for this length now.</exception>
    [GlobalSetup]
    public void SetUp()
    {
        FreeMemory.Require(Length + Step);
        var baseline = CBaseline.Load("growth");
        _reset = (delegate* unmanaged<long, int>)baseline["reset"];
        _end = (delegate* unmanaged<int>)baseline["end"];
        _grow = (delegate* unmanaged<long, int>)baseline["grow"];
        _growReserved = (delegate* unmanaged<long, long, int>)baseline["grow_reserved"];
        _growAndRemap = (delegate* unmanaged<long, long, int>)baseline["grow_and_remap"];
        _growInPlace = (delegate* unmanaged<long, int>)baseline["grow_in_place"];
        _growAndMove = (delegate* unmanaged<long, int>)baseline["grow_and_move"];

        _name = SharedMemoryObject.CreateUniqueName("bench");
        _memory = SharedMemoryObject.Create(_name, Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _mapping = _memory.Map(new() { AddressSpace = Length + Step, Populate = true });
        _handedOut = SharedMemoryObject.Open(_name);
        _ = _handedOut.SafeFileHandle;
        _handedOutMapping = _handedOut.Map(new() { AddressSpace = Length + Step });
        CBaseline.Check(((delegate* unmanaged<nint, long, long, int>)baseline["begin"])(CBaseline.Text("/dev/shm/" + _name), Length, Step));
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
        _handedOutMapping?.Dispose();
        _handedOut?.Dispose();
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Makes the object as long as it was, as another process could.</summary>
    [IterationSetup]
    public void Reset()
    {
        CBaseline.Check(_reset(Length));
        _mapping.Refresh();
        _handedOutMapping!.Refresh();
    }

    [Benchmark(Baseline = true)]
    public void FtruncateInC() => CBaseline.Check(_grow(Length + Step));

    [Benchmark]
    public void Sparse()
    {
        _memory!.SetLength(Length + Step, Backing.Sparse);
        _mapping.Refresh();
    }

    /// <summary>After the handle was asked for, somebody else can have flags and locks on the descriptor.</summary>
    [Benchmark]
    public void SparseWithHandleGiven()
    {
        _handedOut!.SetLength(Length + Step, Backing.Sparse);
        _handedOutMapping!.Refresh();
    }

    [Benchmark]
    public void FallocateInC() => CBaseline.Check(_growReserved(Length, Length + Step));

    [Benchmark]
    public void Reserved()
    {
        _memory!.SetLength(Length + Step);
        _mapping.Refresh();
    }

    [Benchmark]
    public void SparseAndWriteNew()
    {
        Sparse();
        for (var offset = Length; offset < Length + Step; offset += Page)
        {
            _mapping.GetReference<byte>(offset) = 1;
        }
    }

    [Benchmark]
    public void MremapWithRoomInC() => CBaseline.Check(_growInPlace(Length + Step));

    [Benchmark]
    public void MremapThatMovesInC() => CBaseline.Check(_growAndMove(Length + Step));

    [Benchmark]
    public void MapAnewAndReadInC() => CBaseline.Check(_growAndRemap(Length, Length + Step));

    [Benchmark]
    public long MapAnewAndReadInBaseLibrary()
    {
        _file!.Dispose();
        _file = new(_name, Length + Step);
        var view = _file.View();
        var sum = 0L;
        for (var offset = 0L; offset < Length; offset += Page)
        {
            sum += view.ReadByte(offset);
        }

        return sum;
    }
}
