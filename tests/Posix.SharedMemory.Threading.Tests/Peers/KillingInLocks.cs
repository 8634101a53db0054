namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Processes that are killed at a system call of an entry, a leave, a joining or a leaving.</summary>
public sealed class KillingInLocks : KillingAtCalls
{
    private readonly SharedMutex _mutex;
    private readonly SharedReaderWriterLock _readerWriter;

    public KillingInLocks()
    {
        _mutex = SharedMutex.At(Roster, Memory.Mutex);
        _readerWriter = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
    }

    [Fact]
    [Rule("killed.call")]
    public void A_waiter_for_a_mutex() => Walk(victim =>
    {
        var hold = _mutex.Enter();
        victim.Tell("enter");
        victim.Tell("leave");
        Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1 || HasEnded(victim), "the waiter");
        hold.Dispose();
        End(victim, answers: 2);
        SurviveMutex();
    });

    [Fact]
    [Rule("killed.call")]
    public void A_leaver_of_a_mutex_with_sleepers() => Walk(
        victim =>
        {
            var waiting = EnterAsync(SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex));
            var blocked = Task.Run(() => Enter(_mutex));
            Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the sleepers");
            victim.Tell("leave");
            End(victim, answers: 1);
            Assert.False(Result(waiting) && Result(blocked));
            SurviveMutex();
        },
        "enter");

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_takes_over_a_mutex() => Walk(victim =>
    {
        Memory.Store(64 + (59 * 32), 0xC0000000);
        Memory.Store(64 + (59 * 32) + 4, 0x80000005);
        Memory.Store(Memory.Mutex, (1u << 28) | (60u << 18) | 5);
        victim.Tell("enter");
        End(victim, answers: 1);
        Assert.True(_mutex.EnterUnrepaired().OwnerDied);
        Memory.Store(Memory.Mutex, 0);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_reader_that_waits_for_a_writer() => Walk(victim =>
    {
        var hold = _readerWriter.EnterWrite();
        victim.Tell("read");
        victim.Tell("unread");
        Watchdog.Until(() => (Memory.Word(Memory.ReaderWriter + 12) >> 31) == 1 || HasEnded(victim), "the reader");
        hold.Dispose();
        End(victim, answers: 2);
        SurviveReaderWriter();
    });

    [Fact]
    [Rule("killed.call")]
    public void A_reader_that_leaves_while_a_writer_waits() => Walk(
        victim =>
        {
            var writing = WriteAsync(SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter));
            Watchdog.Until(() => (Memory.Word(Memory.ReaderWriter) & 0x1FFFFFFF) != 0, "the writer");
            victim.Tell("unread");
            End(victim, answers: 1);
            Assert.False(Result(writing));
            SurviveReaderWriter();
        },
        "read");

    [Fact]
    [Rule("killed.call")]
    public void A_writer_that_waits_for_a_reader() => Walk(victim =>
    {
        var hold = _readerWriter.EnterRead();
        victim.Tell("write");
        victim.Tell("unwrite");
        Watchdog.Until(() => (Memory.Word(Memory.ReaderWriter) & 0x1FFFFFFF) != 0 || HasEnded(victim), "the writer");
        LetSleep();
        hold.Dispose();
        End(victim, answers: 2);
        SurviveReaderWriter();
    });

    [Fact]
    [Rule("killed.call")]
    public void A_writer_that_leaves_while_others_wait() => Walk(
        victim =>
        {
            var writing = WriteAsync(SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter));
            var reading = Task.Run(() => Read(_readerWriter));
            Watchdog.Until(() => (Memory.Word(Memory.ReaderWriter) >> 31) == 1 && (Memory.Word(Memory.ReaderWriter + 12) >> 31) == 1, "the waiters");
            victim.Tell("unwrite");
            End(victim, answers: 1);
            _ = Result(writing);
            _ = Result(reading);
            SurviveReaderWriter();
        },
        "write");

    [Fact]
    [Rule("killed.call")]
    public void A_joiner_and_a_leaver_of_a_roster() => Walk(victim =>
    {
        Mapping.GetSpan(Memory.OneSeat, 128).Clear();
        victim.Tell("join");
        victim.Tell("disjoin");
        End(victim, answers: 2);
        Roster.Join(Mapping, Memory.OneSeat, 1).Dispose();
    });

    private static async Task<bool> WriteAsync(SharedReaderWriterLock readerWriter)
    {
        using var hold = await readerWriter.EnterWriteUnrepairedAsync();
        if (hold.OwnerDied)
        {
            hold.MarkConsistent();
        }

        return hold.OwnerDied;
    }

    private static bool Read(SharedReaderWriterLock readerWriter)
    {
        try
        {
            readerWriter.EnterRead().Dispose();
            return false;
        }
        catch (OwnerDiedException)
        {
            return true;
        }
    }

    private void SurviveMutex()
    {
        var told = (Memory.Word(Memory.Mutex) & 0x5FFFFFFF) != 0;
        Assert.Equal(told, Enter(_mutex));
        Assert.False(Enter(SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex)));
    }

    private void SurviveReaderWriter()
    {
        var told = (Memory.Word(Memory.ReaderWriter) & 0x5FFFFFFF) != 0;
        Assert.Equal(told, Read(_readerWriter));
        Assert.Equal(told, Result(WriteAsync(SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter))));
        Assert.False(Read(_readerWriter));
    }
}
