namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>Both sides of a connection in this process.</summary>
internal sealed class Both : IDisposable
{
    private readonly MemoryMapping _bytes;

    private Both(MessageConnection creator, MessageConnection receiver)
    {
        (Creator, Receiver) = (creator, receiver);
        _bytes = creator.Memory.Map();
    }

    /// <summary>Gets the side that created the memory: it writes to direction 0.</summary>
    internal MessageConnection Creator { get; }

    /// <summary>Gets the side that received it.</summary>
    internal MessageConnection Receiver { get; }

    /// <summary>Gets the bytes of the object, as a hostile peer has them.</summary>
    internal Span<byte> Bytes => _bytes.GetSpan();

    internal ref ulong U64(long offset) => ref _bytes.GetReference<ulong>(offset);

    internal ref uint U32(long offset) => ref _bytes.GetReference<uint>(offset);

    internal static async Task<Both> OpenAsync(MessageConnectionOptions? options = null)
    {
        var pair = new SocketPair();
        return new(await MessageConnection.AcceptAsync(pair.Sender, options ?? new() { Capacity = 4096 }), await MessageConnection.ReceiveAsync(pair.Receiver));
    }

    public void Dispose()
    {
        Creator.Dispose();
        Receiver.Dispose();
        _bytes.Dispose();
    }
}
