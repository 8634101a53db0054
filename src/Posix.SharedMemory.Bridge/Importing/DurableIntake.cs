using System.Buffers;
using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Checks what the engine delivers of what it keeps, and hands each message to the ring once: what is not newer than what the ring has is skipped, and what does not follow it is left to be delivered
/// again. Not safe for several threads: the import's lock guards it.
/// </summary>
internal sealed class DurableIntake(ChannelReport report)
{
    private readonly DurableLives _lives = new();
    private readonly DurableGap _gap = new();

    private readonly DeliveredMessages _delivered = new();
    private long _expected;
    private int? _end;
    private bool _mustBind = true;
    private bool _isUnconfirmed;

    /// <summary>Gets the ring; <see langword="null"/>: it could not be opened, or is closed.</summary>
    internal ImportedRing? Ring { get; private set; }

    /// <summary>Gets whether the ring was completed.</summary>
    internal bool IsCompleted { get; private set; }

    /// <summary>Gets whether everything that is not acknowledged is to be delivered again, and there is room for it.</summary>
    /// <remarks>Without a ring that is so where its end was not acknowledged.</remarks>
    internal bool MustBindNow => _mustBind && (Ring is { ParkedBytes: 0 } || (Ring is null && IsCompleted && _isUnconfirmed));

    /// <summary>Gets what acknowledges everything that is in the ring, and how many deliveries that are.</summary>
    internal (string Acknowledgement, int Count) Settled => _delivered.UpTo(Ring is { Waiting.First: > 0 } ring ? ring.Waiting.First - 1 : Math.Max(_expected - 1, 0));

    /// <summary>Gets how many deliveries there have been.</summary>
    internal long Arrivals { get; private set; }

    /// <summary>Gets whether something was delivered that is not acknowledged.</summary>
    internal bool HasUnacknowledged => _delivered.Count > 0 || _isUnconfirmed;

    /// <summary>Gets the life of which a message has come and waits for an announcement; 0: none.</summary>
    internal ulong Unannounced => _lives.Unannounced;

    /// <summary>Gets whether nothing that was delivered waits here: what the engine keeps comes without anything being done.</summary>
    internal bool IsIdle => _delivered.Count == 0 && Ring is not { ParkedBytes: > 0 };

    /// <summary>Deliveries were acknowledged.</summary>
    internal void Forget(int count)
    {
        _isUnconfirmed = false;
        _delivered.Remove(count);
    }

    /// <summary>The engine keeps nothing for this host: it has noted the acknowledgement that it did not confirm.</summary>
    internal void NothingIsKept() => _isUnconfirmed &= _delivered.Count > 0;

    /// <summary>
    /// Everything that is not acknowledged is to be delivered again, and nothing is acknowledged before: an engine that was killed may have noted an acknowledgement that it did not confirm, and then
    /// mean another message by the same words.
    /// </summary>
    internal void Again()
    {
        _isUnconfirmed |= _delivered.Count > 0;
        _delivered.Clear();
        _mustBind = true;
    }

    /// <summary>A new subscription begins.</summary>
    internal void Bound()
    {
        _delivered.Clear();
        Ring?.DropPart();
        _mustBind = false;
    }

    /// <summary>The channel has begun another life.</summary>
    internal void BeginLife(ulong announced)
    {
        (IsCompleted, _end) = (false, null);
        _lives.Announce(announced);
    }

    /// <summary>Messages of a life that was not announced are refused from now on.</summary>
    internal void Refuse(ulong epoch) => _lives.Refuse(epoch);

    /// <summary>The exporter says how far the announced life is. The engine says so too, but cannot know who has published what it keeps.</summary>
    internal void Follow(ulong announced, long next, long now)
    {
        if (_lives.Current != announced || IsCompleted)
        {
            return;
        }

        _lives.AnnounceAgain(now);
        if (_gap.Follow(_expected, next, now) && Ring is { IsParking: false, PartSequence: 0 } ring && _end is null)
        {
            // A stranger has published a sequence that the channel has not reached, while the exporter was away or before the import was restarted.
            report.Refuse("The messages were ahead of what the exporter announces.");
            _expected = next;
            _gap.Begin();
            ring.BeginLife(announced, next);
            Again();
        }
    }

    /// <summary>Goes on in a ring.</summary>
    internal void Open(ImportedRing? ring)
    {
        Ring = ring;
        _mustBind = true;
        if (ring?.Last is { } last && _lives.Current == 0)
        {
            // An earlier bridge of this host left it.
            _lives.Resume(last.Epoch);
            _expected = last.Sequence + 1;
        }

        if (_lives.Current != 0)
        {
            ring?.BeginLife(_lives.Current, _expected);
        }
    }

    /// <summary>Gives the ring up. What waited for room in it is delivered again.</summary>
    /// <returns>The ring, for the caller to dispose.</returns>
    internal ImportedRing? Detach()
    {
        var ring = Ring;
        if (ring is { Waiting.First: > 0 })
        {
            _expected = ring.Waiting.First;
        }

        (Ring, _mustBind) = (null, true);
        return ring;
    }

    /// <summary>Writes what waits, as far as there is room, and then completes the ring if the channel has ended.</summary>
    /// <returns>The ring where it was completed, for the caller to dispose.</returns>
    internal ImportedRing? Drain()
    {
        if (Ring is not { } ring)
        {
            return null;
        }

        if (ring.IsParking)
        {
            ring.Drain();
        }

        if (_end is not { } error || ring.IsParking)
        {
            return null;
        }

        ring.Complete(error);
        // The end counts as a message: it is not acknowledged before the ring was completed.
        (_end, IsCompleted, _expected) = (null, true, _expected + 1);
        return Detach();
    }

    /// <param name="message">What was delivered.</param>
    /// <param name="announced">The life of the channel that is announced.</param>
    internal void Accept(in BridgeMessage message, ulong announced)
    {
        if (_mustBind || message.Acknowledgement is not { } acknowledgement)
        {
            // It comes again.
            return;
        }

        Arrivals++;
        if (message.Headers.Frame is null && message.Payload.IsEmpty)
        {
            // The engine's: it only uses a number up.
            _delivered.Add(0, acknowledgement);
        }
        else if (!FrameHeader.TryParse(message.Headers.Frame, out var frame) || frame.Epoch == 0 || frame.Sequence == long.MaxValue)
        {
            report.Refuse("A message has no valid header.");
            _delivered.Add(0, acknowledgement);
        }
        else if (_lives.IsPassed(frame.Epoch, LastOf(frame, message)))
        {
            _delivered.Add(0, acknowledgement);
        }
        else if (frame.Epoch != _lives.Current && _lives.IsRefused(frame.Epoch))
        {
            report.Refuse("A message belongs to a life of the channel that was not announced.");
            _delivered.Add(0, acknowledgement);
        }
        else if (Ring is not { } ring)
        {
            // The ring was completed: what follows waits for the next one.
            if (frame.Epoch == _lives.Current && frame.Sequence < _expected)
            {
                _delivered.Add(frame.Sequence, acknowledgement);
            }
            else
            {
                // The end was acknowledged: what is older would have come before.
                (_isUnconfirmed, _mustBind) = (false, true);
            }
        }
        else if (frame.Epoch != _lives.Current && !(_lives.MayFollow(frame.Epoch, announced) && TryBeginLife(ring, frame, message.Headers.End is not null)))
        {
            _mustBind = true;
        }
        else if (TryAccept(ring, frame, message, announced) is { } last)
        {
            _delivered.Add(last, acknowledgement);
        }
        else
        {
            _mustBind = true;
        }
    }

    /// <summary>The last sequence that a message has.</summary>
    private static long LastOf(FrameHeader frame, in BridgeMessage message) =>
        message.Headers.IsBatch ? frame.Sequence + Math.Max(BatchRecord.Count(message.Payload, (0, int.MaxValue)) - 1, 0) : frame.Sequence;

    /// <summary>Another life follows when everything of the former one is in the ring and acknowledged: else it could come again, and would be taken for new.</summary>
    private bool TryBeginLife(ImportedRing ring, FrameHeader frame, bool isEnd)
    {
        if (_lives.Current != 0 && (_delivered.Count > 0 || ring.IsParking || ring.PartSequence > 0 || _end is not null))
        {
            return false;
        }

        // What is kept may begin in the middle of a life, if it was kept for others before.
        _expected = _lives.Begin(frame.Epoch, _expected) ?? (isEnd ? frame.Sequence + 1 : Math.Max(frame.Sequence, 1));
        _gap.Begin();
        ring.BeginLife(frame.Epoch, _expected);
        return true;
    }

    /// <returns>The sequence that the ring must have before the message is acknowledged; <see langword="null"/>: it does not follow, or there is no room.</returns>
    private long? TryAccept(ImportedRing ring, FrameHeader frame, in BridgeMessage message, ulong announced)
    {
        if (_gap.IsRefused(_expected, message.Headers.End is null ? frame.Sequence : frame.Sequence + 1))
        {
            report.Refuse("A message is ahead of what the exporter announces.");
            return 0;
        }

        if (message.Headers.End is { } end)
        {
            return AcceptEnd(ring, frame, end, announced);
        }

        if (message.Headers.IsBatch)
        {
            return AcceptBatch(ring, frame, message.Payload);
        }

        if (!MessageMark.TryRead(frame, message.Headers.Description, out var mark) || frame.Sequence == 0 || frame.Offset > frame.Total || message.Payload.Length > frame.Total - frame.Offset || (message.Payload.IsEmpty && frame.Total > 0))
        {
            report.Refuse("A part of a message is not valid: its bounds, its type or its length.");
            return 0;
        }

        if (frame.Sequence < _expected)
        {
            return frame.Sequence;
        }

        if (!Follows(frame.Sequence))
        {
            return null;
        }

        if (frame.Total < ring.Lengths.Least || frame.Total > ring.Lengths.Most)
        {
            report.Lost(frame.Sequence, frame.Sequence, LossPlace.RemoteRing);
            _expected = frame.Sequence + 1;
            return frame.Sequence;
        }

        return frame.Offset == 0 && message.Payload.Length == frame.Total
            ? Deliver(ring, message.Payload, mark)
            : AcceptPart(ring, frame, mark, message.Payload);
    }

    private long? AcceptEnd(ImportedRing ring, FrameHeader frame, string end, ulong announced)
    {
        if (!int.TryParse(end, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var error))
        {
            report.Refuse("The end of a channel is not valid.");
            return 0;
        }

        if (!Follows(frame.Sequence + 1))
        {
            return null;
        }

        if (frame.Epoch == announced && frame.Sequence + 1 == _expected)
        {
            ring.DropPart();
            _end = error;
            return _expected;
        }

        return frame.Sequence;
    }

    private long? AcceptBatch(ImportedRing ring, FrameHeader frame, ReadOnlySequence<byte> payload)
    {
        var count = BatchRecord.Count(payload, ring.Lengths);
        if (count == 0 || frame.Sequence == 0 || frame.Sequence > long.MaxValue - count || frame.Offset != 0 || frame.Total != payload.Length)
        {
            report.Refuse("A batch is not valid.");
            return 0;
        }

        var last = frame.Sequence + count - 1;
        if (last >= _expected && !Follows(frame.Sequence))
        {
            return null;
        }

        for (var sequence = frame.Sequence; BatchRecord.TryTake(ref payload, ring.Lengths, out var message, out var type); sequence++)
        {
            if (sequence >= _expected && Deliver(ring, message, new(sequence, type)) is null)
            {
                return null;
            }
        }

        return last;
    }

    private long? AcceptPart(ImportedRing ring, FrameHeader frame, in MessageMark mark, in ReadOnlySequence<byte> payload)
    {
        if (frame.Offset == 0)
        {
            // An exporter that was killed in the middle of it, and takes the next bytes together otherwise, begins again.
            ring.DropPart();
            if (!ring.TryBegin((int)frame.Total, mark))
            {
                return null;
            }
        }
        else if (!ring.IsNext(frame.Sequence, frame.Offset, frame.Total, payload.Length, frame.Type))
        {
            return AcceptWrongPart(ring, frame, payload.Length);
        }

        if (ring.AddPart(payload))
        {
            Arrived(frame.Sequence, frame.Total);
        }

        return frame.Sequence;
    }

    /// <summary>A part that is here already is skipped. Where the one before is missing, it is delivered again; if it still is missing then, the message is lost.</summary>
    private long? AcceptWrongPart(ImportedRing ring, FrameHeader frame, long length)
    {
        if (ring.HasPart(frame.Sequence, frame.Offset, length))
        {
            return frame.Sequence;
        }

        if (!_gap.IsForGood(_expected, frame.Sequence + 1))
        {
            return null;
        }

        ring.DropPart();
        report.Lost(frame.Sequence, frame.Sequence, LossPlace.Wire);
        _expected = frame.Sequence + 1;
        return frame.Sequence;
    }

    private long? Deliver(ImportedRing ring, in ReadOnlySequence<byte> payload, in MessageMark mark)
    {
        ring.DropPart();
        if (!ring.TryAdd(payload, mark))
        {
            return null;
        }

        Arrived(mark.Sequence, payload.Length);
        return mark.Sequence;
    }

    private void Arrived(long sequence, long bytes)
    {
        _expected = sequence + 1;
        report.Carried(1, bytes);
    }

    /// <summary>Whether nothing is missing before a sequence, or what is missing is lost for good.</summary>
    private bool Follows(long first)
    {
        if (first <= _expected)
        {
            return true;
        }

        if (!_gap.IsForGood(_expected, first))
        {
            return false;
        }

        report.Lost(_expected, first - 1, LossPlace.Wire);
        _expected = first;
        return true;
    }
}
