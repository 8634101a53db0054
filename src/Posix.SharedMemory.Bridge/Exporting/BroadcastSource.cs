using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A broadcast as the bridge reads it, which begins with the oldest message that its history has.</summary>
internal sealed class BroadcastSource : GappySource
{
    private readonly Broadcast _broadcast;
    private readonly BroadcastReader _reader;
    private byte[] _ahead = [];

    private BroadcastSource(Broadcast broadcast, BroadcastReader reader)
    {
        (_broadcast, _reader) = (broadcast, reader);
        Begin(() => broadcast.GetStatus().Messages);
    }

    internal override SharedMemoryObject Memory => _broadcast.Memory;

    internal override long Available => _reader.Available + (HasAhead ? AheadLength + FrameLimits.MessageOverhead : 0);

    internal override bool HasWriter => _reader.Writer == PeerState.Alive;

    protected override ReadOnlySpan<byte> Ahead => _ahead.AsSpan(0, AheadLength);

    /// <summary>Opens a broadcast as one of its readers.</summary>
    /// <param name="name">The broadcast.</param>
    /// <param name="header">Its header, as it was read.</param>
    /// <param name="isDurable">Whether the writer waits for the bridge.</param>
    internal static BroadcastSource Open(string name, SourceHeader header, bool isDurable)
    {
        var broadcast = Broadcast.Open(name);
        BroadcastReader? reader = null;
        try
        {
            RequireSame(broadcast.Memory, header);
            reader = broadcast.OpenReader(new()
            {
                Label = Label,
                Restart = PeerRestart.Wait,
                Delivery = isDurable ? BroadcastDelivery.Lossless : BroadcastDelivery.Lossy,
                Start = BroadcastStart.Oldest,
            });
            return new(broadcast, reader);
        }
        catch
        {
            reader?.Dispose();
            broadcast.Dispose();
            throw;
        }
    }

    public override void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_ahead);
        _reader.Dispose();
        _broadcast.Dispose();
    }

    protected override ValueTask<bool> WaitForNextAsync(CancellationToken cancellationToken) => _reader.WaitToReadAsync(cancellationToken);

    protected override bool WaitForNext(TimeSpan timeout) => _reader.WaitToRead(timeout);

    protected override bool TryTake(out int length, out MessageMark mark)
    {
        BroadcastMessage info;
        while (!_reader.TryRead(_ahead, out info))
        {
            if (info.Length <= _ahead.Length)
            {
                (length, mark) = (0, default);
                return false;
            }

            ArrayPool<byte>.Shared.Return(_ahead);
            _ahead = [];
            _ahead = ArrayPool<byte>.Shared.Rent(info.Length);
        }

        // A broadcast counts from 0, and what is bridged from 1.
        (length, mark) = (info.Length, new(info.Sequence + 1, info.Type));
        return true;
    }
}
