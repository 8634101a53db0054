namespace Posix.SharedMemory.Channels;

/// <summary>The writing end of a ring: opens it, waits for room, and completes the channel. What a message passes is in <see cref="RingTail"/>.</summary>
internal sealed unsafe class RingWriter : RingTail
{
    private long _waits;

    private RingWriter(Endpoint endpoint)
        : base(endpoint)
    {
    }

    /// <summary>Opens the writer.</summary>
    internal static RingWriter Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new RingWriter(Endpoint.Enter(channel, EndpointRole.Writer, options));
        try
        {
            writer.TakeOver();
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    protected override void CountWait() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)(Line + ChannelLayout.WaitsInLine), ++_waits);

    private void TakeOver()
    {
        // SAFETY: the lines lie in the bytes that the channel holds.
        var state = Volatile.Read(ref *(uint*)(Line + ChannelLayout.StateInLine));
        if (state != 0)
        {
            throw new InvalidOperationException($"{Endpoint.Channel.Subject} was completed by an earlier writer: nothing more can be written to it.");
        }

        TakeOverIndices();
        // SAFETY: as above.
        _waits = Volatile.Read(ref *(long*)(Line + ChannelLayout.WaitsInLine));
        Endpoint.Occupy();
    }
}
