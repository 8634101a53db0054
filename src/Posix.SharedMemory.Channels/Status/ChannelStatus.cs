using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>What can be seen of a channel: true when it was taken. Taking it needs no end and changes nothing.</summary>
/// <remarks>Counters belong to the peers, which store them beside the indices; a peer that was killed may have counted one publication less.</remarks>
public sealed record ChannelStatus
{
    /// <summary>Gets what the channel does.</summary>
    public ChannelKind Kind { get; internal init; }

    /// <summary>Gets how many bytes the ring has; of a latest value, how many the longest value may have.</summary>
    public long Capacity { get; internal init; }

    /// <summary>Gets how many bytes of the ring are waiting to be read; of a latest value, how many the newest has.</summary>
    public long Used { get; internal init; }

    /// <summary>Gets how many messages have been written.</summary>
    public long Messages { get; internal init; }

    /// <summary>Gets how many bytes have been written, headers not counted.</summary>
    public long Bytes { get; internal init; }

    /// <summary>Gets how often a writer had to wait for room.</summary>
    public long WriterWaits { get; internal init; }

    /// <summary>Gets how often a reader had to wait for a message.</summary>
    public long ReaderWaits { get; internal init; }

    /// <summary>Gets whether the channel still takes messages.</summary>
    public ChannelState State { get; internal init; }

    /// <summary>Gets the number that stands for what the messages mean; 0: none was given.</summary>
    public ulong SchemaId { get; internal init; }

    /// <summary>Gets what the messages are, for people. The creator chose it: escape it before showing it.</summary>
    public string ContentType { get; internal init; } = "";

    /// <summary>Gets the endpoints, open or not: the writers and the reader. The readers of a latest value have none.</summary>
    public IReadOnlyList<EndpointInfo> Endpoints { get; internal init; } = [];

    internal static ChannelStatus Of(ChannelMemory channel)
    {
        var state = (uint)U64(channel, ChannelLayout.WriterLine + ChannelLayout.StateInLine);
        return new()
        {
            Kind = (ChannelKind)channel.Header.Kind,
            Capacity = channel.Header.Kind == ChannelLayout.LatestKind ? channel.Header.MaxMessage : channel.Header.Capacity,
            Used = channel.Header.Kind == ChannelLayout.LatestKind ? LengthOfNewest(channel) : Waiting(channel),
            Messages = Counter(channel, ChannelLayout.WriterLine + ChannelLayout.MessagesInLine),
            Bytes = Counter(channel, ChannelLayout.WriterLine + ChannelLayout.BytesInLine),
            WriterWaits = Counter(channel, ChannelLayout.WriterLine + ChannelLayout.WaitsInLine),
            ReaderWaits = Counter(channel, ChannelLayout.ReaderLine + ChannelLayout.WaitsInLine),
            State = state <= (uint)ChannelState.Continued ? (ChannelState)state : throw Overwritten("the writer's state", ChannelLayout.WriterLine + ChannelLayout.StateInLine, $"is {state}"),
            SchemaId = channel.Header.SchemaId,
            ContentType = channel.Header.ContentType,
            Endpoints = DescribeEndpoints(channel),
        };
    }

    private static long Waiting(ChannelMemory channel)
    {
        var head = U64(channel, ChannelLayout.ReaderLine + ChannelLayout.IndexInLine);
        var tail = U64(channel, ChannelLayout.WriterLine + ChannelLayout.IndexInLine);
        return tail > head ? (long)Math.Min(tail - head, (ulong)channel.Header.Capacity) : 0;
    }

    private static long LengthOfNewest(ChannelMemory channel)
    {
        var newest = U64(channel, ChannelLayout.WriterLine + ChannelLayout.IndexInLine);
        var buffer = channel.Header.DataOffset + ((long)(newest / 2 % (ulong)channel.Header.Count) * channel.Header.Stride);
        return newest == 0 ? 0 : (uint)Math.Min(U64(channel, buffer + ChannelLayout.LengthInBuffer) & uint.MaxValue, (ulong)channel.Header.MaxMessage);
    }

    private static EndpointInfo[] DescribeEndpoints(ChannelMemory channel)
    {
        var places = Enumerable.Range(0, channel.Header.Endpoints);
        if (U64(channel, ChannelLayout.RosterAt) == 0)
        {
            // No process has taken part yet.
            var writers = channel.Header.PlacesOf(writers: true).Count;
            return [.. places.Select(index => new EndpointInfo { Index = index, Role = index < writers ? EndpointRole.Writer : EndpointRole.Reader })];
        }

        try
        {
            using var roster = Roster.Observe(channel.Mapping, ChannelLayout.RosterAt);
            return [.. places.Select(index => new EndpointView(channel, roster, index).Describe())];
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            throw Overwritten("the roster or an endpoint", ChannelLayout.RosterAt, $"was overwritten ({e.Message})");
        }
    }

    private static long Counter(ChannelMemory channel, int offset) => (long)Math.Min(U64(channel, offset), long.MaxValue);

    private static ulong U64(ChannelMemory channel, long offset) => Volatile.Read(in channel.Hold.GetReadOnlyReference<ulong>(offset));

    private static ChannelCorruptException Overwritten(string field, long offset, string found) => new(field, offset, found);
}
