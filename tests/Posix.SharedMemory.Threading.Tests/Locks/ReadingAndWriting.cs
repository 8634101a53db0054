using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The reader-writer lock.</summary>
public sealed class ReadingAndWriting : TwoParticipants
{
    private readonly SharedReaderWriterLock _lock, _other;

    public ReadingAndWriting()
    {
        _lock = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        _other = SharedReaderWriterLock.At(OtherRoster, Memory.ReaderWriter);
    }

    [Fact]
    [Rule("readerwriter.layout")]
    public void Sizes_and_counters_are_where_the_specification_says()
    {
        Assert.Equal(4096, SharedReaderWriterLock.SizeFor());
        Assert.Equal(576, SharedReaderWriterLock.SizeFor(63, ReaderLayout.Compact));
        Assert.Equal(0x31525850u, Memory.Word(Memory.ReaderWriter + 4));
        using (_lock.EnterRead())
        using (_lock.EnterRead())
        using (_other.EnterRead())
        {
            Assert.Equal(2u, Memory.Word(Memory.ReaderWriter + 64));
            Assert.Equal(1u, Memory.Word(Memory.ReaderWriter + 68));
            Assert.Equal(1u, Memory.Word(Memory.ReaderWriter + 128));
            Assert.Equal(3u, Memory.Word(Memory.ReaderWriter + 24));
        }

        Assert.Equal(0u, Memory.Word(Memory.ReaderWriter + 64));
        using (_lock.EnterWrite())
        {
            Assert.Equal(Roster.Self.Value, Memory.Word(Memory.ReaderWriter));
            Assert.Equal(Roster.Self, _other.Writer);
        }

        var compact = SharedReaderWriterLock.At(OtherRoster, Memory.Data, ReaderLayout.Compact);
        compact.EnterRead().Dispose();
        Assert.Equal(1u, Memory.Word(Memory.Data + 64 + 8 + 4));
        Assert.Throws<InvalidDataException>(() => SharedReaderWriterLock.At(Roster, Memory.Data));
    }

    [Fact]
    [Rule("readerwriter.exclusion")]
    public void Readers_share_and_writers_exclude()
    {
        using (_lock.EnterRead())
        {
            Assert.True(_other.TryEnterRead(out var read));
            Assert.False(_other.TryEnterWrite(out _));
            Assert.False(_other.TryEnterWrite(TimeSpan.FromMilliseconds(20), out _));
            Assert.Null(_other.Writer);
            read.Dispose();
        }

        using (_lock.EnterWrite())
        {
            Assert.False(_other.TryEnterRead(out _));
            Assert.False(_other.TryEnterRead(TimeSpan.FromMilliseconds(20), out _));
            Assert.False(_other.TryEnterWrite(out _));
            Assert.Throws<LockRecursionException>(() => _lock.EnterWrite());
            Assert.Throws<LockRecursionException>(() => _lock.EnterRead());
            Assert.Throws<LockRecursionException>(() => _lock.EnterReadUnrepaired());
            Assert.Throws<LockRecursionException>(() => _lock.TryEnterRead(TimeSpan.FromSeconds(1), out _));
            Assert.False(_lock.TryEnterRead(out _));
        }

        Assert.True(_other.TryEnterWrite(out var write));
        write.Dispose();
    }

    [Fact]
    [Rule("readerwriter.cancel")]
    public void A_token_that_is_cancelled_is_obeyed_where_the_lock_is_free()
    {
        var cancelled = new CancellationToken(true);
        Assert.Throws<OperationCanceledException>(() => _lock.EnterRead(cancelled));
        Assert.Throws<OperationCanceledException>(() => _lock.TryEnterRead(TimeSpan.Zero, out _, cancelled));
        Assert.Throws<OperationCanceledException>(() => _lock.EnterWrite(cancelled));
        Assert.True(_lock.EnterReadAsync(cancelled).IsCanceled);
        Assert.True(_lock.EnterWriteAsync(cancelled).IsCanceled);
        Assert.True(_lock.TryEnterWrite(out var hold));
        hold.Dispose();
    }

    [Fact]
    [Rule("readerwriter.hold")]
    public async Task A_free_lock_is_entered_asynchronously_at_once()
    {
        var writing = _lock.EnterWriteAsync();
        Assert.True(writing.IsCompletedSuccessfully);
        var hold = await writing;
        Assert.False(_other.TryEnterRead(out _));
        hold.Dispose();
    }

    [Fact]
    [Rule("readerwriter.hold")]
    public void A_copy_of_a_hold_cannot_leave_twice()
    {
        var first = _lock.EnterRead();
        var second = _lock.EnterRead();
        first.Dispose();
        first.Dispose();
        Assert.False(_other.TryEnterWrite(out _));
        second.Dispose();
        var write = _other.EnterWrite();
        write.Dispose();
        var next = _other.EnterWrite();
        write.Dispose();
        Assert.Equal(OtherRoster.Self, _lock.Writer);
        next.Dispose();
        var many = Enumerable.Range(0, 200).Select(_ => _lock.EnterRead()).ToArray();
        Array.ForEach(many, hold => hold.Dispose());
        Assert.Equal(0u, Memory.Word(Memory.ReaderWriter + 64));
    }

    [Fact]
    [Rule("readerwriter.wait")]
    public async Task Writers_wait_for_readers_and_readers_for_writers()
    {
        var read = _lock.EnterRead();
        // Each leaves as soon as it is in: the others wait for it.
        var write = WriteAsync();
        var blocked = Task.Run(() => _other.EnterWrite().Dispose());
        Watchdog.Until(() => _lock.Writer is not null, "the writer");
        var reader = ReadAsync();
        var blockedReader = Task.Run(() => _lock.EnterRead().Dispose());
        await Task.Delay(30);
        Assert.False(write.IsCompleted || blocked.IsCompleted || reader.IsCompleted || blockedReader.IsCompleted);
        read.Dispose();
        await Task.WhenAll(write, blocked, reader, blockedReader).WaitAsync(Watchdog.Limit);
        Assert.True(_other.TryEnterWrite(out var last));
        last.Dispose();

        async Task WriteAsync() => (await _other.EnterWriteAsync()).Dispose();

        async Task ReadAsync() => (await _lock.EnterReadAsync()).Dispose();
    }

    [Fact]
    [Rule("readerwriter.cancel")]
    public async Task A_cancelled_writer_lets_readers_in_again()
    {
        using var cancellation = new CancellationTokenSource();
        var read = _lock.EnterRead();
        var blocked = Task.Run(() => _other.EnterWrite(cancellation.Token));
        Watchdog.Until(() => _lock.Writer is not null, "the writer");
        var reader = _lock.EnterReadAsync().AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocked);
        (await reader.WaitAsync(Watchdog.Limit)).Dispose();
        read.Dispose();
        Assert.Null(_lock.Writer);
    }

    [Fact]
    [Rule("readerwriter.writer-died")]
    public void Trying_to_write_without_a_repair_hands_the_death_over()
    {
        using (var partner = Partner.Join(Memory))
        {
            Assert.Equal("writing", partner.Ask("write"));
            Assert.False(_lock.TryEnterWriteUnrepaired(out _));
            partner.Kill();
        }

        Watchdog.Until(() => Roster.GetParticipants().Count == 2, "the death");
        Assert.True(_lock.TryEnterWriteUnrepaired(out var hold));
        Assert.True(hold.OwnerDied);
        Assert.False(_other.TryEnterWriteUnrepaired(out _));
        hold.Dispose();
        Assert.Throws<OwnerDiedException>(() => _other.TryEnterRead(out _));
        Assert.True(_other.TryEnterWriteUnrepaired(out hold));
        Assert.True(hold.OwnerDied);
        hold.MarkConsistent();
        hold.Dispose();
        _lock.EnterRead().Dispose();
    }

    [Fact]
    [Rule("readerwriter.reader-died")]
    public async Task A_killed_reader_leaves_nothing_behind()
    {
        using var partner = Partner.Join(Memory);
        Assert.Equal("reading", partner.Ask("read"));
        Assert.False(_lock.TryEnterWrite(out _));
        var write = _lock.EnterWriteAsync().AsTask();
        var blocked = Task.Run(() =>
        {
            using var hold = _other.EnterWrite();
            return hold.OwnerDied;
        });
        partner.Kill();
        var entered = await write.WaitAsync(Watchdog.Limit);
        Assert.False(entered.OwnerDied);
        entered.Dispose();
        Assert.False(await blocked.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("readerwriter.writer-died")]
    public async Task Readers_and_writers_learn_of_a_killed_writer_until_one_of_them_repairs()
    {
        using var partner = Partner.Join(Memory);
        Assert.Equal("writing", partner.Ask("write"));
        var reader = Task.Run(() => _lock.EnterRead());
        var waiting = _other.EnterReadAsync().AsTask();
        partner.Kill();
        await Assert.ThrowsAsync<OwnerDiedException>(() => reader);
        await Assert.ThrowsAsync<OwnerDiedException>(() => waiting);
        Assert.True(_lock.IsInconsistent);
        Assert.Throws<OwnerDiedException>(() => _lock.EnterWrite());
        Assert.Throws<OwnerDiedException>(() => _lock.TryEnterRead(out _));
        Assert.Throws<InvalidTimeZoneException>(() => _lock.EnterWrite(() => throw new InvalidTimeZoneException()));
        using (var hold = await _lock.EnterWriteUnrepairedAsync())
        {
            Assert.True(hold.OwnerDied);
        }

        using (var hold = await _lock.EnterWriteAsync(_ => ValueTask.CompletedTask))
        {
            Assert.True(hold.OwnerDied);
        }

        Assert.False(_lock.IsInconsistent);
        _lock.EnterRead().Dispose();
    }

    [Fact]
    [Rule("readerwriter.gone")]
    public void A_reader_that_has_waited_for_long_and_gives_up_takes_its_mark_with_it()
    {
        using var rare = new RareLooks();
        using (_lock.EnterWrite())
        {
            var word = SharedWord.At(Mapping, Memory.ReaderWriter + 12);
            using var cancellation = new CancellationTokenSource();
            var reader = Task.Run(() => _other.EnterRead(cancellation.Token));
            Watchdog.Until(
                () =>
                {
                    word.Wake();
                    return (Memory.Word(Memory.ReaderWriter) & LockLayout.Patient) != 0;
                },
                "a patient reader");
            cancellation.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => Result(reader));
            Assert.Equal(Roster.Self.Value, Memory.Word(Memory.ReaderWriter));
        }

        // Otherwise each of them would sleep until somebody looks.
        _other.EnterRead().Dispose();
        _other.EnterWrite().Dispose();
    }

    [Fact]
    [Rule("readerwriter.unrepaired")]
    public async Task A_reader_that_asks_for_it_enters_after_a_death_and_can_mark_what_it_reads_as_whole()
    {
        using (var partner = Partner.Join(Memory))
        {
            Assert.Equal("writing", partner.Ask("write"));
            Assert.False(_lock.TryEnterReadUnrepaired(out _));
            var blocked = Task.Run(() => _lock.EnterReadUnrepaired());
            var waiting = _other.EnterReadUnrepairedAsync().AsTask();
            partner.Kill();
            Assert.Equal((true, true), (Left(await blocked.WaitAsync(Watchdog.Limit)), Left(await waiting.WaitAsync(Watchdog.Limit))));
        }

        Assert.Equal(0x40000000u, Memory.Word(Memory.ReaderWriter) & 0x5FFFFFFF);
        Assert.True(_lock.TryEnterReadUnrepaired(out var hold));
        Assert.True(hold.OwnerDied);
        // Readers share it, and a writer waits for them.
        using (_other.EnterReadUnrepaired())
        {
            Assert.False(_other.TryEnterWriteUnrepaired(out _));
        }

        Assert.Throws<OwnerDiedException>(() => _other.EnterRead());
        var many = Enumerable.Range(0, 200).Select(_ => _lock.EnterReadUnrepaired()).ToArray();
        Assert.All(many, one => Assert.True(one.OwnerDied));
        Array.ForEach(many, one => one.Dispose());
        Assert.Throws<InvalidOperationException>(() => many[199].MarkConsistent());
        Assert.Throws<InvalidOperationException>(() => default(ReadHold).MarkConsistent());
        hold.MarkConsistent();
        hold.Dispose();
        Assert.Throws<InvalidOperationException>(() => hold.MarkConsistent());
        Assert.False(Left(_other.EnterReadUnrepaired()));
        Assert.False(Left(_lock.EnterRead()));
        Assert.Equal(0u, Memory.Word(Memory.ReaderWriter + 64));
        Assert.Equal(0u, Memory.Word(Memory.ReaderWriter + 128));
        using (var write = _other.EnterWriteUnrepaired())
        {
            Assert.False(write.OwnerDied);
        }

        static bool Left(ReadHold hold)
        {
            hold.Dispose();
            return hold.OwnerDied;
        }
    }

    [Fact]
    [Rule("readerwriter.retire")]
    public void A_retired_lock_is_never_entered_again()
    {
        _lock.EnterWrite().Retire();
        Assert.Throws<RetiredException>(() => _other.EnterRead());
        Assert.Throws<RetiredException>(() => _other.EnterWrite());
    }

    [Fact]
    [Rule("readerwriter.exclusion")]
    public void Readers_never_see_a_partial_write()
    {
        var torn = 0;
        var locks = new[] { _lock, _other, _lock, _other };
        var threads = locks.Select((entered, i) => new Thread(() =>
        {
            for (var n = 0; n < 4000; n++)
            {
                if (i < 2 && n % 10 == 0)
                {
                    using (entered.EnterWrite())
                    {
                        Mapping.GetReference<long>(Memory.Data)++;
                        Mapping.GetReference<long>(Memory.Data + 8)++;
                    }
                }
                else
                {
                    using (entered.EnterRead())
                    {
                        torn += Mapping.GetReference<long>(Memory.Data) == Mapping.GetReference<long>(Memory.Data + 8) ? 0 : 1;
                    }
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(0, torn);
        Assert.Equal(800, Mapping.GetReference<long>(Memory.Data));
    }

    [Fact]
    [Rule("readerwriter.allocation")]
    public void Reading_allocates_nothing()
    {
        Assert.Equal(0, Allocation.OfRounds(1000, () => _lock.EnterRead().Dispose()));
    }
}
