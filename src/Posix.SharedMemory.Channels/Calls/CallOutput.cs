namespace Posix.SharedMemory.Channels;

/// <summary>
/// Writes the records of calls, answers and cancellations, for any thread. What there is no room for waits in a queue: answers and cancellations first, so that calls that wait for answers
/// do not hold them up. Used inside the gate.
/// </summary>
internal sealed class CallOutput(CallSession session, RingWriter ring)
{
    private readonly CallQueue _urgent = new();
    private readonly CallQueue _calls = new();
    private readonly long _prefix = ring.Header.Prefix;
    private readonly long _align = ring.Header.RecordAlign;
    private bool _isWaiting;

    /// <summary>Gets the calls that are not sent.</summary>
    internal CallQueue Calls => _calls;

    /// <summary>Gets the answers and cancellations that are not sent.</summary>
    internal CallQueue Urgent => _urgent;

    /// <summary>How many bytes of the ring a record has.</summary>
    internal long SizeOf(int body) => ChannelLayout.RoundUp(_prefix + ChannelLayout.CallHeaderSize + body, _align);

    /// <summary>Refuses what no call of this connection can be, before anything is done.</summary>
    internal void Require(ReadOnlySpan<byte> request, ushort type, TimeSpan timeout)
    {
        if (request.Length > session.MaxLength)
        {
            throw new ArgumentException($"The request has {request.Length} bytes, and the longest that this connection carries has {session.MaxLength}.", nameof(request));
        }

        if (type >= ChannelLayout.FirstReservedType)
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, $"Types from 0x{ChannelLayout.FirstReservedType:X4} are reserved.");
        }

        EndTimeout.Require(timeout);
    }

    /// <summary>Sends a call, if it may be sent now and there is room. If the ring cannot be written to, everything ends.</summary>
    internal bool TrySend(PendingCall call, ReadOnlySpan<byte> request)
    {
        try
        {
            return !_isWaiting && _calls.IsEmpty && _urgent.IsEmpty && TryPutCall(call, request);
        }
#pragma warning disable CA1031 // Whatever it is, the calls end with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            session.Fail(e);
            return false;
        }
    }

    /// <summary>Sends an answer, if there is room. If the ring cannot be written to, everything ends.</summary>
    internal bool TrySend(CallItem answer, in CallHeader header, ReadOnlySpan<byte> body)
    {
        try
        {
            return !_isWaiting && _urgent.IsEmpty && TryPut(answer.RecordType, header, body);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            session.Fail(e);
            return false;
        }
    }

    /// <summary>Sends a call later: when it may be, and there is room.</summary>
    internal void Enqueue(PendingCall call)
    {
        call.State = CallState.Queued;
        _calls.Add(call);
        Go();
    }

    /// <summary>Sends an answer or a cancellation later.</summary>
    internal void EnqueueUrgent(CallItem item)
    {
        _urgent.Add(item);
        Go();
    }

    /// <summary>Writes what can be written, and waits for room where there is none.</summary>
    internal void Go()
    {
        if (_isWaiting)
        {
            return;
        }

        try
        {
            if (Drain() is var length and >= 0)
            {
                _isWaiting = true;
                _ = WaitAsync(length);
            }
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            session.Fail(e);
        }
    }

    /// <summary>Writes what can be written now.</summary>
    /// <returns>The length of the record that there is no room for; −1: none waits for room.</returns>
    private int Drain()
    {
        while (_urgent.First is { } item)
        {
            if (!TryPut(item.RecordType, item.Header, item.Body.Span))
            {
                return ChannelLayout.CallHeaderSize + item.Body.Length;
            }

            _urgent.Remove(item);
            item.OnWritten();
        }

        while (_calls.First is PendingCall call && session.Places.HasRoomFor(SizeOf(call.Body.Length)))
        {
            if (!TryPutCall(call, call.Body.Span))
            {
                return ChannelLayout.CallHeaderSize + call.Body.Length;
            }

            _calls.Remove(call);
            call.OnWritten();
        }

        return -1;
    }

    private bool TryPutCall(PendingCall call, ReadOnlySpan<byte> request)
    {
        var size = SizeOf(request.Length);
        if (!session.Places.HasRoomFor(size) || !TryPut(ChannelLayout.CallType, session.Places.HeaderOf(call), request))
        {
            return false;
        }

        session.Places.Take(call, size);
        return true;
    }

    private bool TryPut(ushort type, in CallHeader header, ReadOnlySpan<byte> body)
    {
        var length = ChannelLayout.CallHeaderSize + body.Length;
        if (!ring.TryReserve(length, out var place, out var ticket))
        {
            return false;
        }

        try
        {
            var room = ring.RoomAt(place, length);
            header.Write(room);
            body.CopyTo(room[ChannelLayout.CallHeaderSize..]);
            ring.Commit(length, type);
            return true;
        }
        finally
        {
            ring.Return(ticket);
        }
    }

    private async Task WaitAsync(int length)
    {
        try
        {
            while (length >= 0)
            {
                if (!await ring.WaitAsync(length, CancellationToken.None).ConfigureAwait(false))
                {
                    throw WritingEnd.TakesNoMore();
                }

                lock (session.Gate)
                {
                    length = session.Failure is null ? Drain() : -1;
                    _isWaiting = length >= 0;
                }
            }
        }
#pragma warning disable CA1031 // Whatever it is, the calls end with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            session.Fail(e);
        }
    }
}
