using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to make an object and to publish it in the place of another, and does it depend on how many names there are?</summary>
[MemoryDiagnoser]
[Latencies]
public unsafe class Replacing
{
    private const int Length = 4096;

    private readonly List<string> _others = [];
    private string _name = "";
    private nint _path;
    private nint _unfinished;
    private delegate* unmanaged<nint, nint, nint, int> _replace;

    [Params(2L, 10_000L, 100_000L)]
    public long Names { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _replace = (delegate* unmanaged<nint, nint, nint, int>)CBaseline.Load("replacing")["replace"];
        _name = SharedMemoryObject.CreateUniqueName("bench");
        _path = CBaseline.Text("/dev/shm/" + _name);
        _unfinished = CBaseline.Text("/dev/shm/" + _name + ".unfinished");
        for (var i = 0; i < Names; i++)
        {
            var name = $"{_name}-{i}";
            SharedMemoryObject.Create(name, 0).Dispose();
            _others.Add(name);
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        foreach (var name in _others.Append(_name))
        {
            SharedMemoryObject.TryUnlink(name);
        }
    }

    [Benchmark(Baseline = true)]
    public void ReplaceInC() => CBaseline.Check(_replace(_path, _unfinished, Length));

    [Benchmark]
    public void Replace()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Length);
        memory.Publish(_name, RenameMode.Replace);
    }
}
