namespace Posix.SharedMemory.Channels;

/// <summary>A place that a call of this process has until the peer has answered it, also where its caller has given it up. As a record it is the cancellation.</summary>
internal sealed class CallPlace(ushort index) : CallItem
{
    internal ushort Index => index;

    /// <summary>Gets or sets the call's number; 0: the place is free.</summary>
    internal ulong Number { get; set; }

    /// <summary>Gets or sets how many bytes of the ring the call's record has.</summary>
    internal long Size { get; set; }

    /// <summary>Gets or sets the call; <see langword="null"/>: nobody waits for its answer any more.</summary>
    internal PendingCall? Call { get; set; }

    internal override ushort RecordType => ChannelLayout.CancelType;

    internal override CallHeader Header => new(Number, index);

    internal override ReadOnlyMemory<byte> Body => default;

    internal override void OnWritten()
    {
    }
}
