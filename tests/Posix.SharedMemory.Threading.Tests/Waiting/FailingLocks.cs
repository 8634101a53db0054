namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Whichever call of an entry, a leave, a joining or a leaving fails: nothing is held, counted, mapped or named afterwards.</summary>
public sealed class FailingLocks : FailingCalls
{
    private readonly SharedMutex _mutex;
    private readonly SharedMutex _failingMutex;
    private readonly SharedReaderWriterLock _readerWriter;
    private readonly SharedReaderWriterLock _failingReaderWriter;

    public FailingLocks()
    {
        _mutex = SharedMutex.At(Roster, Memory.Mutex);
        _failingMutex = SharedMutex.At(FailingRoster, Memory.Mutex);
        _readerWriter = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        _failingReaderWriter = SharedReaderWriterLock.At(FailingRoster, Memory.ReaderWriter);
    }

    [Fact]
    [Rule("refused.clean")]
    public void Leaving_a_mutex_on_which_another_process_sleeps() => Walk(() =>
    {
        var hold = _failingMutex.Enter();
        var sleeper = Task.Run(() => Enter(SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex)));
        Watchdog.Until(() => Memory.Word(Memory.Mutex) >> 31 != 0, "the sleeper");
        Attempt(hold.Dispose);
        Assert.NotEqual(FailingRoster.Self, _mutex.Holder);
        Assert.False(Enter(_mutex));
        Assert.False(Result(sleeper));
    });

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_a_mutex_until_a_timeout() => Walk(() =>
    {
        var hold = _mutex.Enter();
        Attempt(() => Assert.False(_failingMutex.TryEnter(Soon, out _)));
        hold.Dispose();
        MutexIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_a_mutex_until_it_is_left_or_cancelled() => Walk(() =>
    {
        var hold = _mutex.Enter();
        using var cancellation = new CancellationTokenSource(Soon);
        Attempt(() => _failingMutex.Enter(cancellation.Token).Dispose());
        hold.Dispose();
        MutexIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_a_mutex_asynchronously() => Walk(() =>
    {
        var hold = _mutex.Enter();
        Task<MutexHold>? waiting = null;
        Attempt(() => waiting = _failingMutex.EnterAsync().AsTask());
        hold.Dispose();
        waiting?.WaitAsync(Watchdog.Limit).GetAwaiter().GetResult().Dispose();
        MutexIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Taking_a_mutex_over_from_a_dead_process() => Walk(() =>
    {
        foreach (var accepts in (ReadOnlySpan<bool>)[true, false])
        {
            Memory.Store(Memory.Mutex, MakeDead());
            Attempt(() => (accepts ? _failingMutex.EnterUnrepaired() : _failingMutex.Enter()).Dispose());
            Assert.NotEqual(FailingRoster.Self, _mutex.Holder);
            Assert.True(Enter(_mutex));
        }

        MutexIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Retiring_a_mutex() => Walk(() =>
    {
        var hold = _failingMutex.Enter();
        Attempt(hold.Retire);
        Assert.Throws<RetiredException>(() => _mutex.Enter());
        Memory.Store(Memory.Mutex, 0);
    });

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_readers_until_a_timeout() => Walk(() =>
    {
        var hold = _readerWriter.EnterRead();
        Attempt(() => Assert.False(_failingReaderWriter.TryEnterWrite(Soon, out _)));
        hold.Dispose();
        ReaderWriterIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_a_writer_until_a_timeout() => Walk(() =>
    {
        var hold = _readerWriter.EnterWrite();
        Attempt(() => Assert.False(_failingReaderWriter.TryEnterRead(Soon, out _)));
        hold.Dispose();
        ReaderWriterIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Reading_after_a_long_wait() => Walk(() =>
    {
        var hold = _readerWriter.EnterWrite();
        var writer = Task.Run(() => SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter).EnterWrite().Dispose());
        Watchdog.Until(() => Memory.Word(Memory.ReaderWriter) >> 31 != 0, "the other writer");
        var leaver = Task.Run(() =>
        {
            Thread.Sleep(Soon);
            hold.Dispose();
        });
        Attempt(() => _failingReaderWriter.EnterRead().Dispose());
        leaver.GetAwaiter().GetResult();
        ReaderWriterIsFree();
        Assert.True(writer.Wait(Watchdog.Limit));
    });

    [Fact]
    [Rule("refused.clean")]
    public void Leaving_as_a_reader_for_whom_a_writer_waits() => Walk(() =>
    {
        var hold = _failingReaderWriter.EnterRead();
        var writer = Task.Run(() => SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter).EnterWrite().Dispose());
        Watchdog.Until(() => (Memory.Word(Memory.ReaderWriter) & 0x1FFFFFFF) != 0, "the writer");
        Attempt(hold.Dispose);
        Wake(Memory.ReaderWriter + 8);
        Assert.True(writer.Wait(Watchdog.Limit));
        ReaderWriterIsFree();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Leaving_as_a_writer_for_whom_others_wait() => Walk(() =>
    {
        var hold = _failingReaderWriter.EnterWrite();
        var writer = Task.Run(() => SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter).EnterWrite().Dispose());
        var reader = Task.Run(() => _readerWriter.EnterRead().Dispose());
        Watchdog.Until(() => Memory.Word(Memory.ReaderWriter) >> 31 != 0 && Memory.Word(Memory.ReaderWriter + 12) >> 31 != 0, "the others");
        Attempt(hold.Dispose);
        Assert.NotEqual(FailingRoster.Self, _readerWriter.Writer);
        Wake(Memory.ReaderWriter);
        Wake(Memory.ReaderWriter + 12);
        Assert.True(writer.Wait(Watchdog.Limit) && reader.Wait(Watchdog.Limit));
        ReaderWriterIsFree();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("refused.clean")]
    public void Joining_and_leaving_a_roster(bool ownGuard) => Walk(() =>
    {
        var before = FailingKernel.Pages;
        Attempt(() => Roster.Join(FailingKernel, FailingMapping, Memory.OneSeat, 1, new() { OwnGuard = ownGuard }).Dispose());
        // Its seat is free, and its pages are gone, but for that of a guard which could not be woken to end.
        Roster.Join(Mapping, Memory.OneSeat, 1).Dispose();
        if (!ownGuard)
        {
            Assert.Equal(PagesBefore, FailingKernel.Pages);
        }
        else if (FailingKernel.Hits == 0)
        {
            Watchdog.Until(() => FailingKernel.Pages <= before, "the end of the guard");
        }
    });

    [Fact]
    [Rule("refused.clean")]
    public void Watching_for_the_end_of_others() => Walk(() =>
    {
        var ends = 0;
        EventHandler<ParticipantEndedEventArgs> handler = (_, _) => Interlocked.Increment(ref ends);
        Task? end = null;
        using (var again = Memory.MapAgain())
        {
            using var roster = Roster.Join(again);
            var watches = Attempt(() => FailingRoster.Ended += handler);
            Attempt(() => end = FailingRoster.WaitForEndAsync(roster.Self));
            roster.Dispose();
            Watchdog.Until(() => !watches || Volatile.Read(ref ends) > 0, "the event");
        }

        FailingRoster.Ended -= handler;
        Assert.True(end?.Wait(Watchdog.Limit) ?? true);
        Assert.InRange(ends, 0, 1);
    });

    [Fact]
    [Rule("refused.clean")]
    public void Handing_a_POSIX_mutex_back_for_which_another_thread_waits() => Walk(() =>
    {
        Mapping.GetSpan(Memory.Data, PosixMutex.Size).Clear();
        var mutex = PosixMutex.At(Mapping, Memory.Data);
        var owner = new Thread(() => _ = mutex.Enter());
        owner.Start();
        Watchdog.Until(() => mutex.IsInconsistent, "the death of the owner");
        Task? sleeper = null;
        AttemptWithoutRoster(() =>
        {
            using var hold = mutex.EnterUnrepaired();
            sleeper = Task.Run(() => mutex.Enter(() => { }).Dispose());
            Watchdog.Until(() => Memory.Word(Memory.Data + PosixMutexLayout.Current.WordOffset) >> 31 != 0, "the sleeper");
        });
        Wake(Memory.Data + PosixMutexLayout.Current.WordOffset);
        Assert.True(sleeper!.Wait(Watchdog.Limit));
        mutex.Enter().Dispose();
    });

    [Fact]
    [Rule("refused.clean")]
    public void Opening_a_named_mutex_and_closing_it()
    {
        using var name = new TemporaryName("failing");
        Walk(() =>
        {
            AttemptWithoutRoster(() =>
            {
                using var named = NamedMutex.OpenOrCreate(name, out _);
                named.WaitOne();
                named.ReleaseMutex();
            });
            Assert.False(SharedMemoryObject.Exists(name));
            Assert.Equal(PagesBefore, FailingKernel.Pages);
        });
    }

    private void MutexIsFree()
    {
        Assert.False(Enter(_mutex));
        Assert.False(Enter(SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex)));
    }

    private void ReaderWriterIsFree()
    {
        Assert.Equal(0u, Memory.Word(Memory.ReaderWriter + 64 + ((FailingRoster.Self.Seat - 1) * 64)));
        _readerWriter.EnterWrite().Dispose();
        SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter).EnterWrite().Dispose();
        _readerWriter.EnterRead().Dispose();
    }
}
