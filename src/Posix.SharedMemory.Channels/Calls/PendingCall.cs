using System.Buffers;
using System.Threading.Tasks.Sources;

namespace Posix.SharedMemory.Channels;

/// <summary>A call of this process, from its beginning until its reply is disposed. Used again and again.</summary>
internal sealed class PendingCall(CallSession session) : CallWait, IValueTaskSource<CallReply>
{
    /// <summary>A longer reply's memory is not kept for the next one.</summary>
    private const int MostKept = 64 << 10;

    private ReadOnlyMemory<byte> _request;
    private CallHeader _header;
    private byte[] _buffer = [];
    private int _length;
    private int _generation;

    /// <summary>Gets or sets where the call is.</summary>
    internal CallState State { get; set; }

    /// <summary>Gets or sets the place that it has while it is sent.</summary>
    internal CallPlace? Place { get; set; }

    /// <summary>Gets when it times out, by <see cref="Environment.TickCount64"/>; the greatest number: never.</summary>
    internal long Deadline { get; private set; }

    /// <summary>Gets how long its caller waits.</summary>
    internal TimeSpan Timeout { get; private set; }

    /// <summary>Gets or sets whether its thread is blocked, and reads what comes itself.</summary>
    internal bool IsLed { get; set; }

    /// <summary>Gets what cancelled it before it began.</summary>
    internal CancellationToken CancelledBy { get; private set; }

    internal override ushort RecordType => ChannelLayout.CallType;

    internal override CallHeader Header => _header;

    internal override ReadOnlyMemory<byte> Body => _request;

    /// <summary>Gets the next one in the pool.</summary>
    internal PendingCall? NextFree { get; set; }

    /// <summary>Begins to be used.</summary>
    internal void Begin(ushort type, TimeSpan timeout)
    {
        Reset();
        (State, CancelledBy, Timeout, Place, IsLed, _length) = (CallState.New, default, timeout, null, false, 0);
        var isBounded = timeout != System.Threading.Timeout.InfiniteTimeSpan;
        var milliseconds = isBounded ? Math.Max(1, Math.Ceiling(timeout.TotalMilliseconds)) : 0;
        Deadline = isBounded ? Environment.TickCount64 + (long)milliseconds : long.MaxValue;
        _header = new(0, 0, type, (uint)Math.Min(uint.MaxValue, milliseconds));
    }

    /// <summary>Gets the header in the place that the call gets.</summary>
    internal CallHeader HeaderAt(ulong number, ushort place) => _header with { Number = number, Place = place };

    /// <summary>Keeps the request until there is room for it. It is the caller's memory.</summary>
    internal void Keep(ReadOnlyMemory<byte> request) => _request = request;

    /// <summary>Keeps a copy of the request until there is room for it.</summary>
    internal void KeepCopy(ReadOnlySpan<byte> request)
    {
        request.CopyTo(Room(request.Length));
        _request = _buffer.AsMemory(0, request.Length);
    }

    internal override void OnWritten() => _request = default;

    /// <summary>Copies the reply, which stands in the ring. What a peer changes later does not matter.</summary>
    internal void SetReply(ReadOnlySpan<byte> reply)
    {
        reply.CopyTo(Room(reply.Length));
        _length = reply.Length;
    }

    /// <summary>Gets the reply's bytes.</summary>
    /// <exception cref="ObjectDisposedException">The reply was disposed.</exception>
    internal ReadOnlyMemory<byte> ReplyOf(int generation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _generation) != generation, typeof(CallReply));
        return _buffer.AsMemory(0, _length);
    }

    /// <summary>Gives it back, once: copies of a reply carry the same generation.</summary>
    internal void Release(int generation)
    {
        if (Interlocked.CompareExchange(ref _generation, generation + 1, generation) == generation)
        {
            Recycle();
        }
    }

    /// <summary>What the call ends with when its time is up.</summary>
    internal TimeoutException TimedOut() => new($"The call was not answered within {Timeout}.");

    /// <summary>The result of a call that is over.</summary>
    internal CallReply Result(short token) => ((IValueTaskSource<CallReply>)this).GetResult(token);

    /// <summary>Gives one back whose call has not begun.</summary>
    internal void GiveUp()
    {
        Unregister();
        Release(_generation);
    }

    CallReply IValueTaskSource<CallReply>.GetResult(short token)
    {
        RequireEnded(token);
        try
        {
            Take(token);
        }
        catch
        {
            Release(_generation);
            throw;
        }

        return new(this, _generation);
    }

    protected override void Cancel(CancellationToken cancellationToken)
    {
        lock (session.Gate)
        {
            if (State == CallState.New)
            {
                CancelledBy = cancellationToken;
                return;
            }

            if (!session.TryAbandon(this))
            {
                return;
            }
        }

        Set(new OperationCanceledException("The call was cancelled.", cancellationToken));
        Post();
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

    private void Recycle()
    {
        (_request, State) = (default, CallState.Free);
        if (_buffer.Length > MostKept)
        {
            Return();
        }

        session.Recycle(this);
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
