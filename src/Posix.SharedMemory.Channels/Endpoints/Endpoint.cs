using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// One open end of a channel: a robust mutex that this process holds for as long as the end is open, the event counts by which the ends wait for each other, and a view of
/// the other end. The model is tests/models/endpoints.pml.
/// </summary>
internal sealed unsafe class Endpoint
{
    /// <summary>How often a reader of a broadcast looks for a free place, where one is free but its mutex is held.</summary>
    private const int MostAttempts = 100;

    private readonly ChannelMemory _channel;
    private Roster? _roster;
    private EndpointView? _own;
    private MutexHold _hold;
    private int _isClosed;
    private volatile ChannelCorruptException? _failure;
    private volatile Exception? _refused;

    private Endpoint(ChannelMemory channel, Roster roster, EndpointRole role, int direction, EndpointOptions options)
    {
        _channel = channel;
        _roster = roster;
        Role = role;
        Direction = direction;
        Options = options;
        var isWriter = role == EndpointRole.Writer;
        var (first, count) = channel.Header.PlacesOf(!isWriter, direction);
        Peers = [.. Enumerable.Range(first, count).Select(index => new EndpointView(channel, roster, index))];
        Wakes = SharedEventCount.At(roster, channel.ControlMapping, Place(isWriter ? ChannelLayout.WriterWakesAt : ChannelLayout.ReaderWakesAt));
        Wakes.AllowSynchronousContinuations = options.AllowSynchronousContinuations;
        PeerWakes = SharedEventCount.At(roster, channel.ControlMapping, Place(isWriter ? ChannelLayout.ReaderWakesAt : ChannelLayout.WriterWakesAt));
        Changes = SharedEventCount.At(roster, channel.ControlMapping, Place(ChannelLayout.EndpointChangesAt));
    }

    private Endpoint(ChannelMemory channel, EndpointOptions options)
    {
        _channel = channel;
        Role = EndpointRole.Reader;
        Options = options;
        (Wakes, PeerWakes, Changes) = (null!, null!, null!);
    }

    internal ChannelMemory Channel => _channel;

    internal EndpointRole Role { get; }

    /// <summary>Gets which of a connection's two rings it is an end of; of all other kinds, 0.</summary>
    internal int Direction { get; }

    /// <summary>Gets where the ring's data begins.</summary>
    internal byte* Data => _channel.First + DataOffset;

    /// <summary>Gets where the ring's data begins in the object.</summary>
    internal long DataOffset => _channel.Header.DataOffset + (Direction * _channel.Header.Capacity);

    /// <summary>Gets whether the other side never comes back, once it has ended: a connection is between two processes.</summary>
    internal bool IsForTwo => _channel.Header.Kind == ChannelLayout.ConnectionKind;

    internal EndpointOptions Options { get; }

    /// <summary>Gets the places of the other role: of a ring one. Empty where nobody has taken part yet.</summary>
    internal EndpointView[] Peers { get; private set; } = [];

    /// <summary>Gets whether it takes part, and can wait. One through a read-only mapping only looks.</summary>
    [MemberNotNullWhen(true, nameof(_roster))]
    internal bool TakesPart => Wakes is not null;

    /// <summary>Gets the other end, where there is one.</summary>
    internal EndpointView Peer => Peers[0];

    /// <summary>Gets which endpoint it is; −1: it only takes part.</summary>
    internal int Index => _own?.Index ?? -1;

    /// <summary>Gets what this end sleeps on.</summary>
    internal SharedEventCount Wakes { get; }

    /// <summary>Gets what the other end sleeps on.</summary>
    internal SharedEventCount PeerWakes { get; }

    /// <summary>Gets what is notified when an endpoint is opened or closed, or the channel completed.</summary>
    internal SharedEventCount Changes { get; }

    /// <summary>Gets this end's own place, where it has one.</summary>
    internal EndpointView Own => _own!;

    /// <summary>Gets whether it is one of several places for the role, of which any will do.</summary>
    private bool IsOneOfMany => Role == (_channel.Header.Kind == ChannelLayout.FanInKind ? EndpointRole.Writer : EndpointRole.Reader) && _channel.Header.Kind is ChannelLayout.FanInKind or ChannelLayout.BroadcastKind or ChannelLayout.FramesKind;

    /// <summary>Gets whether it is a place that its writer serves, until it is given back.</summary>
    private bool HasMode => Role == EndpointRole.Reader && _channel.Header.Kind is ChannelLayout.BroadcastKind or ChannelLayout.FramesKind && _own is not null;

    /// <summary>Gets whether a former owner left, or died, and nobody has occupied the place since.</summary>
    internal bool IsInherited => _own is { } own && (own.Generation != 0 || _hold.OwnerDied);

    /// <summary>Gets whether another process, or another endpoint of this one, had it before.</summary>
    internal bool HadPredecessor { get; private set; }

    /// <summary>
    /// Enters the mutex of the role's endpoint, or of the first of several that is free; the caller checks what a former owner left, and then calls <see cref="Occupy"/> or
    /// <see cref="Close"/>. A role without an endpoint only takes part.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="role">Writer or reader.</param>
    /// <param name="options">From the caller.</param>
    /// <param name="direction">Of a connection: which of its rings.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: a living process has it open. <see cref="Errno.EAGAIN"/>: none of several is free.</exception>
    /// <exception cref="RosterFullException">Too many processes take part in the channel.</exception>
    /// <exception cref="ChannelCorruptException">The bytes of the endpoint or the roster were overwritten.</exception>
    internal static Endpoint Enter(ChannelMemory channel, EndpointRole role, EndpointOptions? options, int direction = 0)
    {
        var checkedOptions = EndpointOptions.Check(options);
        if (!channel.CanTakePart || (role == EndpointRole.Writer && !channel.IsWritable))
        {
            throw new InvalidOperationException(channel.CanTakePart
                ? $"{channel.Subject} is the data of a split broadcast, which only the process that created it can write to."
                : $"{channel.Subject} was opened for reading only: its status can be read, but endpoints need write access.");
        }

        var (first, count) = channel.Header.PlacesOf(role == EndpointRole.Writer, direction);
        Roster? roster = null;
        try
        {
            roster = Roster.Join(channel.ControlMapping, ChannelLayout.RosterAt, channel.Header.Seats);
            var endpoint = new Endpoint(channel, roster, role, direction, checkedOptions);
            if (count != 0 && !endpoint.TryEnterAny(first, count))
            {
                throw endpoint.IsOneOfMany ? endpoint.NoneIsFree(count) : endpoint.Busy(endpoint._own!);
            }

            KillWindow.Pass(KillWindow.AfterEntering);
            channel.AddUser();
            return endpoint;
        }
        catch (Exception e)
        {
            roster?.Dispose();
            if (e is InvalidDataException or RetiredException or LockLostException)
            {
                throw new ChannelCorruptException(e is RetiredException ? "the endpoint's mutex" : "the roster or an endpoint", EndpointView.OffsetOf(channel, first), $"was overwritten ({e.Message})", e);
            }

            throw;
        }
    }

    /// <summary>Looks at the channel through a read-only mapping: without a seat, so without waiting. Nothing is stored.</summary>
    internal static Endpoint Spectate(ChannelMemory channel, EndpointOptions? options)
    {
        var endpoint = new Endpoint(channel, EndpointOptions.Check(options));
        channel.AddUser();
        return endpoint;
    }

    /// <summary>Looks for the other side, which may come after a spectator.</summary>
    /// <exception cref="InvalidDataException">The roster was overwritten.</exception>
    internal EndpointView? FindPeer()
    {
        // SAFETY: the roster lies in the bytes that the channel holds.
        if (Peers.Length == 0 && Volatile.Read(ref *(ulong*)(_channel.ControlFirst + ChannelLayout.RosterAt)) != 0)
        {
            var roster = _roster = Roster.Observe(_channel.ControlMapping, ChannelLayout.RosterAt);
            Peers = [new(_channel, roster, ChannelLayout.WriterEndpoint)];
        }

        return Peers is [var peer, ..] ? peer : null;
    }

    /// <summary>The endpoint is this process's: counts the generation, shows role and label, and tells the other end.</summary>
    internal void Occupy()
    {
        var own = _own!;
        var first = _channel.ControlFirst + own.Offset;
        HadPredecessor = own.Generation != 0 || _hold.OwnerDied;
        KillWindow.Pass(KillWindow.BeforeGeneration);
        // SYNC endpoint.look: pairs with EndpointView.Look. The generation is stored while the word names this process.
        // SAFETY: the fields lie in the bytes that the channel holds; their offsets are multiples of their sizes.
        Volatile.Write(ref *(uint*)(first + ChannelLayout.GenerationInEndpoint), own.Generation + 1);
        KillWindow.Pass(KillWindow.AfterGeneration);
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(first + ChannelLayout.RoleInEndpoint), (uint)Role);
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(first + ChannelLayout.OpenedInEndpoint), EndpointView.Uptime());
        var label = _channel.ControlHold.GetSpan(own.Offset + ChannelLayout.LabelInEndpoint, ChannelLayout.LabelSize);
        label.Clear();
        Encoding.UTF8.GetBytes(Options.Label, label);
        KillWindow.Pass(KillWindow.BeforeConsistent);
        if (_hold.OwnerDied)
        {
            // Last: an opener that refuses leaves the dead one's endpoint as it found it.
            _hold.MarkConsistent();
        }

        KillWindow.Pass(KillWindow.BeforeOpeningIsNotified);
        Notify();
    }

    /// <summary>Where a line or an event count of the ring is in the object.</summary>
    internal int Place(int at) => at + (Direction * ChannelLayout.DirectionSize);

    /// <summary>The first byte of a line of the ring.</summary>
    internal byte* Line(int at) => _channel.First + Place(at);

    /// <summary>Makes both ends, and whoever watches them, look again.</summary>
    internal void Notify()
    {
        if (!TakesPart)
        {
            return;
        }

        if (PeerWakes.NotifyAll())
        {
            Ring();
        }

        Wakes.NotifyAll();
        Changes.NotifyAll();
    }

    /// <summary>Gets what the other side has sent over the socket that no correct one sends; <see langword="null"/>: nothing.</summary>
    internal ChannelCorruptException? Failure => _failure;

    /// <summary>Gets or sets what sends a byte over the socket of the connection, without waiting.</summary>
    internal Action? Doorbell { get; set; }

    /// <summary>The other side was found asleep: where it sleeps in a loop of its own, the socket wakes it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Ring()
    {
        if (Doorbell is { } ring && Peer.RingsBySocket)
        {
            ring();
        }
    }

    /// <summary>The socket has ended: waits of this end look again.</summary>
    /// <param name="failure">What came over it that no correct peer sends; <see langword="null"/>: nothing, the other side is gone.</param>
    internal void Lose(ChannelCorruptException? failure)
    {
        _failure ??= failure;
        Peer.MarkGone();
        WakeOwn();
    }

    /// <summary>Throws where waits of this end are refused.</summary>
    internal void ThrowIfRefused()
    {
        if (_refused is { } cause)
        {
            throw new InvalidOperationException($"The calls of {Channel.Subject} have failed: nothing is read any more.", cause);
        }
    }

    /// <summary>Ends the waits of this end, and refuses later ones; the other side is not affected.</summary>
    internal void Refuse(Exception cause)
    {
        _refused ??= cause;
        WakeOwn();
    }

    private void WakeOwn()
    {
        try
        {
            Wakes.NotifyAll();
            Changes.NotifyAll();
        }
        catch (ObjectDisposedException)
        {
            // The end was closed at the same time: nothing waits any more.
        }
    }

    /// <summary>Leaves the endpoint. Further calls have no effect.</summary>
    internal void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
        {
            return;
        }

        KillWindow.Pass(KillWindow.BeforeLeaving);
        if (HasMode)
        {
            LeaveMode(_own!);
        }

        try
        {
            _hold.Dispose();
        }
        catch (LockLostException)
        {
            // A peer overwrote the word: there is nothing left to leave.
        }

        KillWindow.Pass(KillWindow.AfterLeaving);
        Notify();
        KillWindow.Pass(KillWindow.AfterLeavingWasNotified);
        _roster?.Dispose();
        _channel.Release();
    }

    /// <summary>The writer serves it no longer. That a subscriber of frames was evicted stays: its publisher puts its rings in order before another one takes the place.</summary>
    private void LeaveMode(EndpointView own)
    {
        var mode = Volatile.Read(ref own.Mode);
        if (_channel.Header.Kind == ChannelLayout.BroadcastKind)
        {
            Volatile.Write(ref own.Mode, 0);
        }
        else if (mode != EndpointView.EvictedSubscriber)
        {
            Interlocked.CompareExchange(ref own.Mode, 0, mode);
        }
    }

    /// <summary>Of several places, one whose last owner's messages were read comes first: what is still to be read keeps its writer's label.</summary>
    private bool TryEnterAny(int first, int count)
    {
        for (var attempt = 0; ; attempt++)
        {
            if ((IsOneOfMany && TryEnterAny(first, count, isChoosy: true)) || TryEnterAny(first, count, isChoosy: false))
            {
                return true;
            }

            // The writer of a broadcast enters the mutex of a dead reader for an instant.
            if (!HasMode || attempt == MostAttempts || !Enumerable.Range(first, count).Any(IsBetween))
            {
                return false;
            }

            Thread.Yield();
        }
    }

    /// <summary>Whether a place is about to be free: nobody has it, or it is in the hands of the process that writes.</summary>
    private bool IsBetween(int index) =>
        new EndpointView(_channel, _roster!, index) is var place && (place.Mode == 0 || place.Mutex.Holder is not { } holder || holder == Peer.Mutex.Holder);

    private bool TryEnterAny(int first, int count, bool isChoosy)
    {
        for (var index = first; index < first + count; index++)
        {
            _own = new(_channel, _roster!, index);
            if (IsOneOfMany && (isChoosy || _own.IsForWriterToSettle || _own.LookAndConfirm() == PeerState.Died) && !_own.IsSettled())
            {
                continue;
            }

            if (_own.Mutex.TryEnterUnrepaired(out _hold))
            {
                if (_own.IsForWriterToSettle ? !_hold.OwnerDied && _own.IsSettled() : !_hold.OwnerDied || _own.IsSettled())
                {
                    return true;
                }

                // Another process took it, used it and died between the two looks: it stays as it was found, and the other side looks at it again.
                _hold.Dispose();
                Notify();
            }
        }

        return false;
    }

    private SharedMemoryException NoneIsFree(int count) =>
        Role == EndpointRole.Reader
            ? new(Errno.EAGAIN, "OpenReader", _channel.Memory.Name, $"All {count} readers of the channel are open")
            : new(Errno.EAGAIN, "OpenWriter", _channel.Memory.Name, $"All {count} writers of the channel are open, or ended with messages that the reader has yet to pass");

    private SharedMemoryException Busy(EndpointView own)
    {
        var process = own.ProcessId is { } number ? $"process {number}" : "a process whose number is unknown";
        var label = own.Label is { Length: > 0 } text ? $" (label '{Escape(text)}')" : "";
        return new(Errno.EBUSY, Role == EndpointRole.Writer ? "OpenWriter" : "OpenReader", _channel.Memory.Name,
            $"The {(Role == EndpointRole.Writer ? "writer" : "reader")} of the channel is open in {process}{label}");
    }

    /// <summary>A text of another process, for people.</summary>
    internal static string Escape(string text) => string.Concat(text.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
}
