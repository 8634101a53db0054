using System.Net.Sockets;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Two connected stream sockets of this process.</summary>
internal sealed class SocketPair : IDisposable
{
    internal SocketPair()
    {
        var path = Path.Combine(Path.GetTempPath(), SharedMemoryObject.CreateUniqueName("bench"));
        using var listener = New();
        listener.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            listener.Listen();
            Sender = New();
            Sender.Connect(new UnixDomainSocketEndPoint(path));
            Receiver = listener.Accept();
        }
        finally
        {
            File.Delete(path);
        }
    }

    internal Socket Sender { get; }

    internal Socket Receiver { get; }

    public void Dispose()
    {
        Sender.Dispose();
        Receiver.Dispose();
    }

    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
