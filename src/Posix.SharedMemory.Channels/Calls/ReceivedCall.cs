using System.Buffers;
using System.Text;
using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>A call of the peer, from its arrival until it was answered. Used again and again.</summary>
#pragma warning disable CA1001 // A source of cancellation without a timer has nothing to dispose.
internal sealed class ReceivedCall(CallSession session) : CallWait, IValueTaskSource
#pragma warning restore CA1001
{
    /// <summary>What is said about a failure is cut to so many bytes.</summary>
    internal const int MostSaid = 1024;

    private const int MostKept = 64 << 10;

    private CallHeader _header;
    private CallHeader _answer;
    private ReadOnlyMemory<byte> _body;
    private byte[] _buffer = [];
    private int _length;
    private int _generation;
    private CancellationTokenSource? _cancellation;
    private bool _isCancelled;
    private bool _isClaimed;
    private bool _isAwaited;
    private long _deadline;

    /// <summary>Gets the number of the call.</summary>
    internal ulong Number => _header.Number;

    /// <summary>Gets the place of the call.</summary>
    internal ushort Place => _header.Place;

    /// <summary>Gets how many bytes of the ring the call's record had.</summary>
    internal long Size { get; private set; }

    /// <summary>Gets or sets whether it was given to who answers it.</summary>
    internal bool IsTaken { get; set; }

    /// <summary>Gets which use of this object it is.</summary>
    internal int Generation => _generation;

    internal override ushort RecordType => ChannelLayout.AnswerType;

    internal override CallHeader Header => _answer;

    internal override ReadOnlyMemory<byte> Body => _body;

    /// <summary>A call has arrived. Its request, which stands in the ring, is copied: what a peer changes later does not matter.</summary>
    internal void Begin(in CallHeader header, ReadOnlySpan<byte> request, long size)
    {
        (_header, Size, IsTaken, _isCancelled, _isAwaited, _isClaimed) = (header, size, false, false, false, false);
        _deadline = header.Value == 0 ? long.MaxValue : Environment.TickCount64 + header.Value;
        request.CopyTo(Room(request.Length));
        _length = request.Length;
    }

    internal ReadOnlyMemory<byte> RequestOf(int generation)
    {
        Require(generation);
        return _buffer.AsMemory(0, _length);
    }

    internal ushort TypeOf(int generation)
    {
        Require(generation);
        return _header.Word;
    }

    internal TimeSpan TimeLeftOf(int generation)
    {
        Require(generation);
        return _deadline == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(0, _deadline - Environment.TickCount64));
    }

    internal bool IsCancelledIn(int generation)
    {
        session.Reading.TryRead();
        lock (session.Gate)
        {
            Require(generation);
            return _isCancelled;
        }
    }

    /// <summary>A token that is cancelled with the call, and when the peer has ended. From now on the connection is read for it.</summary>
    internal CancellationToken TokenOf(int generation)
    {
        CancellationToken token;
        lock (session.Gate)
        {
            Require(generation);
            if (_cancellation is null)
            {
                _cancellation = new();
                session.Served.Watched++;
                if (_isCancelled || session.Failure is not null)
                {
                    _cancellation.Cancel();
                }
            }

            token = _cancellation.Token;
        }

        session.Reading.Start();
        return token;
    }

    /// <summary>The caller has given it up, or the peer has ended. Inside the gate; what is registered with the token runs on the thread pool.</summary>
    internal void SetCancelled()
    {
        _isCancelled = true;
        _ = _cancellation?.CancelAsync();
    }

    /// <summary>Answers, if there is room.</summary>
    internal bool TryReply(int generation, ReadOnlySpan<byte> reply)
    {
        if (reply.Length > session.MaxLength)
        {
            throw new ArgumentException($"The reply has {reply.Length} bytes, and the longest that this connection carries has {session.MaxLength}.", nameof(reply));
        }

        lock (session.Gate)
        {
            RequireOpen(generation);
            session.ThrowIfFailed();
            var isSent = session.Output.TrySend(this, AnswerOf(CallOutcome.Replied, 0), reply);
            if (isSent)
            {
                End();
            }
            else
            {
                session.ThrowIfFailed();
            }

            return isSent;
        }
    }

    /// <summary>Answers, when there is room.</summary>
    internal ValueTask ReplyAsync(int generation, ReadOnlyMemory<byte> reply, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TryReply(generation, reply.Span))
        {
            return default;
        }

        lock (session.Gate)
        {
            RequireOpen(generation);
            _isClaimed = true;
        }

        Reset();
        Register(cancellationToken);
        lock (session.Gate)
        {
            _isClaimed = false;
            if (session.Failure is null && !cancellationToken.IsCancellationRequested)
            {
                (_answer, _body, _isAwaited) = (AnswerOf(CallOutcome.Replied, 0), reply, true);
                session.Output.EnqueueUrgent(this);
                return new(this, Token);
            }
        }

        Unregister();
        cancellationToken.ThrowIfCancellationRequested();
        throw session.Failure!();
    }

    /// <summary>Answers that the call failed. It does not wait: where there is no room, the answer is sent later.</summary>
    internal void Fail(int generation, int error, string said)
    {
        lock (session.Gate)
        {
            RequireOpen(generation);
            FailInside(error, said);
        }
    }

    /// <summary>Answers a call that nobody has answered; otherwise it has no effect.</summary>
    internal void Close(int generation)
    {
        lock (session.Gate)
        {
            if (_generation == generation && !IsBeingAnswered)
            {
                FailInside(-1, "The call was not answered.");
            }
        }
    }

    /// <summary>As <see cref="Fail"/>, inside the gate. The answer to a call that was cancelled says no more than that.</summary>
    internal void FailInside(int error, string said)
    {
        _answer = AnswerOf(_isCancelled ? CallOutcome.Cancelled : CallOutcome.Failed, _isCancelled ? 0 : error);
        if (_isCancelled)
        {
            said = "";
        }

        // The request is not needed any more: what is said takes its place.
        var room = Room(MostSaid);
        Encoding.UTF8.GetEncoder().Convert(said, room[..MostSaid], flush: true, out _, out var used, out _);
        _body = _buffer.AsMemory(0, Math.Min(used, session.MaxLength));
        if (session.Failure is not null || session.Output.TrySend(this, _answer, _body.Span) || session.Failure is not null)
        {
            End();
        }
        else
        {
            session.Output.EnqueueUrgent(this);
        }
    }

    internal override void OnWritten() => End();

    /// <summary>The peer has ended: an answer that waits for room ends with that.</summary>
    internal void Lose(Exception failure)
    {
        Queue?.Remove(this);
        SetCancelled();
        if (_isAwaited)
        {
            Set(failure);
            EndAwaited();
        }
        else if (IsTaken)
        {
            // The process that answers it gets the exception then.
            return;
        }
        else
        {
            End();
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        RequireEnded(token);
        try
        {
            Take(token);
        }
        finally
        {
            lock (session.Gate)
            {
                var isOver = _isAwaited;
                (_isAwaited, _isClaimed) = (false, false);
                if (isOver)
                {
                    Recycle();
                }
            }
        }
    }

    protected override void Cancel(CancellationToken cancellationToken)
    {
        lock (session.Gate)
        {
            if (Queue is not { } queue || !_isAwaited)
            {
                return;
            }

            // It can be answered again once the task has been awaited.
            queue.Remove(this);
            (_isAwaited, _isClaimed, _body) = (false, true, default);
        }

        Set(new OperationCanceledException("The reply was cancelled before there was room for it.", cancellationToken));
        Post();
    }

    private bool IsBeingAnswered => _isClaimed || _isAwaited || Queue is not null;

    private CallHeader AnswerOf(CallOutcome outcome, int error) => new(_header.Number, _header.Place, (ushort)outcome, (uint)error);

    /// <summary>The call is over.</summary>
    private void End()
    {
        if (_isAwaited)
        {
            Set(null);
            EndAwaited();
            return;
        }

        Leave();
        Recycle();
    }

    /// <summary>The call is over; the object is used again when the task was awaited.</summary>
    private void EndAwaited()
    {
        Leave();
        Post();
    }

    private void Leave()
    {
        _generation++;
        session.Served.Remove(this);
        if (_cancellation is not null)
        {
            session.Served.Watched--;
            _cancellation = null;
        }
    }

    private void Recycle()
    {
        _body = default;
        if (_buffer.Length > MostKept)
        {
            Return();
        }

        session.Served.Recycle(this);
    }

    private void Require(int generation) => ObjectDisposedException.ThrowIf(Volatile.Read(ref _generation) != generation, typeof(IncomingCall));

    private void RequireOpen(int generation)
    {
        Require(generation);
        if (IsBeingAnswered)
        {
            throw new InvalidOperationException("The call is being answered already.");
        }
    }

    private Span<byte> Room(int length)
    {
        if (_buffer.Length < length)
        {
            Return();
            _buffer = ArrayPool<byte>.Shared.Rent(length);
        }

        return _buffer;
    }

    private void Return()
    {
        if (_buffer.Length != 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }
}
