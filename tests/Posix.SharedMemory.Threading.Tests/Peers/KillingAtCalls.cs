using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Processes that are killed before and after each system call of each step of the protocols.</summary>
public sealed class KillingAtCalls : TwoParticipants
{
    private readonly SharedMutex _mutex;
    private readonly SharedReaderWriterLock _readerWriter;
    private readonly SharedSemaphore _semaphore;
    private bool _isFinished;

    public KillingAtCalls()
    {
        _mutex = SharedMutex.At(Roster, Memory.Mutex);
        _readerWriter = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        _semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
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

        // It spins before it sleeps: a hold that ends at once would spare it the calls that the walk is about.
        Thread.Sleep(20);
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
    public void A_waiter_for_a_permit_that_comes_back() => Walk(victim =>
    {
        TakeAll();
        victim.Tell("take");
        Watchdog.Until(() => Roster.GetParticipants().Count == 3 || HasEnded(victim), "the waiter");
        Thread.Sleep(20);
        _semaphore.Release(3);
        End(victim, answers: 1);
        TakeAll();
        _semaphore.Release(3);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_gives_a_permit_back() => Walk(
        victim =>
        {
            var waiting = Task.Run(() => _semaphore.Wait(Watchdog.Limit));
            victim.Tell("give");
            End(victim, answers: 1);
            Assert.True(Result(waiting));
            Assert.True(_semaphore.Wait(Watchdog.Limit));
            Assert.True(_semaphore.Wait(Watchdog.Limit));
            _semaphore.Release(3);
        },
        "take",
        "take",
        "take");

    [Fact]
    [Rule("killed.call")]
    public void A_waiter_for_a_permit() => Walk(victim =>
    {
        var semaphore = NewSemaphore(5);
        victim.Tell("wait-semaphore");
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1 || HasEnded(victim), "the waiter");
        var other = Task.Run(() => semaphore.Wait(Watchdog.Limit));
        semaphore.Release(2);
        End(victim, answers: 1);
        Assert.True(Result(other));
        Assert.InRange(semaphore.CurrentCount, 0, _isFinished ? 0 : 1);
    });

    [Theory]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    [Rule("killed.call")]
    public void A_process_that_releases_permits_to_sleepers(int maximum) => Walk(victim =>
    {
        var semaphore = NewSemaphore(maximum);
        var blocked = Task.Run(() => semaphore.Wait(Watchdog.Limit));
        var waiting = semaphore.WaitAsync(Watchdog.Limit).AsTask();
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1, "the sleepers");
        victim.Tell("release");
        End(victim, answers: 1);
        if (!Task.WaitAll([blocked, waiting], 10) && semaphore.CurrentCount == 0)
        {
            // Killed before it released any; or they are taken a moment from now.
            semaphore.Release(2);
        }

        Assert.True(Result(blocked) && Result(waiting));
        Assert.True(semaphore.CurrentCount is 0 or 2);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_waiter_for_an_event() => Walk(victim =>
    {
        var signal = NewEvent();
        victim.Tell("wait-event");
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1 || HasEnded(victim), "the waiter");
        var other = Task.Run(() => signal.Wait(Watchdog.Limit));
        var end = Task.Run(() => End(victim, answers: 1));
        while (!Task.WaitAll([other, end], 10))
        {
            // One signal, and either takes it: the other one gets the next.
            if (!signal.IsSet)
            {
                signal.Set();
            }
        }

        Assert.True(Result(other));
    });

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_sets_an_event() => Walk(victim =>
    {
        var signal = NewEvent();
        var waiting = Task.Run(() => signal.Wait(Watchdog.Limit));
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "the sleeper");
        victim.Tell("set");
        End(victim, answers: 1);
        if (!waiting.Wait(10) && !signal.IsSet)
        {
            signal.Set();
        }

        Assert.True(Result(waiting));
    });

    [Fact]
    [Rule("killed.call")]
    public void A_member_of_a_barrier() => Walk(victim =>
    {
        Mapping.GetSpan(Memory.Barrier, 256).Clear();
        var first = SharedBarrier.At(Roster, Memory.Barrier, 3);
        var second = SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 3);
        using var cancellation = new CancellationTokenSource();
        var arrived = first.SignalAndWaitAsync(cancellation.Token).AsTask();
        victim.Tell("arrive");
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 64 + 4) != 0 || HasEnded(victim), "the member");
        var isMember = Memory.Word(Memory.Barrier + 64 + 4) != 0;
        var other = second.SignalAndWaitAsync(cancellation.Token).AsTask();
        if (!isMember)
        {
            // Killed before it became a member: it is waited for.
            cancellation.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => Result(other));
            Assert.ThrowsAny<OperationCanceledException>(() => Result(arrived));
            return;
        }

        End(victim, answers: 1);
        var results = new[] { Result(arrived), Result(other) };
        Assert.True(results.All(result => result == BarrierResult.Broken) || results.All(result => result != BarrierResult.Broken), string.Join(", ", results));
    });

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_does_something_once() => Walk(victim =>
    {
        Memory.Store(Memory.Once, 0);
        victim.Tell("once");
        victim.Tell("go on");
        End(victim, answers: 2);
        var once = SharedOnce.At(Roster, Memory.Once);
        var done = once.IsDone;
        Assert.Equal(!done, once.Run(() => { }));
        Assert.True(once.IsDone);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_notifier() => Walk(victim =>
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var key = count.PrepareWait();
        var waiting = count.WaitAsync(key).AsTask();
        var blocked = Task.Run(() => count.Wait(key, Watchdog.Limit));
        victim.Tell("notify");
        End(victim, answers: 1);
        waiting.WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
        Assert.True(Result(blocked));
    });

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

    private SharedSemaphore NewSemaphore(int maximum)
    {
        Mapping.GetSpan(Memory.Semaphore, SharedSemaphore.Size).Clear();
        return SharedSemaphore.At(Mapping, Memory.Semaphore, 0, maximum);
    }

    private SharedEvent NewEvent()
    {
        Mapping.GetSpan(Memory.Event, SharedEvent.Size).Clear();
        return SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
    }

    private static bool HasEnded(Partner victim) => !Directory.Exists($"/proc/{victim.Peer.ProcessId.ToString(CultureInfo.InvariantCulture)}/fd");

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

    private void TakeAll()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.True(_semaphore.Wait(Watchdog.Limit));
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

    /// <summary>Waits until the victim was killed, or has given all its answers: then there are no more calls.</summary>
    private void End(Partner victim, int answers)
    {
        try
        {
            for (var i = 0; i < answers; i++)
            {
                victim.ReadLine();
            }

            _isFinished = true;
            victim.Kill();
        }
        catch (InvalidOperationException)
        {
            // It was killed: its output has ended.
        }
    }

    private void Walk(Action<Partner> run, params string[] before)
    {
        int last = 0, retries = 20;
        for (var point = 0; !_isFinished; point++)
        {
            Assert.True(point < 100);
            using var victim = Partner.Join(Memory, untilKilled: true);
            foreach (var act in before)
            {
                victim.Ask(act);
            }

            victim.Tell(string.Create(CultureInfo.InvariantCulture, $"kill at {point}"));
            try
            {
                run(victim);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Killed at point {point}: {e.Message}", e);
            }

            Watchdog.Until(() => Roster.GetParticipants().Count == 2, "the end of the victim");
            last = point;
            if (_isFinished && last == 0 && retries-- > 0)
            {
                // On a busy machine the other side can be so late that there was nothing to wait for.
                (_isFinished, point) = (false, -1);
            }
        }

        Assert.True(last > 0, "It was never killed.");
    }
}
