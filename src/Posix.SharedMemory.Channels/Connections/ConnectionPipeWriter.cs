using System.Buffers;
using System.IO.Pipelines;

namespace Posix.SharedMemory.Channels;

/// <summary>The writing half of a pipe. Bytes are written to the ring itself as long as it has room, and to memory of this process from then on, until a flush has sent all of it.</summary>
#pragma warning disable CA1001 // ChannelBytes has nothing to dispose: a MemoryManager has to be disposable.
internal sealed class ConnectionPipeWriter : PipeWriter
#pragma warning restore CA1001
{
    /// <summary>The least room that is handed out, where there is as much.</summary>
    private const int LeastRoom = 4096;

    /// <summary>How long <see cref="Complete"/> waits for the peer to read one more piece. <see cref="CompleteAsync"/> waits as long as it takes.</summary>
    private static readonly TimeSpan s_longestComplete = TimeSpan.FromSeconds(2);

    private readonly MessageConnection _connection;
    private readonly RingWriter _ring;
    private readonly ChannelBytes _bytes;
    private readonly Action _close;
    private readonly PipeWake _wake = new();
    private readonly int _piece;
    private int _ticket;
    private ulong _at;
    private int _room;
    private int _built;
    private long _stored;
    private byte[] _rest = [];
    private int _restFrom;
    private int _restLength;
    private int _lent;
    private bool _isCompleted;

    internal ConnectionPipeWriter(MessageConnection connection, Action close)
    {
        (_connection, _ring, _close) = (connection, connection.Output.Ring, close);
        _bytes = new(_ring.Endpoint);
        _piece = ConnectionStream.PieceOf(_ring);
    }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _stored + _built + _restLength - _restFrom;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        RequireOpen();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        var need = Math.Max(sizeHint, 1);
        if (_rest.Length == 0 && TryMakeRoom(need))
        {
            _lent = _room - _built;
            return _bytes.Memory.Slice(_ring.PlaceOf(_at) + _built, _lent);
        }

        if (_rest.Length - _restLength < need)
        {
            Grow(need);
        }

        _lent = _rest.Length - _restLength;
        return _rest.AsMemory(_restLength);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        RequireOpen();
        if ((uint)bytes > (uint)_lent)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More bytes than the last GetMemory or GetSpan returned.");
        }

        _lent -= bytes;
        if (_rest.Length != 0)
        {
            _restLength += bytes;
        }
        else
        {
            _built += bytes;
        }
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        RequireOpen();
        cancellationToken.ThrowIfCancellationRequested();
        Publish();
        RequireSound();
        if (_wake.Take())
        {
            return new(isCanceled: true, isCompleted: false);
        }

        while (_restFrom < _restLength)
        {
            var piece = Math.Min(_restLength - _restFrom, _piece);
            try
            {
                while (!_ring.TryWrite(_rest.AsSpan(_restFrom, piece), 0))
                {
                    var isThere = await _wake.WaitAsync(token => _ring.WaitAsync(piece, token), cancellationToken).ConfigureAwait(false);
                    if (isThere is not true)
                    {
                        return new(isCanceled: isThere is null, isCompleted: isThere is not null);
                    }
                }
            }
            catch (PeerLeftException)
            {
                return new(isCanceled: false, isCompleted: true);
            }

            _restFrom += piece;
        }

        Return();
        RequireSound();
        return _ring.Peer is var state && state == PeerState.Died ? throw _ring.Loss(state) : new(isCanceled: false, isCompleted: state == PeerState.Left);
    }

    public override void CancelPendingFlush() => _wake.Request();

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        try
        {
            Publish();
            while (_restFrom < _restLength)
            {
                var piece = _rest.AsSpan(_restFrom, Math.Min(_restLength - _restFrom, _piece));
                if (!_ring.TryWrite(piece, 0))
                {
                    _ring.WaitAndWrite(piece, 0, s_longestComplete);
                }

                _restFrom += piece.Length;
            }
        }
        catch (TimeoutException)
        {
            // The peer does not read: it learns that bytes are missing.
        }
        catch (ChannelException)
        {
            // The peer has ended: no process reads it any more.
        }
        catch (InvalidOperationException)
        {
            // The peer takes no more, or this side was closed.
        }

        Finish(exception);
    }

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        try
        {
            // A flush that was cancelled from elsewhere has not sent everything.
            while ((await FlushAsync(CancellationToken.None).ConfigureAwait(false)).IsCanceled)
            {
            }
        }
        catch (ChannelException)
        {
            // The peer has ended: no process reads it any more.
        }
        catch (InvalidOperationException)
        {
            // The peer takes no more, or this side was closed.
        }

        Finish(exception);
    }

    /// <summary>Ends the output; with an error also where bytes are left that could not be sent.</summary>
    private void Finish(Exception? exception)
    {
        _isCompleted = true;
        var isCut = _restFrom < _restLength;
        _lent = 0;
        Return();
        _connection.CompleteOutput(exception is null ? (isCut ? -1 : 0) : exception.HResult is 0 ? -1 : exception.HResult);
        _close();
    }

    /// <summary>Makes room in the ring for more bytes in one piece: in the message that is being built, or in a new one.</summary>
    private bool TryMakeRoom(int need)
    {
        if (_ticket != 0 && _room - _built >= need)
        {
            return true;
        }

        if (need > _ring.MaxMessage)
        {
            return false;
        }

        if (_ticket == 0)
        {
            (_ticket, _room, _built) = (_ring.Borrow(EndAct.Batch), 0, 0);
        }

        Store();
        var wanted = Math.Max(need, Math.Min(LeastRoom, _piece));
        if (_ring.TryClaim(wanted, out var at))
        {
            (_at, _room) = (at, wanted);
            return true;
        }

        if (_ring.TryClaim(need, out at))
        {
            (_at, _room) = (at, need);
            return true;
        }

        return false;
    }

    /// <summary>Ends the message that is being built. The peer does not see it yet.</summary>
    private void Store()
    {
        if (_built > 0)
        {
            _ring.Store(_at, _built, 0);
            _stored += _built;
        }

        (_room, _built) = (0, 0);
    }

    /// <summary>Lets the peer see what stands in the ring.</summary>
    private void Publish()
    {
        _lent = 0;
        if (_ticket != 0)
        {
            Store();
            _ring.Return(_ticket);
            _ticket = 0;
            _stored = 0;
        }
    }

    private void Grow(int need)
    {
        var kept = _restLength - _restFrom;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(kept + need), Math.Max(LeastRoom, kept * 2)));
        _rest.AsSpan(_restFrom, kept).CopyTo(larger);
        Return();
        (_rest, _restLength) = (larger, kept);
    }

    /// <summary>Gives the memory of this process back.</summary>
    private void Return()
    {
        if (_rest.Length != 0)
        {
            ArrayPool<byte>.Shared.Return(_rest);
        }

        (_rest, _restFrom, _restLength) = ([], 0, 0);
    }

    /// <summary>Throws what the peer has sent that no correct one sends.</summary>
    private void RequireSound()
    {
        if (_ring.Endpoint.Failure is { } failure)
        {
            throw failure;
        }
    }

    private void RequireOpen()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("The writer was completed.");
        }
    }
}
