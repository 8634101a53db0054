using System.IO.MemoryMappedFiles;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What does it cost to send an object's bytes into a stream socket that has room for them? Between the calls they are taken out again.</summary>
[MemoryDiagnoser]
[AllocatesNothing]
public unsafe class CopyToSocket
{
    private readonly byte[] _taken = new byte[64 << 10];
    private SharedMemoryObject? _memory;
    private SocketPair? _sockets;
    private NetworkStream? _stream;
    private BaseLibraryFile? _file;
    private MemoryMappedViewStream? _view;
    private string _path = "";
    private delegate* unmanaged<int, int, long, int> _send;

    [Params(4L << 10, 64L << 10)]
    public long Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _send = (delegate* unmanaged<int, int, long, int>)CBaseline.Load("copy_to")["copy_by_sendfile"];
        _memory = SharedMemoryObject.Create(
            SharedMemoryObject.CreateUniqueName("bench"), Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        _path = "/dev/shm/" + _memory.Name;
        _sockets = new();
        _stream = new(_sockets.Sender);
        _file = new(_memory.Name!);
        _view = _file.NewStream();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _view?.Dispose();
        _file?.Dispose();
        _stream?.Dispose();
        _sockets?.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Empties the socket.</summary>
    [IterationSetup]
    public void Reset()
    {
        while (_sockets!.Receiver.Available > 0)
        {
            _sockets.Receiver.Receive(_taken);
        }

        _view!.Position = 0;
    }

    [Benchmark(Baseline = true)]
    public void SendfileInC() =>
        CBaseline.Check(_send((int)_sockets!.Sender.Handle, (int)_memory!.SafeFileHandle.DangerousGetHandle(), Length));

    [Benchmark]
    public long CopyTo() => _memory!.CopyTo(_sockets!.Sender.SafeHandle);

    [Benchmark]
    public void SendFileInBaseLibrary() => _sockets!.Sender.SendFile(_path);

    [Benchmark]
    public void ViewStreamInBaseLibrary() => _view!.CopyTo(_stream!);
}
