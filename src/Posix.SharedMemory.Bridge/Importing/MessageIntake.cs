using System.Buffers;
using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Checks what comes from the network before a byte of it is copied, accounts for what is missing, and hands messages to the ring. Not safe for several threads: the import's lock guards it.
/// </summary>
internal sealed class MessageIntake(ChannelReport report)
{
    private SequenceCheck _check;
    private (long First, long Last) _dropped;
    private LossPlace _gapPlace = LossPlace.Wire;
    private bool _hasOpened;

    /// <summary>Gets the ring; <see langword="null"/>: it could not be opened, or is closed.</summary>
    internal ImportedRing? Ring { get; private set; }

    /// <summary>Gets the life of the channel whose messages are accepted.</summary>
    internal ulong Epoch { get; private set; }

    /// <summary>Gets whether a missing message is a loss.</summary>
    internal bool IsLossless { get; private set; }

    /// <summary>Gets the sequence that comes next; 0: any, since nothing has arrived yet.</summary>
    internal long Expected => _check.Expected;

    /// <summary>Gets the error that the channel was completed with, while the ring is not completed yet.</summary>
    internal int? End { get; private set; }

    /// <summary>Gets whether the ring was completed.</summary>
    internal bool IsCompleted { get; private set; }

    /// <summary>Gets or sets how many bytes have come since credit was given.</summary>
    internal long UnsettledBytes { get; set; }

    /// <summary>Gets or sets whether something waits for room, or for the end.</summary>
    internal bool NeedsWork { get; set; }

    /// <summary>Begins a life of the channel.</summary>
    internal void Begin(Announcement announced, long next)
    {
        (Epoch, IsLossless) = (announced.EpochNumber, announced.Delivery != BridgeDelivery.Latest);
        (End, IsCompleted, _gapPlace) = (null, false, LossPlace.Wire);
        _check.Begin(next);
    }

    /// <summary>Goes on at a sequence.</summary>
    internal void GoOn(long next) => _check.Begin(next);

    internal void Open(ImportedRing? ring) => (Ring, _hasOpened) = (ring, true);

    /// <summary>Gives the ring up. What waited for room in it is lost here.</summary>
    /// <returns>The ring, for the caller to dispose.</returns>
    internal ImportedRing? Detach()
    {
        TellDropped();
        if (Ring is { } ring)
        {
            Ring = null;
            _gapPlace = LossPlace.RemoteRing;
            if (ring.PartSequence > 0 && IsLossless)
            {
                report.Lost(ring.PartSequence, ring.PartSequence, LossPlace.RemoteRing);
            }

            if (ring.Waiting is { First: > 0 } waiting && IsLossless)
            {
                report.Lost(waiting.First, waiting.Last, LossPlace.RemoteRing);
            }

            return ring;
        }

        return null;
    }

    /// <summary>Writes what waits, as far as there is room, and then completes the ring if the channel has ended.</summary>
    /// <returns>The ring where it was completed, for the caller to dispose.</returns>
    internal ImportedRing? Drain()
    {
        TellDropped();
        if (Ring is not { } ring)
        {
            return null;
        }

        if (ring.IsParking)
        {
            ring.Drain();
        }

        if (End is { } error && !ring.IsParking)
        {
            (End, IsCompleted) = (null, true);
            if (ring.PartSequence > 0)
            {
                LosePart(ring);
            }

            ring.Complete(error);
            return Detach();
        }

        return null;
    }

    internal void Accept(in BridgeMessage message)
    {
        if (!FrameHeader.TryParse(message.Headers.Frame, out var frame) || frame.Sequence == long.MaxValue)
        {
            report.Refuse("A message has no valid header.");
        }
        else if (frame.Epoch != Epoch)
        {
            report.Refuse("A message belongs to a life of the channel that was not announced.");
        }
        else if (!_hasOpened)
        {
            // The import begins, and its ring is not there yet: this message is one of those that are missing before the next.
            _gapPlace = LossPlace.RemoteRing;
        }
        else if (Ring is not { } ring || IsCompleted)
        {
            report.Refuse("A message came after the channel was completed, or while it has no ring.");
        }
        else if (message.Headers.Lost is { } lost)
        {
            AcceptLost(lost, frame);
        }
        else if (message.Headers.End is { } end)
        {
            AcceptEnd(end, frame);
        }
        else if (message.Headers.IsBatch)
        {
            AcceptBatch(ring, frame, message.Payload);
        }
        else
        {
            AcceptPart(ring, frame, message.Headers.Description, message.Payload);
        }
    }

    private void AcceptLost(string lost, FrameHeader frame)
    {
        if (!FrameHeader.TryParseRange(lost, out var first, out var last) || last != frame.Sequence)
        {
            report.Refuse("A report of lost messages is not valid.");
            return;
        }

        var seen = Pass(first, last);
        if (seen <= last - first)
        {
            report.Lost(first + seen, last, LossPlace.LocalRing);
        }
    }

    private void AcceptEnd(string end, FrameHeader frame)
    {
        if (!int.TryParse(end, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var error))
        {
            report.Refuse("The end of a channel is not valid.");
            return;
        }

        if (frame.Sequence > 0)
        {
            EndAt(frame.Sequence + 1);
        }

        Finish(error);
    }

    private void AcceptBatch(ImportedRing ring, FrameHeader frame, ReadOnlySequence<byte> payload)
    {
        var count = BatchRecord.Count(payload, ring.Lengths);
        if (count == 0 || frame.Sequence == 0 || frame.Sequence > long.MaxValue - count || frame.Offset != 0 || frame.Total != payload.Length)
        {
            report.Refuse("A batch is not valid.");
            return;
        }

        var seen = Pass(frame.Sequence, frame.Sequence + count - 1);
        for (var i = 0; BatchRecord.TryTake(ref payload, ring.Lengths, out var message, out var type); i++)
        {
            if (i >= seen)
            {
                Deliver(ring, message, new(frame.Sequence + i, type));
            }
        }
    }

    private void AcceptPart(ImportedRing ring, FrameHeader frame, string? description, in ReadOnlySequence<byte> payload)
    {
        if (!MessageMark.TryRead(frame, description, out var mark) || frame.Sequence == 0 || frame.Total < ring.Lengths.Least || frame.Total > ring.Lengths.Most || frame.Offset > frame.Total
            || payload.Length > frame.Total - frame.Offset || (payload.IsEmpty && frame.Total > 0))
        {
            report.Refuse("A part of a message is not valid: its bounds, its type or its length.");
        }
        else if (frame.Offset == 0 && payload.Length == frame.Total)
        {
            if (Pass(frame.Sequence, frame.Sequence) == 0)
            {
                Deliver(ring, payload, mark);
            }
        }
        else if (frame.Offset == 0)
        {
            // The message counts as arrived when its last part has come; until then it counts as missing.
            if (Pass(frame.Sequence, frame.Sequence) == 0)
            {
                if (!ring.TryBegin((int)frame.Total, mark))
                {
                    Drop(frame.Sequence);
                    return;
                }

                ring.AddPart(payload);
            }
        }
        else if (ring.IsNext(frame.Sequence, frame.Offset, frame.Total, payload.Length, frame.Type))
        {
            if (ring.AddPart(payload))
            {
                Arrived(1, frame.Total);
                if (ring.IsParking)
                {
                    NeedsWork = true;
                }
            }
        }
        else if (ring.PartSequence == frame.Sequence)
        {
            LosePart(ring);
        }
        else if (Pass(frame.Sequence, frame.Sequence) == 0)
        {
            // Its first part is missing.
            report.Lost(frame.Sequence, frame.Sequence, LossPlace.Wire);
        }
    }

    /// <summary>Messages have come, or were dropped by the exporter: reports what is missing before them, and drops a message that will not become whole.</summary>
    /// <returns>How many of them were here before.</returns>
    private long Pass(long first, long last)
    {
        var seen = _check.Pass(first, last, out var gap);
        if (seen <= last - first && Ring is { PartSequence: > 0 } ring)
        {
            LosePart(ring);
        }

        if (gap.First > 0 && IsLossless)
        {
            report.Lost(gap.First, gap.Last, _gapPlace);
        }

        _gapPlace = LossPlace.Wire;

        return seen;
    }

    private void LosePart(ImportedRing ring)
    {
        if (IsLossless)
        {
            report.Lost(ring.PartSequence, ring.PartSequence, LossPlace.Wire);
        }

        ring.DropPart();
        NeedsWork = true;
    }

    private void Deliver(ImportedRing ring, in ReadOnlySequence<byte> payload, in MessageMark mark)
    {
        if (!ring.TryAdd(payload, mark))
        {
            Drop(mark.Sequence);
            return;
        }

        Arrived(1, payload.Length);
        if (ring.IsParking)
        {
            NeedsWork = true;
        }
    }

    private void Arrived(long messages, long bytes)
    {
        TellDropped();
        report.Carried(messages, bytes);
        UnsettledBytes += bytes;
    }

    /// <summary>There is no room for a message: those that follow each other are one report.</summary>
    private void Drop(long sequence)
    {
        if (!IsLossless)
        {
            return;
        }

        if (_dropped.Last != sequence - 1)
        {
            TellDropped();
        }

        _dropped = (_dropped.First > 0 ? _dropped.First : sequence, sequence);
    }

    internal void TellDropped()
    {
        if (_dropped.First > 0)
        {
            report.Lost(_dropped.First, _dropped.Last, LossPlace.RemoteRing);
            _dropped = default;
        }
    }

    /// <summary>Everything before a sequence has arrived or is lost.</summary>
    internal void EndAt(long next)
    {
        if (Ring is { PartSequence: > 0 } ring)
        {
            LosePart(ring);
        }

        if (Expected != 0 && next > Expected)
        {
            if (IsLossless)
            {
                report.Lost(Expected, next - 1, _gapPlace);
            }

            _check.Begin(next);
        }
    }

    internal void Finish(int error)
    {
        TellDropped();
        End = error;
        NeedsWork = true;
    }
}
