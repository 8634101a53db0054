using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>What can be seen of a channel: true when it was taken. Taking it needs no end and changes nothing.</summary>
/// <remarks>Counters belong to the peers, which store them beside the indices; a peer that was killed may have counted one publication less.</remarks>
public sealed record ChannelStatus
{
    /// <summary>Gets what the channel does.</summary>
    public ChannelKind Kind { get; internal init; }

    /// <summary>Gets how many bytes the ring has, or both rings of a connection; of a latest value, how many the longest value may have; of a frame channel, how many all slots have.</summary>
    public long Capacity { get; internal init; }

    /// <summary>
    /// Gets how many bytes of the ring, or of both rings of a connection, are waiting to be read; of a broadcast, how many wait for the slowest of the readers that lose nothing; of a latest value, how many the newest has; of a frame channel, how many the slots
    /// have that are being filled or that readers hold, as far as its writer knows.
    /// </summary>
    public long Used { get; internal init; }

    /// <summary>Gets how many messages have been written; of a fan-in, how many its reader has passed.</summary>
    public long Messages { get; internal init; }

    /// <summary>Gets how many bytes have been written, or passed by the reader of a fan-in, headers not counted.</summary>
    public long Bytes { get; internal init; }

    /// <summary>Gets how often a writer had to wait for room.</summary>
    public long WriterWaits { get; internal init; }

    /// <summary>Gets how often a reader had to wait for a message.</summary>
    public long ReaderWaits { get; internal init; }

    /// <summary>Gets how many claims of a fan-in were passed over because their writers had died before they committed them; of other kinds, 0.</summary>
    public long LostClaims { get; internal init; }

    /// <summary>Gets whether the channel still takes messages.</summary>
    public ChannelState State { get; internal init; }

    /// <summary>Gets the number that stands for what the messages mean; 0: none was given.</summary>
    public ulong SchemaId { get; internal init; }

    /// <summary>Gets what the messages are, for people. The creator chose it: escape it before showing it.</summary>
    public string ContentType { get; internal init; } = "";

    /// <summary>Gets how many bytes the longest message, or value, may have.</summary>
    public int MaxMessageLength { get; internal init; }

    /// <summary>Gets how many bytes each element of a <see cref="SharedChannel{T}"/>, or each <see cref="LatestValue{T}"/>, has; 0: messages have any length.</summary>
    public int ElementSize { get; internal init; }

    /// <summary>
    /// Gets the endpoint that holds the channel up; <see langword="null"/>: none. Of a fan-in, the writer whose message the reader waits for: it has claimed room, and has not committed yet. Of a
    /// broadcast, the slowest of the readers that lose nothing, if the writer has waited for room since that one last read. One that stays here is stopped, or its process died and the other side has
    /// yet to notice.
    /// </summary>
    public EndpointInfo? BlockedBy { get; internal init; }

    /// <summary>Gets the endpoints, open or not: the writers and the reader. The readers of a latest value have none.</summary>
    public IReadOnlyList<EndpointInfo> Endpoints { get; internal init; } = [];

    /// <summary>Reads what can be seen of the channel in an object. Nothing is mapped or changed: an object that is cut meanwhile does no harm.</summary>
    /// <param name="memory">The object, open for reading at least. It stays the caller's.</param>
    /// <returns><see langword="null"/>: the object is not a channel.</returns>
    /// <exception cref="InvalidDataException">It is a channel that this version cannot read, or was cut; the message says which.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="SharedMemoryException">The object could not be read; <see cref="Errno.ENOMEM"/>: there is no memory for the copy.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/pread.2.html">pread(2)</see></remarks>
    /// <example>
    /// <code><![CDATA[
    /// using var memory = SharedMemoryObject.Open("quotes", FileMode.Open, FileAccess.Read);
    /// if (ChannelStatus.TryRead(memory) is { } status)
    /// {
    ///     Console.WriteLine($"{status.Messages} messages, {status.Used} of {status.Capacity} bytes waiting");
    /// }
    /// ]]></code>
    /// </example>
    public static ChannelStatus? TryRead(SharedMemoryObject memory)
    {
        if (ChannelMemory.TryCopy(memory) is not { } copy)
        {
            return null;
        }

        try
        {
            return Of(copy, memory);
        }
        finally
        {
            copy.Release();
        }
    }

    /// <param name="channel">The channel, or a copy of what it has before its data.</param>
    /// <param name="original">The object of which it is a copy.</param>
    internal static ChannelStatus Of(ChannelMemory channel, SharedMemoryObject? original = null)
    {
        var isFanIn = channel.Header.Kind == ChannelLayout.FanInKind;
        var counted = isFanIn ? ChannelLayout.ReaderLine : ChannelLayout.WriterLine;
        var endpoints = DescribeEndpoints(channel);
        var state = StateOf(channel);
        return new()
        {
            Kind = (ChannelKind)channel.Header.Kind,
            Capacity = channel.Header.Kind switch
            {
                ChannelLayout.LatestKind => channel.Header.MaxMessage,
                ChannelLayout.FramesKind => channel.Header.Frames.SlotBytes,
                _ => Directions(channel) * channel.Header.Capacity,
            },
            Used = channel.Header.Kind == ChannelLayout.LatestKind ? LengthOfNewest(channel, original) : Enumerable.Range(0, Directions(channel)).Sum(direction => Waiting(channel, direction)),
            Messages = Counter(channel, counted + ChannelLayout.MessagesInLine),
            Bytes = Counter(channel, counted + ChannelLayout.BytesInLine),
            WriterWaits = Counter(channel, ChannelLayout.WriterLine + ChannelLayout.WaitsInLine),
            ReaderWaits = Counter(channel, ChannelLayout.ReaderLine + ChannelLayout.WaitsInLine),
            LostClaims = isFanIn ? Counter(channel, ChannelLayout.SkippedAt) : 0,
            State = state <= (uint)ChannelState.Continued ? (ChannelState)state : throw Overwritten("the writer's state", ChannelLayout.WriterLine + ChannelLayout.StateInLine, $"is {state}"),
            SchemaId = channel.Header.SchemaId,
            ContentType = channel.Header.ContentType,
            MaxMessageLength = channel.Header.MaxMessage,
            ElementSize = channel.Header.ElementSize,
            Endpoints = endpoints,
            BlockedBy = Blocker(channel, original) is { } blocker && blocker < endpoints.Length ? endpoints[blocker] : null,
        };
    }

    /// <summary>How many rings there are: a connection has two.</summary>
    private static int Directions(ChannelMemory channel) => channel.Header.Kind == ChannelLayout.ConnectionKind ? ChannelLayout.Directions : 1;

    /// <summary>The writer's state. A connection is open as long as one of its directions is.</summary>
    private static uint StateOf(ChannelMemory channel)
    {
        var first = (uint)U64(channel, ChannelLayout.WriterLine + ChannelLayout.StateInLine);
        var second = Directions(channel) == 1 ? first : (uint)U64(channel, ChannelLayout.DirectionSize + ChannelLayout.WriterLine + ChannelLayout.StateInLine);
        return first == 0 || second == 0 ? 0 : Math.Max(first, second);
    }

    private static long Waiting(ChannelMemory channel, int direction)
    {
        if (channel.Header.Kind == ChannelLayout.FramesKind)
        {
            return (long)Math.Min(U64(channel, ChannelLayout.SlotBytesInUseAt), (ulong)channel.Header.Frames.SlotBytes);
        }

        var lines = direction * ChannelLayout.DirectionSize;
        var head = U64(channel, lines + ChannelLayout.ReaderLine + ChannelLayout.IndexInLine);
        if (channel.Header.Kind == ChannelLayout.FanInKind)
        {
            return (long)Math.Min(ClaimWord.Distance(head, new ClaimWord(U64(channel, ChannelLayout.ClaimAt)).End) * ChannelLayout.LineSize, (ulong)channel.Header.Capacity);
        }

        var tail = U64(channel, lines + ChannelLayout.WriterLine + ChannelLayout.IndexInLine);
        if (channel.Header.Kind == ChannelLayout.BroadcastKind)
        {
            head = FindSlowest(channel, tail).Position;
        }

        return tail > head ? (long)Math.Min(tail - head, (ulong)channel.Header.Capacity) : 0;
    }

    /// <summary>Which reader of a broadcast is the slowest that holds the writer up, and where it is. None: 0, and the tail.</summary>
    private static (int Index, ulong Position) FindSlowest(ChannelMemory channel, ulong tail)
    {
        var slowest = (Index: 0, Position: tail);
        // The readers of a split one never hold its writer up, whatever they store.
        for (var index = 1; index < channel.Header.Endpoints && !channel.Header.IsSplit; index++)
        {
            var endpoint = EndpointView.OffsetOf(channel, index);
            if ((uint)Control(channel, endpoint + ChannelLayout.ModeInEndpoint) == EndpointView.LosslessMode && Control(channel, endpoint + ChannelLayout.PositionInEndpoint) is var position && position < slowest.Position)
            {
                slowest = (index, position);
            }
        }

        return slowest;
    }

    private static int? Blocker(ChannelMemory channel, SharedMemoryObject? original) => channel.Header.Kind switch
    {
        ChannelLayout.FanInKind => OwnerOfHead(channel, original),
        ChannelLayout.BroadcastKind => SlowestInTheWay(channel),
        _ => null,
    };

    /// <summary>Which reader of a broadcast the writer waits for. A reader that goes on clears the mark of the sleeper in the event count.</summary>
    private static int? SlowestInTheWay(ChannelMemory channel)
    {
        var header = channel.Header;
        var tail = U64(channel, ChannelLayout.WriterLine + ChannelLayout.IndexInLine);
        var slowest = FindSlowest(channel, tail);
        var (need, room) = ((ulong)ChannelLayout.RoundUp(header.Prefix + (long)header.MaxMessage, header.RecordAlign), (ulong)header.Capacity - (tail & ((ulong)header.Capacity - 1)));
        var total = need <= room ? need : room + need;
        return slowest.Index != 0 && (Control(channel, ChannelLayout.WriterWakesAt) & ChannelLayout.SleeperInEventCount) != 0 && tail - slowest.Position + total > (ulong)header.Capacity ? slowest.Index : null;
    }

    /// <summary>Whose claim a fan-in's reader waits for.</summary>
    private static int? OwnerOfHead(ChannelMemory channel, SharedMemoryObject? original)
    {
        var header = channel.Header;
        var head = U64(channel, ChannelLayout.ReaderLine + ChannelLayout.IndexInLine) & ClaimWord.PositionMask;
        var claim = new ClaimWord(U64(channel, ChannelLayout.ClaimAt));
        var line = header.DataOffset + ((long)(head & (((ulong)header.Capacity / ChannelLayout.LineSize) - 1)) * ChannelLayout.LineSize);
        if (claim.End == head || new ClaimRecord(Data(channel, original, line)).IsCommitted)
        {
            return null;
        }

        if (claim.Position == head)
        {
            return claim.Writer;
        }

        foreach (var index in Enumerable.Range(0, header.Endpoints - 1))
        {
            var last = Control(channel, EndpointView.OffsetOf(channel, index) + ChannelLayout.LastClaimInEndpoint);
            if (ClaimWord.PositionOfLast(last) == head && ClaimWord.LinesOfLast(last) != 0)
            {
                return index;
            }
        }

        return null;
    }

    private static long LengthOfNewest(ChannelMemory channel, SharedMemoryObject? original)
    {
        var newest = U64(channel, ChannelLayout.WriterLine + ChannelLayout.IndexInLine);
        var at = channel.Header.DataOffset + ((long)(newest / 2 % (ulong)channel.Header.Count) * channel.Header.Stride) + ChannelLayout.LengthInBuffer;
        return newest == 0 ? 0 : (uint)Math.Min(Data(channel, original, at) & uint.MaxValue, (ulong)channel.Header.MaxMessage);
    }

    /// <summary>A word of the data, which a copy does not have.</summary>
    private static ulong Data(ChannelMemory channel, SharedMemoryObject? original, long at)
    {
        if (original is null)
        {
            return U64(channel, at);
        }

        var word = 0UL;
        original.Read(MemoryMarshal.AsBytes(new Span<ulong>(ref word)), at);
        return word;
    }

    private static EndpointInfo[] DescribeEndpoints(ChannelMemory channel)
    {
        var places = Enumerable.Range(0, channel.Header.Endpoints);
        if (Control(channel, ChannelLayout.RosterAt) == 0)
        {
            // No process has taken part yet.
            return [.. places.Select(index => new EndpointInfo { Index = index, Role = channel.Header.IsWriterAt(index) ? EndpointRole.Writer : EndpointRole.Reader })];
        }

        try
        {
            using var roster = Roster.Observe(channel.ControlMapping, ChannelLayout.RosterAt);
            return [.. places.Select(index => new EndpointView(channel, roster, index).Describe())];
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            throw Overwritten("the roster or an endpoint", ChannelLayout.RosterAt, $"was overwritten ({e.Message})");
        }
    }

    /// <summary>A counter, or the sum of those of both directions.</summary>
    private static long Counter(ChannelMemory channel, int offset)
    {
        var sum = 0UL;
        for (var direction = 0; direction < Directions(channel); direction++)
        {
            sum += Math.Min(U64(channel, offset + (direction * ChannelLayout.DirectionSize)), long.MaxValue);
        }

        return (long)Math.Min(sum, long.MaxValue);
    }

    private static ulong U64(ChannelMemory channel, long offset) => Volatile.Read(in channel.Hold.GetReadOnlyReference<ulong>(offset));

    /// <summary>A word of what all ends store to.</summary>
    private static ulong Control(ChannelMemory channel, long offset) => Volatile.Read(in channel.ControlHold.GetReadOnlyReference<ulong>(offset));

    private static ChannelCorruptException Overwritten(string field, long offset, string found) => new(field, offset, found);
}
