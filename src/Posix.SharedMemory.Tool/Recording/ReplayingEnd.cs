using System.Runtime.InteropServices;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>The writer by which a recording is sent again: of a broadcast, or of frames.</summary>
/// <param name="SendAsync">Sends the message that was read last.</param>
/// <param name="Readers">The processes that read.</param>
/// <param name="Complete">Completes the channel.</param>
/// <param name="Writer">The writer itself, and the channel.</param>
internal sealed record ReplayingEnd(Func<RecordingReader, CancellationToken, ValueTask> SendAsync, Func<IReadOnlyList<EndpointInfo>> Readers, Action Complete, IDisposable Writer, IDisposable Channel) : IDisposable
{
    /// <summary>What the slots of frames that are created have together, if that is at least two: a file may call any length the longest.</summary>
    private const int MostSlotBytes = 256 << 20;

    /// <summary>How many slots are created at most.</summary>
    private const int MostSlots = 1024;

    /// <summary>Opens the writer of a channel of the recording's kind.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="recorded">What was recorded.</param>
    /// <param name="isCreated">Whether it is created, as the recorded one was, if nothing has the name.</param>
    /// <param name="readers">How many readers it is to have room for.</param>
    internal static ReplayingEnd Open(GivenName name, RecordingHeader recorded, bool isCreated, int readers)
    {
        if (isCreated && !name.IsTaken)
        {
            RequireRoom(name, readers, recorded.MaxReaders);
            return Create(name.Text, recorded);
        }

        var memory = name.Open(FileAccess.ReadWrite);
        try
        {
            var status = TopicCommand.RequireChannel(name, memory);
            if (status.Kind != recorded.Kind)
            {
                throw new CommandException($"{name}: the channel is of kind {ChannelLook.KindOf(status.Kind)}, and the recording of kind {ChannelLook.KindOf(recorded.Kind)}");
            }

            RequireRoom(name, readers, status.Endpoints.Count(endpoint => endpoint.Role == EndpointRole.Reader));
            return status.Kind == ChannelKind.Broadcast ? Open(Broadcast.FromObject(memory)) : Open(FrameChannel.FromObject(memory));
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Writer.Dispose();
        Channel.Dispose();
    }

    /// <summary>More readers than can be open would be waited for without an end.</summary>
    private static void RequireRoom(GivenName name, int readers, int most)
    {
        if (readers > most)
        {
            throw new CommandException($"{name}: the channel has room for {ByteSize.Count(most, "reader")}, and --readers asks for {readers}");
        }
    }

    /// <summary>A file may say anything: what cannot be created is refused by the channel, in its own words.</summary>
    private static ReplayingEnd Create(string name, RecordingHeader recorded) => recorded.Kind == ChannelKind.Broadcast
        ? Open(Broadcast.OpenOrCreate(name, out _, new()
        {
            Capacity = recorded.Capacity, MaxReaders = recorded.MaxReaders, History = BroadcastTopic.History, SchemaId = recorded.SchemaId, ContentType = recorded.ContentType, Lifetime = Lifetime.Keep,
        }))
        : Open(FrameChannel.OpenOrCreate(name, out _, new()
        {
            SlotLength = recorded.Longest, SlotCount = SlotsOf(recorded), MaxReaders = recorded.MaxReaders, SchemaId = recorded.SchemaId, ContentType = recorded.ContentType, Lifetime = Lifetime.Keep,
        }));

    /// <summary>As many slots of the longest frame's length as the recorded ones had room for, where that is not more than a file may ask for.</summary>
    private static int SlotsOf(RecordingHeader recorded) =>
        (int)Math.Clamp(recorded.Capacity / recorded.Longest, 2, Math.Clamp(MostSlotBytes / recorded.Longest, 2, MostSlots));

    private static ReplayingEnd Open(Broadcast channel)
    {
        var writer = channel.OpenWriter(new() { Label = TopicReplayCommand.Label });
        return new((recording, cancellationToken) => writer.WriteAsync(recording.Message, recording.Entry.Type, cancellationToken), () => writer.Readers, () => writer.Complete(), writer, channel);
    }

    private static ReplayingEnd Open(FrameChannel channel)
    {
        var writer = channel.OpenWriter(new() { Label = TopicReplayCommand.Label });
        return new(SendAsync, () => writer.Readers, () => writer.Complete(), writer, channel);

        async ValueTask SendAsync(RecordingReader recording, CancellationToken cancellationToken)
        {
            using var frame = await writer.LoanAsync(recording.Message.Length, cancellationToken).ConfigureAwait(false);
            recording.Message.Span.CopyTo(frame.Span);
            (frame.Type, frame.Header) = (recording.Entry.Type, MemoryMarshal.Read<FrameHeader>(recording.Frame));
            await writer.SendAsync(frame, cancellationToken).ConfigureAwait(false);
        }
    }
}
