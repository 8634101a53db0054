namespace Posix.SharedMemory.Channels;

/// <summary>The peer's calls that are not answered. What comes is checked: each place is taken once, numbers follow each other, and all requests together are not longer than the ring. Used inside the gate.</summary>
internal sealed class ServedCalls(CallSession session, long capacity)
{
    private readonly ReceivedCall?[] _places = new ReceivedCall?[ChannelLayout.MostCalls];
    private readonly Queue<ReceivedCall> _ready = new();
    private readonly Stack<ReceivedCall> _free = [];
    private ulong _last;
    private long _bytes;
    private bool _isOutputOver, _isSocketOver;

    /// <summary>Gets or sets how many calls have a token, for which the connection is read.</summary>
    internal int Watched { get; set; }

    /// <summary>Gets whether a call waits to be taken.</summary>
    internal bool HasReady => _ready.Count > 0;

    /// <summary>A call has arrived.</summary>
    /// <returns>The call; <see langword="null"/>: no correct peer sends it, and <paramref name="fault"/> says why.</returns>
    internal ReceivedCall? Add(in CallHeader header, ReadOnlySpan<byte> request, long size, out string fault)
    {
        fault = header.Number != _last + 1 ? $"has the number {header.Number}, and not {_last + 1}"
            : header.Word >= ChannelLayout.FirstReservedType ? $"has the type 0x{header.Word:X4}, which is reserved"
            : header.Place >= ChannelLayout.MostCalls ? $"has the place {header.Place}"
            : _places[header.Place] is { } other ? $"has the place {header.Place}, which call {other.Number} has until it is answered"
            : _bytes + size > capacity ? $"is one too many: the calls that are not answered have {_bytes + size} bytes"
            : "";
        if (fault.Length > 0)
        {
            return null;
        }

        var call = _free.TryPop(out var free) ? free : new ReceivedCall(session);
        call.Begin(header, request, size);
        _places[header.Place] = call;
        _ready.Enqueue(call);
        _last = header.Number;
        _bytes += size;
        return call;
    }

    /// <summary>The next call that is to be answered.</summary>
    internal ReceivedCall? Take()
    {
        if (!_ready.TryDequeue(out var call))
        {
            return null;
        }

        call.IsTaken = true;
        return call;
    }

    /// <summary>A cancellation has arrived. The answer may be under way already.</summary>
    /// <returns>False: there never was such a call.</returns>
    internal bool Cancel(in CallHeader header)
    {
        if (header.Number == 0 || header.Number > _last || header.Place >= ChannelLayout.MostCalls)
        {
            return false;
        }

        if (_places[header.Place] is { } call && call.Number == header.Number)
        {
            call.SetCancelled();
        }

        return true;
    }

    /// <summary>The call was answered.</summary>
    internal void Remove(ReceivedCall call)
    {
        _places[call.Place] = null;
        _bytes -= call.Size;
    }

    internal void Recycle(ReceivedCall call) => _free.Push(call);

    /// <summary>The peer sends nothing more, or its socket has ended. After both nobody waits for an answer.</summary>
    internal void OnEnd(bool ofSocket)
    {
        (_isOutputOver, _isSocketOver) = (_isOutputOver || !ofSocket, _isSocketOver || ofSocket);
        if (_isOutputOver && _isSocketOver)
        {
            foreach (var call in _places)
            {
                call?.SetCancelled();
            }
        }
    }

    /// <summary>The peer has ended.</summary>
    internal void Lose(Func<Exception> failure)
    {
        foreach (var call in _places)
        {
            call?.Lose(failure());
        }

        _ready.Clear();
    }
}
