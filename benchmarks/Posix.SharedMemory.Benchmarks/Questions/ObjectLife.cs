using System.IO.MemoryMappedFiles;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;

namespace Posix.SharedMemory.Benchmarks;

// The base library's own way is what this is measured against.
#pragma warning disable RS0030

/// <summary>
/// What does an object's life cost: open, size, map, touch a page, unmap, close, unlink? The memory is reserved in every
/// candidate that creates.
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[Latencies]
public unsafe class ObjectLife
{
    private const string CreateLife = "create, complete before visible";
    private const string ClassicLife = "create, shm_open then size";
    private const string TruncatedLife = "create, shm_open then ftruncate";
    private const string AttachLife = "attach to an existing object";
    private const int Length = 4096;
    private const FileShare AnyShare = FileShare.ReadWrite | FileShare.Delete;

    private CProgram? _alone;
    private string _name = "";
    private string _path = "";
    private string _unfinishedPath = "";
    private string _existing = "";
    private string _existingPath = "";
    private nint _cName;
    private nint _cPath;
    private nint _cExisting;
    private nint _cExistingPath;
    private delegate* unmanaged<nint, nint, int> _createLife;
    private delegate* unmanaged<nint, nint, int> _classicLife;
    private delegate* unmanaged<nint, nint, int> _truncatedLife;
    private delegate* unmanaged<nint, int> _attachLife;
    private delegate* unmanaged<nint, nint, int> _createLifeSameCalls;
    private delegate* unmanaged<nint, nint, int> _classicLifeSameCalls;
    private delegate* unmanaged<nint, nint, int> _truncatedLifeSameCalls;
    private delegate* unmanaged<nint, nint, int> _attachLifeSameCalls;

    /// <summary>Compiles the baseline and makes the object to attach to.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("object_life");
        _createLife = (delegate* unmanaged<nint, nint, int>)baseline["create_life"];
        _classicLife = (delegate* unmanaged<nint, nint, int>)baseline["classic_life"];
        _truncatedLife = (delegate* unmanaged<nint, nint, int>)baseline["truncated_life"];
        _attachLife = (delegate* unmanaged<nint, int>)baseline["attach_life"];
        _createLifeSameCalls = (delegate* unmanaged<nint, nint, int>)baseline["create_life_same_calls"];
        _classicLifeSameCalls = (delegate* unmanaged<nint, nint, int>)baseline["classic_life_same_calls"];
        _truncatedLifeSameCalls = (delegate* unmanaged<nint, nint, int>)baseline["truncated_life_same_calls"];
        _attachLifeSameCalls = (delegate* unmanaged<nint, nint, int>)baseline["attach_life_same_calls"];

        _alone = new("object_life");
        _name = SharedMemoryObject.CreateUniqueName("bench");
        _path = "/dev/shm/" + _name;
        _unfinishedPath = _path + ".unfinished";
        _existing = SharedMemoryObject.CreateUniqueName("bench");
        _existingPath = "/dev/shm/" + _existing;
        _cName = CBaseline.Text("/" + _name);
        _cPath = CBaseline.Text(_path);
        _cExisting = CBaseline.Text("/" + _existing);
        _cExistingPath = CBaseline.Text(_existingPath);
        SharedMemoryObject.Create(_existing, Length).Dispose();
    }

    /// <summary>Removes that object.</summary>
    [GlobalCleanup]
    public void CleanUp()
    {
        _alone?.Dispose();
        if (_existing.Length > 0)
        {
            SharedMemoryObject.TryUnlink(_existing);
        }
    }

    [Benchmark(Baseline = true), BenchmarkCategory(CreateLife)]
    public void CreateInC() => CBaseline.Check(_createLife(_cPath, Length));

    [Alone(CreateLife)]
    public (double Elapsed, double Processor) CreateInCAlone(int count) => _alone!.Time("create_life", _path, Length, count);

    [Benchmark, BenchmarkCategory(CreateLife)]
    public void CreateInCWithSameCalls() => CBaseline.Check(_createLifeSameCalls(_cPath, Length));

    [Benchmark, BenchmarkCategory(CreateLife)]
    public void Create()
    {
        using (var memory = SharedMemoryObject.Create(_name, Length))
        {
            using var mapping = memory.Map();
            mapping.GetSpan()[0] = 1;
        }

        SharedMemoryObject.Unlink(_name);
    }

    [Benchmark, BenchmarkCategory(CreateLife)]
    public void MovedIntoPlaceInBaseLibrary()
    {
        using (var handle = File.OpenHandle(
            _unfinishedPath, FileMode.CreateNew, FileAccess.ReadWrite, AnyShare, FileOptions.None, preallocationSize: Length))
        {
            File.Move(_unfinishedPath, _path, overwrite: false);
            MapByBaseLibrary(handle, Length);
        }

        File.Delete(_path);
    }

    [Benchmark(Baseline = true), BenchmarkCategory(ClassicLife)]
    public void ClassicInC() => CBaseline.Check(_classicLife(_cName, Length));

    [Alone(ClassicLife)]
    public (double Elapsed, double Processor) ClassicInCAlone(int count) => _alone!.Time("classic_life", "/" + _name, Length, count);

    [Benchmark, BenchmarkCategory(ClassicLife)]
    public void ClassicInCWithSameCalls() => CBaseline.Check(_classicLifeSameCalls(_cPath, Length));

    [Benchmark, BenchmarkCategory(ClassicLife)]
    public void Classic()
    {
        using (var memory = SharedMemoryObject.Open(_name, FileMode.CreateNew))
        {
            memory.SetLength(Length);
            using var mapping = memory.Map();
            mapping.GetSpan()[0] = 1;
        }

        SharedMemoryObject.Unlink(_name);
    }

    [Benchmark, BenchmarkCategory(ClassicLife)]
    public void ClassicInBaseLibrary()
    {
        using (var handle = File.OpenHandle(
            _path, FileMode.CreateNew, FileAccess.ReadWrite, AnyShare, FileOptions.None, preallocationSize: Length))
        {
            MapByBaseLibrary(handle, Length);
        }

        File.Delete(_path);
    }

    [Benchmark(Baseline = true), BenchmarkCategory(TruncatedLife)]
    public void TruncatedInC() => CBaseline.Check(_truncatedLife(_cName, Length));

    [Alone(TruncatedLife)]
    public (double Elapsed, double Processor) TruncatedInCAlone(int count) => _alone!.Time("truncated_life", "/" + _name, Length, count);

    [Benchmark, BenchmarkCategory(TruncatedLife)]
    public void TruncatedInCWithSameCalls() => CBaseline.Check(_truncatedLifeSameCalls(_cPath, Length));

    [Benchmark, BenchmarkCategory(TruncatedLife)]
    public void Truncated()
    {
        using (var memory = SharedMemoryObject.Open(_name, FileMode.CreateNew))
        {
            memory.SetLength(Length, Backing.Sparse);
            using var mapping = memory.Map();
            mapping.GetSpan()[0] = 1;
        }

        SharedMemoryObject.Unlink(_name);
    }

    [Benchmark, BenchmarkCategory(TruncatedLife)]
    public void TruncatedInBaseLibrary()
    {
        using (var handle = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, AnyShare))
        {
            MapByBaseLibrary(handle, Length);
        }

        File.Delete(_path);
    }

    [Benchmark(Baseline = true), BenchmarkCategory(AttachLife)]
    public void AttachInC() => CBaseline.Check(_attachLife(_cExisting));

    [Alone(AttachLife)]
    public (double Elapsed, double Processor) AttachInCAlone(int count) => _alone!.Time("attach_life", "/" + _existing, Length, count);

    [Benchmark, BenchmarkCategory(AttachLife)]
    public void AttachInCWithSameCalls() => CBaseline.Check(_attachLifeSameCalls(_cExistingPath, Length));

    [Benchmark, BenchmarkCategory(AttachLife)]
    public void Attach()
    {
        using var memory = SharedMemoryObject.Open(_existing);
        using var mapping = memory.Map();
        mapping.GetSpan()[0] = 1;
    }

    [Benchmark, BenchmarkCategory(AttachLife)]
    public void AttachInBaseLibrary()
    {
        using var handle = File.OpenHandle(
            _existingPath, FileMode.Open, FileAccess.ReadWrite, AnyShare, FileOptions.None, preallocationSize: 0);
        MapByBaseLibrary(handle, capacity: 0);
    }

    private static void MapByBaseLibrary(Microsoft.Win32.SafeHandles.SafeFileHandle handle, long capacity)
    {
        using var file = MemoryMappedFile.CreateFromFile(
            handle, mapName: null, capacity, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        using var view = file.CreateViewAccessor();
        view.Write(0, (byte)1);
    }
}
