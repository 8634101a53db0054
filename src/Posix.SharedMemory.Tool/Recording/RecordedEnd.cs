using System.Runtime.InteropServices;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>The reader whose messages are recorded: of a broadcast, or of frames.</summary>
/// <param name="WaitAsync">Waits for a message. False: none will come any more.</param>
/// <param name="TryRecord">Records the next message. False: there is none now.</param>
/// <param name="Reader">The reader itself, and the channel.</param>
internal sealed record RecordedEnd(Func<CancellationToken, ValueTask<bool>> WaitAsync, Func<RecordingWriter, bool> TryRecord, IDisposable Reader, IDisposable Channel) : IDisposable
{
    /// <summary>Opens a reader of a channel, which belongs to it; if this throws, it stays the caller's.</summary>
    /// <exception cref="CommandException">The channel is of a kind that cannot be recorded.</exception>
    internal static RecordedEnd Open(GivenName name, SharedMemoryObject memory, ChannelStatus status, bool isLossless, PeerRestart restart) => status.Kind switch
    {
        ChannelKind.Broadcast => Open(Broadcast.FromObject(memory), status.MaxMessageLength, isLossless, restart),
        ChannelKind.Frames => Open(FrameChannel.FromObject(memory), isLossless, restart),
        var kind => throw new CommandException($"{name}: the channel is of kind {ChannelLook.KindOf(kind)}; only broadcasts and frames can be recorded, since others have a reader of their own; shm topic tap shows their messages"),
    };

    public void Dispose()
    {
        Reader.Dispose();
        Channel.Dispose();
    }

    private static RecordedEnd Open(Broadcast channel, int longest, bool isLossless, PeerRestart restart)
    {
        var reader = channel.OpenReader(new BroadcastReaderOptions
        {
            Label = TopicRecordCommand.Label, Restart = restart, Start = BroadcastStart.Oldest, Delivery = isLossless ? BroadcastDelivery.Lossless : BroadcastDelivery.Lossy,
        });
        var bytes = new byte[longest];
        return new(reader.WaitToReadAsync, TryRecord, reader, channel);

        bool TryRecord(RecordingWriter recording)
        {
            if (!reader.TryRead(bytes, out var message))
            {
                return false;
            }

            recording.Append(bytes.AsSpan(0, message.Length), default, message.Type, message.Sequence, message.Missed);
            return true;
        }
    }

    private static RecordedEnd Open(FrameChannel channel, bool isLossless, PeerRestart restart)
    {
        var reader = channel.OpenReader(new() { Label = TopicRecordCommand.Label, Restart = restart, Overflow = isLossless ? FrameOverflow.Wait : FrameOverflow.DropOldest });
        var missed = 0L;
        return new(reader.WaitToReadAsync, TryRecord, reader, channel);

        bool TryRecord(RecordingWriter recording)
        {
            if (!reader.TryRead(out var frame))
            {
                return false;
            }

            using (frame)
            {
                var header = frame.Header;
                var before = missed;
                missed = reader.Missed;
                recording.Append(frame.ReadOnlySpan, MemoryMarshal.AsBytes(new ReadOnlySpan<FrameHeader>(in header)), frame.Type, frame.Sequence, Math.Max(0, missed - before));
            }

            return true;
        }
    }
}
