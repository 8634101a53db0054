using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// A broadcast as the bridge reads it, which begins with the oldest message that its history has. Its writer does not wait for a bridge that may lose messages; messages that it misses are lost in the ring.
/// </summary>
internal sealed class BroadcastSource : ExportSource
{
    private readonly Broadcast _broadcast;
    private readonly BroadcastReader _reader;
    private byte[] _ahead = [];
    private (int Length, ushort Type, bool IsThere) _found;
    private (long First, long Last) _missed;
    private long _next;

    private BroadcastSource(Broadcast broadcast, BroadcastReader reader)
    {
        (_broadcast, _reader) = (broadcast, reader);
        if (!TryLookAhead())
        {
            _next = broadcast.GetStatus().Messages + 1;
        }
    }

    internal override SharedMemoryObject Memory => _broadcast.Memory;

    internal override long Next => _missed.First > 0 ? _missed.First : _next;

    internal override long Available => _reader.Available + (_found.IsThere ? _found.Length + FrameLimits.MessageOverhead : 0);

    internal override bool HasWriter => _reader.Writer == PeerState.Alive;

    /// <inheritdoc/>
    /// <remarks>A reader that is killed is not waited for by the writer any more: what it had copied is in the history, or nowhere.</remarks>
    internal override bool Waits => false;

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

    internal override async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) =>
        _found.IsThere || _missed.First > 0 || await _reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);

    internal override bool WaitToRead(TimeSpan timeout) => _found.IsThere || _missed.First > 0 || _reader.WaitToRead(timeout);

    /// <inheritdoc/>
    internal override (long First, long Last) TakeMissed()
    {
        var missed = _missed;
        _missed = default;
        return missed;
    }

    /// <inheritdoc/>
    /// <remarks>Where messages are missing before it, there is none until they were reported: the messages of a batch follow each other.</remarks>
    internal override bool TryRead(Span<byte> destination, out int length, out ushort type)
    {
        if (!TryLookAhead() || _missed.First > 0)
        {
            (length, type) = (0, 0);
            return false;
        }

        (length, type) = (_found.Length, _found.Type);
        if (length > destination.Length)
        {
            return false;
        }

        _ahead.AsSpan(0, length).CopyTo(destination);
        _found = default;
        _next++;
        return true;
    }

    internal override bool TryDrop()
    {
        if (!TryLookAhead() || _missed.First > 0)
        {
            return false;
        }

        _found = default;
        _next++;
        return true;
    }

    public override void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_ahead);
        _reader.Dispose();
        _broadcast.Dispose();
    }

    private bool TryLookAhead()
    {
        if (_found.IsThere)
        {
            return true;
        }

        BroadcastMessage info;
        while (!_reader.TryRead(_ahead, out info))
        {
            if (info.Length <= _ahead.Length)
            {
                return false;
            }

            ArrayPool<byte>.Shared.Return(_ahead);
            _ahead = [];
            _ahead = ArrayPool<byte>.Shared.Rent(info.Length);
        }

        // A broadcast counts from 0, and what is bridged from 1.
        var sequence = info.Sequence + 1;
        if (_next > 0 && sequence > _next)
        {
            _missed = (_next, sequence - 1);
        }

        _next = sequence;
        _found = (info.Length, info.Type, true);
        return true;
    }
}
