using System.Text;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// One open end of a channel: a robust mutex that this process holds for as long as the end is open, the event counts by which the ends wait for each other, and a view of
/// the other end. The model is tests/models/endpoints.pml.
/// </summary>
internal sealed unsafe class Endpoint
{
    private readonly ChannelMemory _channel;
    private readonly Roster _roster;
    private readonly EndpointView _own;
    private MutexHold _hold;
    private int _isClosed;

    private Endpoint(ChannelMemory channel, Roster roster, EndpointRole role, EndpointOptions options)
    {
        _channel = channel;
        _roster = roster;
        Role = role;
        Options = options;
        var isWriter = role == EndpointRole.Writer;
        _own = new(channel, roster, isWriter ? ChannelLayout.WriterEndpoint : ChannelLayout.ReaderEndpoint);
        Peer = new(channel, roster, isWriter ? ChannelLayout.ReaderEndpoint : ChannelLayout.WriterEndpoint);
        Wakes = SharedEventCount.At(roster, channel.Mapping, isWriter ? ChannelLayout.WriterWakesAt : ChannelLayout.ReaderWakesAt);
        Wakes.AllowSynchronousContinuations = options.AllowSynchronousContinuations;
        PeerWakes = SharedEventCount.At(roster, channel.Mapping, isWriter ? ChannelLayout.ReaderWakesAt : ChannelLayout.WriterWakesAt);
        Changes = SharedEventCount.At(roster, channel.Mapping, ChannelLayout.EndpointChangesAt);
    }

    internal ChannelMemory Channel => _channel;

    internal EndpointRole Role { get; }

    internal EndpointOptions Options { get; }

    /// <summary>Gets the other end.</summary>
    internal EndpointView Peer { get; }

    /// <summary>Gets what this end sleeps on.</summary>
    internal SharedEventCount Wakes { get; }

    /// <summary>Gets what the other end sleeps on.</summary>
    internal SharedEventCount PeerWakes { get; }

    /// <summary>Gets what is notified when an endpoint is opened or closed, or the channel completed.</summary>
    internal SharedEventCount Changes { get; }

    /// <summary>Gets whether another process, or another endpoint of this one, had it before.</summary>
    internal bool HadPredecessor { get; private set; }

    /// <summary>Enters the endpoint's mutex; the caller checks what a former owner left, and then calls <see cref="Occupy"/> or <see cref="Close"/>.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: a living process has it open.</exception>
    /// <exception cref="RosterFullException">Too many processes take part in the channel.</exception>
    /// <exception cref="ChannelCorruptException">The bytes of the endpoint or the roster were overwritten.</exception>
    internal static Endpoint Enter(ChannelMemory channel, EndpointRole role, EndpointOptions? options)
    {
        var checkedOptions = EndpointOptions.Check(options);
        if (!channel.IsWritable)
        {
            throw new InvalidOperationException($"{channel.Subject} was opened for reading only: its status can be read, but endpoints need write access.");
        }

        Roster? roster = null;
        try
        {
            roster = Roster.Join(channel.Mapping, ChannelLayout.RosterAt, channel.Header.Seats);
            var endpoint = new Endpoint(channel, roster, role, checkedOptions);
            if (!endpoint._own.Mutex.TryEnterUnrepaired(out endpoint._hold))
            {
                throw endpoint.Busy();
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
                var index = role == EndpointRole.Writer ? ChannelLayout.WriterEndpoint : ChannelLayout.ReaderEndpoint;
                throw new ChannelCorruptException(e is RetiredException ? "the endpoint's mutex" : "the roster or an endpoint", EndpointView.OffsetOf(channel, index), $"was overwritten ({e.Message})", e);
            }

            throw;
        }
    }

    /// <summary>The endpoint is this process's: counts the generation, shows role and label, and tells the other end.</summary>
    internal void Occupy()
    {
        var first = _channel.First + _own.Offset;
        HadPredecessor = _own.Generation != 0 || _hold.OwnerDied;
        KillWindow.Pass(KillWindow.BeforeGeneration);
        // SYNC endpoint.look: pairs with EndpointView.Look. The generation is stored while the word names this process.
        // SAFETY: the fields lie in the bytes that the channel holds; their offsets are multiples of their sizes.
        Volatile.Write(ref *(uint*)(first + ChannelLayout.GenerationInEndpoint), _own.Generation + 1);
        KillWindow.Pass(KillWindow.AfterGeneration);
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(first + ChannelLayout.RoleInEndpoint), (uint)Role);
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(first + ChannelLayout.OpenedInEndpoint), EndpointView.Uptime());
        var label = _channel.Hold.GetSpan(_own.Offset + ChannelLayout.LabelInEndpoint, ChannelLayout.LabelSize);
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

    /// <summary>Makes both ends, and whoever watches them, look again.</summary>
    internal void Notify()
    {
        PeerWakes.NotifyAll();
        Wakes.NotifyAll();
        Changes.NotifyAll();
    }

    /// <summary>Leaves the endpoint. Further calls have no effect.</summary>
    internal void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
        {
            return;
        }

        KillWindow.Pass(KillWindow.BeforeLeaving);
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
        _roster.Dispose();
        _channel.Release();
    }

    private SharedMemoryException Busy()
    {
        var process = _own.ProcessId is { } number ? $"process {number}" : "a process whose number is unknown";
        var label = _own.Label is { Length: > 0 } text ? $" (label '{Escape(text)}')" : "";
        return new(Errno.EBUSY, Role == EndpointRole.Writer ? "OpenWriter" : "OpenReader", _channel.Memory.Name,
            $"The {(Role == EndpointRole.Writer ? "writer" : "reader")} of the channel is open in {process}{label}");
    }

    private static string Escape(string text) => string.Concat(text.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
}
