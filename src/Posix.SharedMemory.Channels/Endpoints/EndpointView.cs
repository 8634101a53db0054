using System.Globalization;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>A look at one endpoint through the roster: for the other side, which takes part, and for a status, which only observes.</summary>
internal sealed unsafe class EndpointView
{
    /// <summary>What a reader of a broadcast is to its writer. 0: nothing, it has not joined.</summary>
    internal const uint LosslessMode = 1, LossyMode = 2, EvictedMode = 3;

    /// <summary>What a subscriber of frames is to its publisher: what becomes of a frame where too many wait for it already. 0: nothing, it has not joined.</summary>
    internal const uint DropOldestMode = 1, DropNewestMode = 2, WaitMode = 3, EvictedSubscriber = 4;

    private readonly ChannelMemory _channel;
    private readonly Roster _roster;
    private readonly SharedMutex _mutex;
    private readonly byte* _first;
    private Participant _confirmed;
    private volatile bool _isGone;

    internal EndpointView(ChannelMemory channel, Roster roster, int index)
    {
        _channel = channel;
        _roster = roster;
        Index = index;
        Offset = OffsetOf(channel, index);
        _first = channel.ControlFirst + Offset;
        _mutex = SharedMutex.At(roster, channel.ControlMapping, Offset);
    }

    internal int Index { get; }

    /// <summary>Gets where the endpoint is in the object.</summary>
    internal long Offset { get; }

    internal SharedMutex Mutex => _mutex;

    /// <summary>Gets how often it has been opened.</summary>
    internal uint Generation =>
        // SAFETY: the field lies in the bytes that the channel holds, at a multiple of 4.
        Volatile.Read(ref *(uint*)(_first + ChannelLayout.GenerationInEndpoint));

    internal string Label => ChannelHeader.ReadText(_channel.ControlHold.GetReadOnlySpan(Offset + ChannelLayout.LabelInEndpoint, ChannelLayout.LabelSize));

    internal static long OffsetOf(ChannelMemory channel, int index) => channel.Header.EndpointsOffset + (ChannelLayout.EndpointSize * (long)index);

    /// <summary>Gets whether its process waits in a loop of its own, and wants a byte on the socket.</summary>
    internal bool RingsBySocket =>
        // SAFETY: the field lies in the bytes that the channel holds, at a multiple of 4.
        (Volatile.Read(ref *(uint*)(_first + ChannelLayout.FlagsInEndpoint)) & ChannelLayout.RingsBySocket) != 0;

    /// <summary>Gets whether its owner has ended, and a successor has entered its mutex to take over the name, not the endpoint: from then on nobody sends through this object.</summary>
    private bool IsSucceeded =>
        // SAFETY: as above, at a multiple of 4.
        _channel.Header.Kind == ChannelLayout.FramesKind && Index == ChannelLayout.WriterEndpoint && (Volatile.Read(ref *(uint*)(_first + ChannelLayout.FlagsInEndpoint)) & ChannelLayout.Succeeded) != 0;

    /// <summary>This process has entered the mutex, and does not open the endpoint.</summary>
    internal void MarkSucceeded() =>
        // SYNC frames.successor: pairs with LookAtOwner, which loads the word before. It is never taken back: an object has one publisher in its life.
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(_first + ChannelLayout.FlagsInEndpoint), ChannelLayout.Succeeded);

    /// <summary>The socket of the connection has ended: the other side is gone, whatever its endpoint says.</summary>
    internal void MarkGone() => _isGone = true;

    /// <summary>What has become of the endpoint. The end of the socket is a second witness: of a process that has opened no endpoint yet it is the only one.</summary>
    internal PeerState Look()
    {
        // SYNC connection.end: pairs with ConnectionSocket.PumpAsync. The kernel marks the locks of a process that dies before it ends its socket: the look at the owner comes after the look at that end.
        var isGone = _isGone;
        var state = LookAtOwner();
        return isGone && state is (PeerState.Alive or PeerState.None) ? PeerState.Left : state;
    }

    /// <summary>The order of the loads is that of tests/models/endpoints.pml.</summary>
    private PeerState LookAtOwner()
    {
        // SYNC frames.successor: pairs with MarkSucceeded. A successor stores the mark after it has entered: the word comes before the mark.
        // SYNC endpoint.look: pairs with Endpoint.Occupy and Close. The word comes before the generation, which is stored while the word names its owner.
        if (_mutex.Holder is { } holder)
        {
            return !_roster.IsAlive(holder) ? PeerState.Died
                : !IsSucceeded ? PeerState.Alive
                : _mutex.IsInconsistent ? PeerState.Died : PeerState.Left;
        }

        if (_mutex.IsInconsistent)
        {
            return PeerState.Died;
        }

        return Generation != 0 ? PeerState.Left : PeerState.None;
    }

    /// <summary>
    /// As <see cref="Look"/>, and where the owner died, returns only once it stores nothing more: what is loaded afterwards is the last word.
    /// </summary>
    /// <exception cref="InvalidDataException">The endpoint names an owner that cannot be.</exception>
    internal PeerState LookAndConfirm()
    {
        var state = Look();
        if (state != PeerState.Died || _mutex.Holder is not { } holder || holder == _confirmed)
        {
            // No holder: the process that took the endpoint over has confirmed the end.
            return state;
        }

        if (holder.Seat == 0 || holder.Seat > _roster.Seats)
        {
            throw new InvalidDataException($"The endpoint names seat {holder.Seat} of {_roster.Seats} as its owner.");
        }

        if (_roster.IsAlive(holder))
        {
            // A successor has confirmed the end of the one before it when it entered.
            return IsSucceeded ? state : PeerState.Alive;
        }

        try
        {
            _roster.ConfirmEnd(holder);
        }
        catch (InvalidOperationException e) when (e is not ObjectDisposedException)
        {
            // The dead do not come back: somebody overwrote the seat between the two looks.
            throw new InvalidDataException($"The endpoint's owner in seat {holder.Seat} had died, and then lived again.", e);
        }

        _confirmed = holder;
        return PeerState.Died;
    }

    /// <summary>What can be seen of the readers of a broadcast or of frames. One that lives is seen from when messages reach it: its mode says so, which it stores after its owner's word.</summary>
    internal static EndpointInfo[] DescribeReached(IEnumerable<EndpointView> places)
    {
        var seen = new List<EndpointInfo>();
        foreach (var place in places)
        {
            var reader = place.Describe();
            if (reader.State != PeerState.Alive || Volatile.Read(ref place.Mode) != 0)
            {
                seen.Add(reader);
            }
        }

        return [.. seen];
    }

    /// <summary>Gets the last claim of a fan-in's writer. Other writers may move it on too.</summary>
    internal ref ulong LastClaim =>
        // SAFETY: as above, at a multiple of 8.
        ref *(ulong*)(_first + ChannelLayout.LastClaimInEndpoint);

    /// <summary>Gets how the reader of a broadcast takes part. Its owner stores it, and the writer where it evicts the reader, or where its owner died.</summary>
    internal ref uint Mode =>
        // SAFETY: as above, at a multiple of 4.
        ref *(uint*)(_first + ChannelLayout.ModeInEndpoint);

    /// <summary>Gets where the reader of a broadcast is: what is before it, it does not need any more.</summary>
    internal ref ulong Position =>
        // SAFETY: as above, at a multiple of 8.
        ref *(ulong*)(_first + ChannelLayout.PositionInEndpoint);

    /// <summary>Gets the number of the first frame that was sent to a subscriber. The publisher stores it before it sends that frame.</summary>
    internal ref ulong FirstSequence =>
        // SAFETY: as above, at a multiple of 8.
        ref *(ulong*)(_first + ChannelLayout.FirstSequenceInEndpoint);

    /// <summary>Gets whether only the writer can put in order what the last owner left.</summary>
    internal bool IsForWriterToSettle => _channel.Header.Kind == ChannelLayout.FramesKind && Index != ChannelLayout.WriterEndpoint;

    /// <summary>Gets how many messages the reader of a broadcast, or a subscriber of frames, missed.</summary>
    internal ref ulong Missed =>
        // SAFETY: as above, at a multiple of 8.
        ref *(ulong*)(_first + ChannelLayout.MissedInEndpoint);

    /// <summary>
    /// Whether nothing of what a dead owner left is in the way of the next one. In a fan-in the reader finds a claim's owner by the last claim in its endpoint, so it
    /// must have passed that claim before.
    /// </summary>
    internal bool IsSettled()
    {
        if (IsForWriterToSettle)
        {
            return Volatile.Read(ref Mode) != EvictedSubscriber && Look() != PeerState.Died;
        }

        if (_channel.Header.Kind != ChannelLayout.FanInKind)
        {
            return true;
        }

        // SYNC claim.help: pairs with ClaimTail.Help. The claim word comes before the last claim, which stands there before the word moves on.
        // SAFETY: the words lie in the bytes that the channel holds, at multiples of 8.
        var claim = new ClaimWord(Volatile.Read(ref *(ulong*)(_channel.First + ChannelLayout.ClaimAt)));
        var last = Volatile.Read(ref LastClaim);
        // SYNC fanin.settle: pairs with ClaimHead.Publish. Past a head that is seen here, the reader looks for no claim of the former owner.
        // SAFETY: as above.
        var head = Volatile.Read(ref *(ulong*)(_channel.First + ChannelLayout.ReaderLine + ChannelLayout.IndexInLine)) & ClaimWord.PositionMask;
        return (claim.Writer != Index || claim.Lines == 0 || ClaimWord.IsBefore(claim.Position, head))
            && (ClaimWord.LinesOfLast(last) == 0 || ClaimWord.IsBefore(ClaimWord.PositionOfLast(last), head));
    }

    /// <summary>What people want to know.</summary>
    internal EndpointInfo Describe()
    {
        var state = Look();
        return new()
        {
            Index = Index,
            Role = _channel.Header.IsWriterAt(Index) ? EndpointRole.Writer : EndpointRole.Reader,
            State = state,
            Label = Label,
            ProcessId = ProcessId,
            Missed = _channel.Header.Kind is ChannelLayout.BroadcastKind or ChannelLayout.FramesKind ? (long)Math.Min(Volatile.Read(ref Missed), long.MaxValue) : 0,
            // SAFETY: as above, at a multiple of 8.
            OpenedAt = state == PeerState.None ? null : TimeOf(Volatile.Read(ref *(ulong*)(_first + ChannelLayout.OpenedInEndpoint))),
        };
    }

    /// <summary>Gets the process that has it open; of a publisher that was succeeded, none: whoever has entered its mutex is another one.</summary>
    internal int? ProcessId => _mutex.Holder is { } holder && !IsSucceeded ? _roster.GetProcessId(holder) : null;

    /// <summary>Nanoseconds since the machine started, suspended times included; 0: unknown.</summary>
    internal static ulong Uptime()
    {
        try
        {
            var text = File.ReadAllText("/proc/uptime");
            return decimal.TryParse(text.AsSpan(0, Math.Max(0, text.IndexOf(' ', StringComparison.Ordinal))), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                ? (ulong)(seconds * 1_000_000_000) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static DateTimeOffset? TimeOf(ulong opened)
    {
        var now = Uptime();
        return opened == 0 || now == 0 || opened > now ? null : DateTimeOffset.UtcNow - TimeSpan.FromMicroseconds((now - opened) / 1000);
    }
}
