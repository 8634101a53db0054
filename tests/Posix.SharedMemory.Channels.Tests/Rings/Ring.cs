namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>A channel without a name and both its ends in this process.</summary>
internal sealed class Ring : IDisposable
{
    private readonly MemoryMapping _bytes;

    internal Ring(long capacity = 4096, int alignment = 8, EndpointOptions? options = null)
    {
        Channel = MessageChannel.CreateAnonymous(new() { Capacity = capacity, RecordAlignment = alignment });
        Writer = Channel.OpenWriter(options);
        Reader = Channel.OpenReader(options);
        _bytes = Channel.Memory.Map();
    }

    internal MessageChannel Channel { get; }

    internal MessageWriter Writer { get; private set; }

    internal MessageReader Reader { get; private set; }

    /// <summary>Gets the bytes of the object, as a hostile peer has them.</summary>
    internal Span<byte> Bytes => _bytes.GetSpan();

    internal ref ulong U64(long offset) => ref _bytes.GetReference<ulong>(offset);

    internal ref uint U32(long offset) => ref _bytes.GetReference<uint>(offset);

    internal void ReopenWriter()
    {
        Writer.Dispose();
        Writer = Channel.OpenWriter();
    }

    internal void ReopenReader()
    {
        Reader.Dispose();
        Reader = Channel.OpenReader();
    }

    internal byte[] ReadOne()
    {
        Assert.True(Reader.TryRead(out MessageLease lease));
        using (lease)
        {
            return lease.Span.ToArray();
        }
    }

    public void Dispose()
    {
        Writer.Dispose();
        Reader.Dispose();
        _bytes.Dispose();
        Channel.Dispose();
    }
}
