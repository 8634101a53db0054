using System.Buffers;
using System.IO.Pipelines;

namespace Posix.SharedMemory.Channels;

/// <summary>The reading half of a pipe. A buffer begins with what was left of earlier ones, which is a copy, and goes on with the messages where they lie in the ring.</summary>
internal sealed class ConnectionPipeReader(RingReader ring, Action close) : PipeReader
{
    private readonly PipeWake _wake = new();
    private readonly List<PipeSegment> _segments = [];
    private int _used;
    private byte[] _left = [];
    private int _leftFrom;
    private int _leftTo;
    private bool _isLeftExamined = true;
    private ulong _end;
    private (long Count, long Bytes) _peeked;
    private int _ticket;
    private bool _isEnded;
    private bool _isCompleted;

    public override bool TryRead(out ReadResult result)
    {
        RequireOpen();
        if (_wake.Take())
        {
            result = new(Lend(withRing: false), isCanceled: true, _isEnded);
            return true;
        }

        if (HasNews() || HasEndedNow())
        {
            result = new(Lend(withRing: true), isCanceled: false, _isEnded);
            return true;
        }

        result = default;
        return false;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        RequireOpen();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        return TryRead(out var result) ? new(result) : ReadWhenReadyAsync(cancellationToken);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_ticket == 0)
        {
            throw new InvalidOperationException("Nothing was read that this could advance in.");
        }

        long from = OffsetOf(consumed), to = OffsetOf(examined), all = Total();
        if (from < 0 || to < 0 || from > all || to > all)
        {
            throw new ArgumentOutOfRangeException(nameof(consumed), "The position does not belong to what was read last.");
        }

        if (to < from)
        {
            throw new InvalidOperationException("What was consumed was examined too.");
        }

        Keep(from);
        _isLeftExamined = to == all;
        EndLoan();
    }

    public override void CancelPendingRead() => _wake.Request();

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        _isCompleted = true;
        if (_ticket != 0)
        {
            EndLoan();
        }

        Return();
        // The peer's writer learns that nobody reads any more.
        ring.Dispose();
        close();
    }

    private async ValueTask<ReadResult> ReadWhenReadyAsync(CancellationToken cancellationToken)
    {
        ReadResult result;
        do
        {
            if (await _wake.WaitAsync(token => ring.WaitAsync(0, token), cancellationToken).ConfigureAwait(false) is not { } isThere)
            {
                return new(Lend(withRing: false), isCanceled: true, _isEnded);
            }

            if (!isThere)
            {
                _isEnded = true;
                return new(Lend(withRing: false), isCanceled: false, isCompleted: true);
            }
        }
        while (!TryRead(out result));
        return result;
    }

    /// <summary>Whether a read returns at once: bytes are left that were not examined, or there are new ones.</summary>
    private bool HasNews()
    {
        if (!_isLeftExamined || _isEnded)
        {
            return true;
        }

        ring.Begin(EndAct.Call);
        try
        {
            var at = ring.Head;
            while (ring.TryPeek(ref at, out var record))
            {
                if (IsBytes(record))
                {
                    // What stood before it was passed: records of objects are counted, and not looked at again.
                    PassTo(record.At);
                    return true;
                }

                ring.PassTo(at, 1, record.Length);
            }

            PassTo(at);
            return false;
        }
        finally
        {
            ring.Finish(EndAct.Call);
        }
    }

    /// <summary>Passes records of objects that were received, and padding.</summary>
    private void PassTo(ulong at)
    {
        if (at != ring.Head)
        {
            ring.PassTo(at, 0, 0);
        }
    }

    private bool HasEndedNow() => _isEnded = ring.HasCompleted();

    /// <summary>Lends what is left, and the messages in the ring.</summary>
    private ReadOnlySequence<byte> Lend(bool withRing)
    {
        if (_ticket != 0)
        {
            throw new InvalidOperationException("What was read last was not advanced in yet.");
        }

        _ticket = ring.BeginLoan();
        _used = 0;
        _peeked = default;
        _end = ring.Head;
        if (_leftTo > _leftFrom)
        {
            Add(_left.AsMemory(_leftFrom, _leftTo - _leftFrom));
        }

        while (withRing && _isLeftExamined && ring.TryPeek(ref _end, out var record))
        {
            _peeked = (_peeked.Count + 1, _peeked.Bytes + record.Length);
            if (IsBytes(record))
            {
                Add(ring.MemoryOf(record));
            }
        }

        return _used == 0 ? ReadOnlySequence<byte>.Empty : new(_segments[0], 0, _segments[_used - 1], _segments[_used - 1].Memory.Length);
    }

    /// <summary>Ends the loan, and gives the ring its room back.</summary>
    private void EndLoan()
    {
        var isOpen = ring.EndLoan(_ticket);
        _ticket = 0;
        if (isOpen && _end != ring.Head)
        {
            ring.PassTo(_end, _peeked.Count, _peeked.Bytes);
        }

        _peeked = default;
    }

    /// <summary>Keeps a copy of what was not consumed. What is a copy already stays where it is.</summary>
    private void Keep(long from)
    {
        var left = _leftTo - _leftFrom;
        var rest = Total() - from;
        if (from < left)
        {
            _leftFrom += (int)from;
        }
        else
        {
            _leftFrom = _leftTo = 0;
        }

        if (rest == 0)
        {
            Return();
            return;
        }

        if (Total() > left)
        {
            // Only what lies in the ring is copied.
            var position = (long)left;
            Grow((int)(rest - (_leftTo - _leftFrom)));
            for (var index = left > 0 ? 1 : 0; index < _used; index++)
            {
                var bytes = _segments[index].Memory.Span;
                if (from < position + bytes.Length)
                {
                    var some = bytes[(int)Math.Max(0, from - position)..];
                    some.CopyTo(_left.AsSpan(_leftTo));
                    _leftTo += some.Length;
                }

                position += bytes.Length;
            }
        }
    }

    private void Grow(int more)
    {
        var kept = _leftTo - _leftFrom;
        if (_left.Length - _leftTo >= more)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(kept + more, kept * 2)));
        _left.AsSpan(_leftFrom, kept).CopyTo(larger);
        Return();
        (_left, _leftTo) = (larger, kept);
    }

    /// <summary>Gives the memory of the copy back.</summary>
    private void Return()
    {
        if (_left.Length != 0)
        {
            ArrayPool<byte>.Shared.Return(_left);
        }

        (_left, _leftFrom, _leftTo) = ([], 0, 0);
    }

    private void Add(ReadOnlyMemory<byte> memory)
    {
        if (_used == _segments.Count)
        {
            _segments.Add(new());
        }

        _segments[_used].Set(memory, _used == 0 ? null : _segments[_used - 1]);
        _used++;
    }

    private long Total() => _used == 0 ? 0 : _segments[_used - 1].RunningIndex + _segments[_used - 1].Memory.Length;

    private long OffsetOf(SequencePosition position) =>
        _used == 0 ? 0
        : position.GetObject() is PipeSegment segment && _segments.IndexOf(segment) is var index && index >= 0 && index < _used ? segment.RunningIndex + position.GetInteger()
        : -1;

    private static bool IsBytes(RingRecord record) => record.Length > 0 && record.Type < ChannelLayout.FirstReservedType;

    private void RequireOpen()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("The reader was completed.");
        }
    }
}
