namespace Posix.SharedMemory.Channels;

/// <summary>The reading end of a broadcast: where it is, what it waits for, and what it missed. Nothing that stands in shared memory is trusted.</summary>
internal abstract class BroadcastReading : ReadingEnd
{
    /// <summary>How often a copy is tried: only a writer that writes over the whole ring while one message is copied, or a hostile one, needs more than a few.</summary>
    protected const int MostAttempts = 1000;

    private readonly BroadcastRecords _records;
    private ulong _position;
    private ulong _tail;

    protected BroadcastReading(Endpoint endpoint)
        : base(endpoint) => _records = new(endpoint.Channel);

    /// <summary>Gets how many messages this reader missed.</summary>
    internal long Missed { get; private protected set; }

    /// <summary>Gets how many bytes are waiting to be read. Any thread may read it, also while the reader's own is at work: nothing is stored or judged here.</summary>
    internal long Available
    {
        get
        {
            RefuseIfClosed();
            // The position first: the tail only grows.
            var position = Position;
            var tail = Volatile.Read(ref _records.Tail);
            return (long)Math.Min(_records.Capacity, tail - Math.Min(tail, position));
        }
    }

    /// <summary>Gets what has become of the writer.</summary>
    internal PeerState Writer
    {
        get
        {
            try
            {
                return Endpoint.FindPeer()?.Look() ?? PeerState.None;
            }
            catch (InvalidDataException e)
            {
                throw Corrupt("the roster", ChannelLayout.RosterAt, $"was overwritten ({e.Message})");
            }
        }
    }

    protected ref readonly BroadcastRecords Records => ref _records;

    /// <summary>Gets or sets the place of the next record. The watch looks at it too, on its thread.</summary>
    protected ulong Position
    {
        get => Volatile.Read(ref _position);
        set => Volatile.Write(ref _position, value);
    }

    /// <summary>Gets the last tail that was seen.</summary>
    protected ulong Tail => _tail;

    /// <summary>Gets the number of the next record, where it is known.</summary>
    protected ulong? Expected { get; set; }

    /// <summary>Opens a reader.</summary>
    internal static BroadcastReading Open(ChannelMemory channel, BroadcastReaderOptions? options)
    {
        var checkedOptions = BroadcastReaderOptions.Check(options);
        var isLossy = checkedOptions.Delivery == BroadcastDelivery.Lossy;
        if (!isLossy && channel.Header.IsSplit)
        {
            throw new InvalidOperationException($"{channel.Subject} is the data of a split broadcast, whose readers may lose messages: open the reader with BroadcastDelivery.Lossy.");
        }

        var endpoint = isLossy && !channel.CanTakePart ? Endpoint.Spectate(channel, checkedOptions) : Endpoint.Enter(channel, EndpointRole.Reader, checkedOptions);
        BroadcastReading reader = isLossy ? new LossyReader(endpoint) : new LosslessReader(endpoint);
        try
        {
            reader.Join(checkedOptions.Start);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Copies the next message; the caller's span may be too short.</summary>
    internal abstract bool TryRead(Span<byte> destination, out BroadcastMessage info);

    /// <summary>Borrows the next message until <see cref="LendingEnd.Release"/>.</summary>
    internal abstract bool TryBorrow(out RingRecord record, out int ticket);

    /// <summary>The next message, valid until <see cref="LendingEnd.Release"/>, or until the next one where there is nothing to release.</summary>
    internal abstract bool TryTake(out ReadOnlyMemory<byte> message, out int ticket);

    /// <summary>Goes to the newest message.</summary>
    internal void SkipToLatest()
    {
        Begin(EndAct.Call);
        try
        {
            for (var attempt = 0; attempt < MostAttempts; attempt++)
            {
                var next = Volatile.Read(ref _records.NextSequence);
                var latest = Volatile.Read(ref _records.Latest);
                LoadTail();
                if (next == 0 || latest <= Position)
                {
                    return;
                }

                if (latest >= _tail || !_records.IsAligned(latest))
                {
                    throw Corrupt("the latest position", ChannelLayout.LatestAt, $"is {latest}, and the tail is {_tail}");
                }

                if (TryGoTo(latest))
                {
                    ShowPosition();
                    return;
                }
            }

            // The writer has claimed room over the newest record.
            GoToTail();
            ShowPosition();
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Blocks until there is a message, or there will never be one.</summary>
    internal bool WaitToRead(TimeSpan timeout)
    {
        RequireSeat();
        return Wait(0, timeout) == EndLook.Ready;
    }

    /// <summary>As <see cref="WaitToRead"/>; no thread waits.</summary>
    internal ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken)
    {
        RequireSeat();
        return WaitAsync(0, cancellationToken);
    }

    protected internal override void RequireSeat()
    {
        if (!Endpoint.TakesPart)
        {
            RefuseIfClosed();
            throw new NotSupportedException($"{Endpoint.Channel.Subject} was opened for reading only: its messages can be read, but a process that waits stores that it does. Open it with FileAccess.ReadWrite.");
        }
    }

    protected override bool IsDrained() => Position == Volatile.Read(ref _records.Tail);

    protected override bool Poll(int length) => Position != _tail || LoadTail();

    /// <summary>Takes part from a place on.</summary>
    protected abstract void Join(BroadcastStart start);

    /// <summary>Goes to a record. What is skipped was not missed.</summary>
    /// <returns>False: the record was written over meanwhile.</returns>
    protected abstract bool TryGoTo(ulong place);

    /// <summary>Shows where the reader is, to its writer or to a status.</summary>
    protected abstract void ShowPosition();

    /// <summary>Loads the tail again.</summary>
    /// <returns>Whether there are records before it.</returns>
    protected bool LoadTail()
    {
        // SYNC broadcast.publish: pairs with BroadcastTail.Publish. Every record before the tail was complete, whatever has become of it since.
        var tail = Volatile.Read(ref _records.Tail);
        if (tail < _tail || tail > ChannelLayout.MostIndex || !_records.IsAligned(tail))
        {
            throw Corrupt("the tail", ChannelLayout.WriterLine, $"went from {_tail} to {tail}");
        }

        _tail = tail;
        return tail != _position;
    }

    /// <summary>Goes past all records, to the next one that is written; its number is known, unless the writer never stops or died where it had counted one record more.</summary>
    protected void GoToTail()
    {
        Expected = null;
        for (var attempt = 0; attempt < MostAttempts && Expected is null; attempt++)
        {
            // SYNC broadcast.number: pairs with BroadcastTail.Publish. In the opposite order: if the count is still the number that was loaded before the tail, the tail is where that record begins.
            var next = Volatile.Read(ref _records.NextSequence);
            LoadTail();
            Volatile.ReadBarrier();
            Position = _tail;
            Expected = Volatile.Read(ref _records.Messages) == next ? next : null;
        }
    }

    /// <summary>Requires that the number of a record, which was found whole, can be one at its place: the records before it have at least 16 bytes each.</summary>
    protected void RequireNumber(ulong at, ulong sequence)
    {
        if (sequence > at / ChannelLayout.WidePrefix)
        {
            throw WrongNumber(at, $"is {sequence}, and only {at} bytes are before it");
        }
    }

    /// <summary>How a record is described that is at a place, and was found whole.</summary>
    protected BroadcastMessage Describe(ulong at, ulong header, ulong sequence, bool mayMiss)
    {
        RequireNumber(at, sequence);
        if (sequence < Expected || (sequence > Expected && !mayMiss))
        {
            throw WrongNumber(at, $"is {sequence}, and {Expected} comes next");
        }

        return new((long)sequence, RingRecord.LengthOf(header), RingRecord.TypeOf(header), (long)(sequence - (Expected ?? sequence)));
    }

    private ChannelCorruptException WrongNumber(ulong at, string found) => Corrupt("a record's number", _records.OffsetOf(at) + ChannelLayout.SequenceInRecord, found);

    protected ChannelCorruptException Nonsense(ulong at, ulong header) =>
        Corrupt("a record", _records.OffsetOf(at), $"has the header {header:x16}, and {_tail - at} bytes are before the tail");
}
