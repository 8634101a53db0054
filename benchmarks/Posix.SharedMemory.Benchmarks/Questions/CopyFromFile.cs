using System.IO.MemoryMappedFiles;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to copy a file's bytes over those of an object? The file is in memory too, so that no disk is measured, and the object has all its pages.</summary>
[MemoryDiagnoser]
[AllocatesNothing]
public unsafe class CopyFromFile
{
    private SharedMemoryObject? _memory;
    private SharedMemoryObject? _source;
    private FileStream? _stream;
    private BaseLibraryFile? _file;
    private MemoryMappedViewStream? _view;
    private delegate* unmanaged<int, int, long, int> _copyByRange;
    private delegate* unmanaged<int, int, long, int> _copyByReading;
    private delegate* unmanaged<int, int> _rewind;

    [Params(4L << 10, 1L << 20, 64L << 20)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("copy_to");
        _copyByRange = (delegate* unmanaged<int, int, long, int>)baseline["copy_by_range"];
        _copyByReading = (delegate* unmanaged<int, int, long, int>)baseline["copy_by_reading"];
        _rewind = (delegate* unmanaged<int, int>)baseline["rewind_file"];
        _memory = New();
        _source = New();
        _stream = new("/dev/shm/" + _source.Name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        _file = new(_memory.Name!);
        _view = _file.NewStream();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _view?.Dispose();
        _file?.Dispose();
        _stream?.Dispose();
        _source?.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Goes back to the start of both.</summary>
    [IterationSetup]
    public void Reset()
    {
        CBaseline.Check(_rewind(Descriptor(_source!)));
        CBaseline.Check(_rewind(Descriptor(_memory!)));
        _stream!.Position = 0;
        _view!.Position = 0;
    }

    /// <summary>As <c>cp</c> copies where the file system cannot.</summary>
    [Benchmark(Baseline = true)]
    public void ReadAndWriteInC() => CBaseline.Check(_copyByReading(Descriptor(_memory!), Descriptor(_source!), Length));

    [Benchmark]
    public void CopyFileRangeInC() => CBaseline.Check(_copyByRange(Descriptor(_memory!), Descriptor(_source!), Length));

    [Benchmark]
    public long CopyFrom() => _memory!.CopyFrom(_source!.SafeFileHandle);

    [Benchmark]
    public void ViewStreamInBaseLibrary() => _stream!.CopyTo(_view!);

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
