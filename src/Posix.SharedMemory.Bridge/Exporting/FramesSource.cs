using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// A frame channel as the bridge reads it, from the first frame that is sent after it has joined. Each publisher has an object of its own: the next one is another life of the channel, with another
/// source.
/// </summary>
internal sealed class FramesSource : GappySource
{
    /// <summary>How often the name is looked at when the publisher has gone.</summary>
    private static readonly TimeSpan s_looking = TimeSpan.FromMilliseconds(200);

    private readonly FrameChannel _channel;
    private readonly FrameReader _reader;
    private readonly RingPressure _pressure;
    private Frame? _ahead;
    private bool _isOver;

    private FramesSource(FrameChannel channel, FrameReader reader, RingPressure pressure)
    {
        (_channel, _reader, _pressure) = (channel, reader, pressure);
        Begin(() => channel.GetStatus().Messages);
    }

    internal override SharedMemoryObject Memory => _channel.Memory;

    /// <inheritdoc/>
    /// <remarks>Frames, not bytes: each keeps a slot, however long it is.</remarks>
    internal override long Available => _reader.Available + (HasAhead ? 1 : 0);

    internal override bool HasWriter => _reader.Writer == PeerState.Alive;

    /// <inheritdoc/>
    /// <remarks>A frame comes with its header.</remarks>
    internal override bool MayBatch => false;

    protected override ReadOnlySpan<byte> Ahead => _ahead!.ReadOnlySpan;

    /// <summary>Opens a frame channel as one of its readers.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="header">Its header, as it was read.</param>
    /// <param name="isDurable">Whether the publisher waits for the bridge.</param>
    internal static FramesSource Open(string name, SourceHeader header, bool isDurable)
    {
        var channel = FrameChannel.Open(name);
        FrameReader? reader = null;
        RingPressure? pressure = null;
        try
        {
            reader = channel.OpenReader(new() { Label = Label, Restart = PeerRestart.Fail, Overflow = isDurable ? FrameOverflow.Wait : FrameOverflow.DropOldest });
            // Opening a reader may have moved the channel to the object of the next publisher.
            RequireSame(channel.Memory, header);
            pressure = new(channel.Memory, header.SlotCount);
            return new(channel, reader, pressure);
        }
        catch
        {
            pressure?.Dispose();
            reader?.Dispose();
            channel.Dispose();
            throw;
        }
    }

    internal override long MayStay(long used) => _pressure.MayStay(used);

    public override void Dispose()
    {
        _ahead?.Dispose();
        _pressure.Dispose();
        _reader.Dispose();
        _channel.Dispose();
    }

    protected override async ValueTask<bool> WaitForNextAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_isOver)
            {
                return await _reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (ChannelException e) when (e is PeerDiedException or PeerLeftException)
        {
            // Another wait would move to the object of the next publisher.
            _isOver = true;
        }

        while (!_channel.Memory.IsUnlinked)
        {
            await Task.Delay(s_looking, cancellationToken).ConfigureAwait(false);
        }

        throw new InvalidOperationException("Its publisher has gone, and the name is another one's, or was removed.");
    }

    protected override bool WaitForNext(TimeSpan timeout) => _isOver ? false : throw new NotSupportedException("Frames are not sent together.");

    protected override bool TryTake(out int length, out MessageMark mark)
    {
        if (!_reader.TryRead(out _ahead))
        {
            (length, mark) = (0, default);
            return false;
        }

        // Frames are counted from 0, and what is bridged from 1.
        (length, mark) = (_ahead.Length, new(_ahead.Sequence + 1, _ahead.Type, _ahead.Header));
        return true;
    }

    protected override void Release()
    {
        _ahead?.Dispose();
        _ahead = null;
    }
}
