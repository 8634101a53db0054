using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// Reads what comes, for all that wait: one at a time. Where tasks wait, a callback of the input's wait does it, on the thread pool; where a thread blocks and nobody reads, that thread. Whoever reads
/// completes what came, and runs one continuation at most itself: as the last thing, when another one may read already.
/// </summary>
internal sealed class CallReading
{
    /// <summary>How many records are read before others get the thread.</summary>
    private const int RecordsInOneGo = 256;

    private readonly CallSession _session;
    private readonly RingReader _input;
    private readonly Action _continue;
    private ValueTaskAwaiter<bool> _awaiter;
    private bool _isTaken;

    internal CallReading(CallSession session, RingReader input)
    {
        (_session, _input) = (session, input);
        _continue = () => Run(hasWaited: true, isCallers: false);
    }

    /// <summary>Gets whether nobody reads. Inside the gate.</summary>
    internal bool IsFree => !_isTaken && !_session.IsOver;

    /// <summary>Takes the turn to read. Inside the gate.</summary>
    internal void Take() => _isTaken = true;

    /// <summary>Begins to read, if a task waits and nobody reads.</summary>
    internal void Start()
    {
        lock (_session.Gate)
        {
            if (_isTaken || !_session.IsWanted)
            {
                return;
            }

            _isTaken = true;
        }

        Run(hasWaited: false, isCallers: true);
    }

    /// <summary>Nothing that comes is of use any more: a thread that is blocked for it ends too. Closing this side wakes it anyway.</summary>
    internal void GiveUp(Exception cause)
    {
        if (cause is ChannelCorruptException or PeerDiedException or PeerLeftException)
        {
            _input.Endpoint.Lose(cause as ChannelCorruptException);
        }
        else if (cause is not ObjectDisposedException)
        {
            // The peer may be well: it was this side that failed.
            _input.Endpoint.Refuse(cause);
        }
    }

    /// <summary>Reads what is there, if nobody reads.</summary>
    internal void TryRead()
    {
        lock (_session.Gate)
        {
            if (!IsFree)
            {
                return;
            }

            _isTaken = true;
        }

        try
        {
            ReadAll();
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Reads for a call, in whose name the turn was taken, until it is over. Completes it.</summary>
    internal void Lead(PendingCall call, TimeSpan timeout)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            while (!IsOver(call))
            {
                ReadAll();
                if (!IsOver(call))
                {
                    WaitFor(call, timeout, start);
                }
            }
        }
        finally
        {
            Release();
        }

        call.Complete();
    }

    /// <summary>Blocks until a call of the peer is there, if nobody else reads.</summary>
    /// <param name="timeout">How long.</param>
    /// <param name="isOver">Whether there is a call, or nothing comes any more. Otherwise the time is up.</param>
    /// <returns>False: somebody else reads.</returns>
    internal bool TryWaitForCall(TimeSpan timeout, out bool isOver)
    {
        var start = Stopwatch.GetTimestamp();
        lock (_session.Gate)
        {
            isOver = _session.Served.HasReady || _session.IsOver;
            if (isOver || _isTaken)
            {
                return isOver;
            }

            _isTaken = true;
        }

        try
        {
            while (true)
            {
                ReadAll();
                lock (_session.Gate)
                {
                    isOver = _session.Served.HasReady || _session.IsOver;
                }

                if (isOver || !WaitForMore(timeout, start))
                {
                    return true;
                }
            }
        }
        finally
        {
            Release();
        }
    }

    private bool IsOver(PendingCall call)
    {
        lock (_session.Gate)
        {
            return call.State == CallState.Over;
        }
    }

    private void WaitFor(PendingCall call, TimeSpan timeout, long start)
    {
        if (!WaitForMore(timeout, start))
        {
            lock (_session.Gate)
            {
                if (_session.TryAbandon(call))
                {
                    call.Set(call.TimedOut());
                }
            }
        }
    }

    /// <summary>Blocks until there is something to read, or nothing comes any more.</summary>
    /// <returns>False: the time is up.</returns>
    private bool WaitForMore(TimeSpan timeout, long start)
    {
        try
        {
            var isBounded = timeout != Timeout.InfiniteTimeSpan;
            var left = isBounded ? timeout - Stopwatch.GetElapsedTime(start) : timeout;
            var isUp = isBounded && left <= TimeSpan.Zero;
            var look = _input.Wait(0, isUp ? TimeSpan.Zero : left);
            if (look == EndLook.Ended)
            {
                _session.End();
                return true;
            }

            // Also where the peer sends without a pause what nobody here waits for.
            return look == EndLook.Ready && !isUp;
        }
#pragma warning disable CA1031 // Whatever it is, the calls end with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _session.Fail(e);
            return true;
        }
    }

    /// <summary>Reads what is there. What came is completed on the thread pool.</summary>
    private void ReadAll()
    {
        CallWait? last = null;
        try
        {
            Read(ref last);
        }
#pragma warning disable CA1031 // Whatever it is, the calls end with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _session.Fail(e);
        }

        last?.Post();
    }

    /// <summary>Reads for the tasks that wait, until there is nothing more, and then waits without a thread.</summary>
    /// <param name="hasWaited">Whether it is the end of such a wait.</param>
    /// <param name="isCallers">Whether the thread is one of the caller's, on which nobody else's continuation runs.</param>
    private void Run(bool hasWaited, bool isCallers)
    {
        CallWait? last = null;
        try
        {
            while (true)
            {
                if (hasWaited && !_awaiter.GetResult())
                {
                    _session.End();
                }

                var isAll = Read(ref last);
                if (!KeepIfWanted())
                {
                    break;
                }

                if (!isAll)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(static reading => reading.Run(hasWaited: false, isCallers: false), this, preferLocal: false);
                    break;
                }

#pragma warning disable CA2012 // The wait's continuation uses the awaiter, once.
                _awaiter = _input.WaitAsync(0, CancellationToken.None).GetAwaiter();
#pragma warning restore CA2012
                hasWaited = true;
                if (!_awaiter.IsCompleted)
                {
                    _awaiter.UnsafeOnCompleted(_continue);
                    break;
                }
            }
        }
#pragma warning disable CA1031 // Whatever it is, the calls end with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _session.Fail(e);
            Release();
        }

        if (isCallers)
        {
            last?.Post();
        }
        else
        {
            last?.Complete();
        }
    }

    private bool KeepIfWanted()
    {
        lock (_session.Gate)
        {
            return _isTaken = _session.IsWanted;
        }
    }

    private void Release()
    {
        lock (_session.Gate)
        {
            _isTaken = false;
        }

        Start();
    }

    /// <summary>Reads records.</summary>
    /// <param name="last">What came last and is to be completed. Everything before is completed on the thread pool.</param>
    /// <returns>Whether there is nothing more.</returns>
    private bool Read(ref CallWait? last)
    {
        for (var count = 0; count < RecordsInOneGo; count++)
        {
            if (!_input.TryBorrow(out var record, out var ticket))
            {
                return true;
            }

            CallWait? came;
            try
            {
                came = Take(record);
            }
            finally
            {
                _input.Release(ticket);
            }

            if (came is not null)
            {
                last?.Post();
                last = came;
            }
        }

        return false;
    }

    private CallWait? Take(RingRecord record)
    {
        if (record.Type == ChannelLayout.ObjectType)
        {
            // It is received by who waits for objects.
            return null;
        }

        var bytes = _input.PayloadOf(record);
        if (record.Type < ChannelLayout.FirstReservedType || bytes.Length < ChannelLayout.CallHeaderSize)
        {
            throw Corrupt(record, $"has the type 0x{record.Type:X4} and {bytes.Length} bytes, and is not one of calls");
        }

        var header = CallHeader.Read(bytes);
        var body = bytes[ChannelLayout.CallHeaderSize..];
        string fault;
        lock (_session.Gate)
        {
            if (_session.Failure is not null)
            {
                return null;
            }

            switch (record.Type)
            {
                case ChannelLayout.CallType:
                    if (_session.Served.Add(header, body, _session.Output.SizeOf(body.Length), out fault) is not null)
                    {
                        return _session.Announce();
                    }

                    break;
                case ChannelLayout.CancelType:
                    if (_session.Served.Cancel(header))
                    {
                        return null;
                    }

                    fault = $"cancels call {header.Number}, which there never was";
                    break;
                default:
                    if (_session.Places.Find(header.Number, header.Place) is { } place && IsOutcome(header.Word, place))
                    {
                        return _session.Answer(place, header, body);
                    }

                    fault = $"answers call {header.Number} in place {header.Place} with outcome {header.Word}, and that is not under way";
                    break;
            }
        }

        throw Corrupt(record, fault);
    }

    /// <summary>Whether an answer may have an outcome: only a call that was given up is answered as cancelled.</summary>
    private static bool IsOutcome(ushort outcome, CallPlace place) =>
        outcome <= (ushort)CallOutcome.Failed || (outcome == (ushort)CallOutcome.Cancelled && place.Call is null);

    private ChannelCorruptException Corrupt(RingRecord record, string found) =>
        _input.Corrupt("a record of calls", _input.Endpoint.DataOffset + (long)(record.At & ((ulong)_input.Header.Capacity - 1)), found);
}
