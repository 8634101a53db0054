using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to pass a descriptor over a stream socket, and to get it, when there is room and the data is ready? The base library cannot.</summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[Latencies]
public unsafe class Passing
{
    private const string NoHandle = "no descriptor";
    private const string OneHandle = "one descriptor, received and closed";
    private const string SixteenHandles = "sixteen descriptors, received and closed";
    private const string WholeObject = "an object, received, mapped, touched and closed";

    private readonly byte[] _data = new byte[16];
    private readonly byte[] _buffer = new byte[16];
    private readonly SafeFileHandle?[] _places = new SafeFileHandle?[1];
    private SocketPair? _sockets;
    private SharedMemoryObject _memory = null!;
    private SafeFileHandle[] _one = [];
    private SafeFileHandle[] _sixteen = [];
    private int _number;
    private delegate* unmanaged<int, int, int> _passAndClose;
    private delegate* unmanaged<int, int> _passAndMap;
    private delegate* unmanaged<int> _close;

    /// <summary>Compiles the baseline and connects the sockets.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var baseline = CBaseline.Load("passing");
        _passAndClose = (delegate* unmanaged<int, int, int>)baseline["pass_and_close"];
        _passAndMap = (delegate* unmanaged<int, int>)baseline["pass_and_map"];
        _close = (delegate* unmanaged<int>)baseline["passing_close"];
        CBaseline.Check(((delegate* unmanaged<int>)baseline["passing_open"])());

        _memory = SharedMemoryObject.CreateAnonymous(4096);
        _one = [_memory.SafeFileHandle];
        _sixteen = [.. Enumerable.Repeat(_memory.SafeFileHandle, 16)];
        _number = (int)_memory.SafeFileHandle.DangerousGetHandle();
        _sockets = new();
    }

    /// <summary>Closes them.</summary>
    [GlobalCleanup]
    public void CleanUp()
    {
        _sockets?.Dispose();
        _memory?.Dispose();
        CBaseline.Check(_close());
    }

    [Benchmark(Baseline = true), BenchmarkCategory(NoHandle)]
    public void NoneInC() => CBaseline.Check(_passAndClose(_number, 0));

    [Benchmark, BenchmarkCategory(NoHandle)]
    public void None() => Pass([]);

    [Benchmark(Baseline = true), BenchmarkCategory(OneHandle)]
    public void OneInC() => CBaseline.Check(_passAndClose(_number, 1));

    [Benchmark, BenchmarkCategory(OneHandle)]
    public void One() => Pass(_one);

    [Benchmark, BenchmarkCategory(OneHandle)]
    public void OneIntoPlaces()
    {
        Complete(_sockets!.Sender.SendHandlesAsync(_data, _one));
        var receiving = _sockets!.Receiver.ReceiveHandlesAsync(_buffer, _places);
        if (!receiving.IsCompletedSuccessfully || receiving.Result is not { BytesReceived: 16, HandlesReceived: 1 })
        {
            throw new InvalidOperationException("Something was lost.");
        }

        _places[0]!.Dispose();
    }

    [Benchmark(Baseline = true), BenchmarkCategory(SixteenHandles)]
    public void SixteenInC() => CBaseline.Check(_passAndClose(_number, 16));

    [Benchmark, BenchmarkCategory(SixteenHandles)]
    public void Sixteen() => Pass(_sixteen);

    [Benchmark(Baseline = true), BenchmarkCategory(WholeObject)]
    public void WholeObjectInC() => CBaseline.Check(_passAndMap(_number));

    [Benchmark, BenchmarkCategory(WholeObject)]
    public void WholeObjectMapped()
    {
        Complete(_sockets!.Sender.SendObjectAsync(_memory));
        var receiving = _sockets!.Receiver.ReceiveObjectAsync();
        using var memory = receiving.IsCompletedSuccessfully ? receiving.Result : throw new InvalidOperationException("The object was not ready.");
        using var mapping = memory.Map();
        mapping.GetSpan()[0] = 1;
    }

    private void Pass(SafeFileHandle[] handles)
    {
        var sending = _sockets!.Sender.SendHandlesAsync(_data, handles);
        var receiving = _sockets!.Receiver.ReceiveHandlesAsync(_buffer, handles.Length);
        if (!sending.IsCompletedSuccessfully || !receiving.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("The socket was full, or the data not ready.");
        }

        using var result = receiving.Result;
        if (result.BytesReceived != _data.Length || result.Handles.Count != handles.Length)
        {
            throw new InvalidOperationException("Something was lost.");
        }
    }

    private static void Complete(ValueTask sending)
    {
        if (!sending.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("The socket was full.");
        }
    }
}
