using System.IO.MemoryMappedFiles;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to copy an object's bytes over those of a file? The file is in memory too, so that no disk is measured, and has all its pages.</summary>
[MemoryDiagnoser]
[AllocatesNothing]
public unsafe class CopyToFile
{
    private SharedMemoryObject? _memory;
    private SharedMemoryObject? _target;
    private FileStream? _stream;
    private BaseLibraryFile? _file;
    private MemoryMappedViewStream? _view;
    private delegate* unmanaged<int, int, long, int> _copyBySendfile;
    private delegate* unmanaged<int, int, long, int> _copyByRange;
    private delegate* unmanaged<int, void*, long, int> _copyByWrite;
    private delegate* unmanaged<int, int> _rewind;
    private MemoryMapping? _mapping;

    [Params(4L << 10, 1L << 20, 64L << 20)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("copy_to");
        _copyBySendfile = (delegate* unmanaged<int, int, long, int>)baseline["copy_by_sendfile"];
        _copyByRange = (delegate* unmanaged<int, int, long, int>)baseline["copy_by_range"];
        _copyByWrite = (delegate* unmanaged<int, void*, long, int>)baseline["copy_by_write"];
        _rewind = (delegate* unmanaged<int, int>)baseline["rewind_file"];
        _memory = New();
        _mapping = _memory.Map();
        _target = New();
        _stream = new("/dev/shm/" + _target.Name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        _file = new(_memory.Name!);
        _view = _file.NewStream();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _view?.Dispose();
        _file?.Dispose();
        _stream?.Dispose();
        _target?.Dispose();
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Goes back to the start of both.</summary>
    [IterationSetup]
    public void Reset()
    {
        CBaseline.Check(_rewind(Descriptor(_target!)));
        _stream!.Position = 0;
        _view!.Position = 0;
    }

    [Benchmark(Baseline = true)]
    public void SendfileInC() => CBaseline.Check(_copyBySendfile(Descriptor(_target!), Descriptor(_memory!), Length));

    [Benchmark]
    public void CopyFileRangeInC() => CBaseline.Check(_copyByRange(Descriptor(_target!), Descriptor(_memory!), Length));

    /// <summary>From a mapping that is there already, and faults where the object is cut.</summary>
    [Benchmark]
    public void WriteInC() => CBaseline.Check(_copyByWrite(Descriptor(_target!), _mapping!.DangerousGetPointer(), Length));

    [Benchmark]
    public long CopyTo() => _memory!.CopyTo(_target!.SafeFileHandle);

    [Benchmark]
    public void ViewStreamInBaseLibrary() => _view!.CopyTo(_stream!);

    private SharedMemoryObject New()
    {
        var made = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var mapping = made.Map();
        mapping.GetSpan().Fill(1);
        return made;
    }

    private static int Descriptor(SharedMemoryObject memory) => (int)memory.SafeFileHandle.DangerousGetHandle();
}
