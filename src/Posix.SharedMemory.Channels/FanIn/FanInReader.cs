using System.Buffers;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The reader of a <see cref="FanIn"/>. It is for one thread at a time.</summary>
/// <remarks>
/// <para>
/// It gets the messages in the order in which they were claimed: those of one writer in the order in which that wrote them. A message that was read and not released when the
/// reader's process died comes again to the next reader, marked by <see cref="FanInLease.IsRedelivered"/>.
/// </para>
/// <para>
/// All members but <see cref="Writers"/>, <see cref="LostClaims"/>, <see cref="Available"/> and <see cref="PeerChanged"/> throw <see cref="InvalidOperationException"/> while another call is under way
/// and while a lease is open; <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; <see cref="ChannelCorruptException"/> if a peer stored what no correct peer stores.
/// </para>
/// </remarks>
public sealed class FanInReader : IDisposable
{
    private readonly ClaimReader _claims;

    internal FanInReader(ClaimReader claims)
    {
        _claims = claims;
        claims.Owner = this;
    }

    /// <summary>A writer was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _claims.PeerChanged += value;
        remove => _claims.PeerChanged -= value;
    }

    /// <summary>Gets what can be seen of the writers now: those that were ever opened.</summary>
    public IReadOnlyList<EndpointInfo> Writers =>
        [.. _claims.Endpoint.Peers.Where(peer => peer.Generation != 0).Select(peer => peer.Describe())];

    /// <summary>Gets how many messages were lost since this reader was opened, since their writers were killed before they had committed them.</summary>
    public long LostClaims => _claims.LostClaims;

    /// <summary>Gets how many bytes are waiting to be read or are being written: messages with their headers and alignment. Any thread may read it.</summary>
    public long Available => _claims.Available;

    /// <summary>Reads the next message in place, if it has been committed.</summary>
    /// <param name="message">To be disposed: the next message can be read afterwards.</param>
    /// <returns>False: there is none now.</returns>
    public bool TryRead(out FanInLease message)
    {
        if (!_claims.TryBorrow(out var claimed, out var ticket))
        {
            message = default;
            return false;
        }

        message = new(_claims, claimed.Position, claimed.Header, claimed.Type, ticket);
        return true;
    }

    /// <summary>Reads the next message in place, as the lease that the readers of other channels lend: code for all of them takes this one.</summary>
    /// <param name="message">To be disposed: the next message can be read afterwards.</param>
    /// <returns>False: there is none now.</returns>
    [OverloadResolutionPriority(-1)]
    public bool TryRead(out MessageLease message) => _claims.TryLend(out message);

    /// <summary>Copies the next message, if it has been committed.</summary>
    /// <param name="destination">Gets the message.</param>
    /// <param name="length">How many bytes it has.</param>
    /// <param name="type">The type that it was written with.</param>
    /// <returns>False: there is none now, and the length is 0; or the destination is shorter than <paramref name="length"/>, and the message stays.</returns>
    public bool TryRead(Span<byte> destination, out int length, out ushort type) => _claims.TryRead(destination, out length, out type);

    /// <summary>Copies the next message, if it has been committed.</summary>
    /// <returns>False: there is none now.</returns>
    public bool TryRead(IBufferWriter<byte> destination, out ushort type) => _claims.TryRead(destination, out type);

    /// <summary>The messages that are committed now, to be read in place by <see langword="foreach"/>: the fastest way to read many.</summary>
    /// <remarks>Where the fan-in is empty it pauses for some tens of cycles, more each time, so that a loop that polls does not slow the writers down.</remarks>
    public FanInSequence ReadAvailable() => new(_claims);

    /// <summary>Waits until there is a message. No thread waits.</summary>
    /// <returns>True: a fan-in never ends.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _claims.WaitAsync(0, cancellationToken);

    /// <summary>Blocks until there is a message.</summary>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public bool WaitToRead(TimeSpan timeout) => _claims.Wait(0, timeout) == EndLook.Ready;

    /// <summary>All messages, for ever. Each is valid until the next is asked for.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _claims.WaitAsync(0, cancellationToken).ConfigureAwait(false))
        {
            while (_claims.TryBorrow(out var message, out var ticket))
            {
                try
                {
                    yield return _claims.MemoryOf(message);
                }
                finally
                {
                    _claims.Release(ticket);
                }
            }
        }
    }

    /// <summary>Leaves: another reader may go on. A message whose lease is open was not read.</summary>
    public void Dispose() => _claims.Dispose();
}
