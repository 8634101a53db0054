namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Entering and leaving a mutex.</summary>
public sealed class EnteringMutexes : IDisposable
{
    private readonly Memory _memory = new();
    private readonly MemoryMapping _again;
    private readonly Roster _roster, _otherRoster;
    private readonly SharedMutex _mutex, _other;

    public EnteringMutexes()
    {
        _again = _memory.MapAgain();
        _roster = Roster.Join(_memory.Mapping);
        _otherRoster = Roster.Join(_again);
        _mutex = SharedMutex.At(_roster, Memory.Mutex);
        _other = SharedMutex.At(_otherRoster, Memory.Mutex);
    }

    [Fact]
    [Rule("mutex.layout")]
    public void The_word_names_the_owner()
    {
        Assert.Equal(0x314D5850u, _memory.Word(Memory.Mutex + 4));
        using (_mutex.Enter())
        {
            Assert.Equal(_roster.Self.Value, _memory.Word(Memory.Mutex));
            Assert.Equal(_roster.Self, _other.Holder);
            Assert.True(_other.IsHeld);
        }

        Assert.Equal(0u, _memory.Word(Memory.Mutex));
        Assert.Null(_other.Holder);
        Assert.Equal(0u, _memory.Word(Memory.Mutex + 8));
        Assert.Equal(0u, _memory.Word(Memory.Mutex + 12));
    }

    [Fact]
    [Rule("mutex.try")]
    public void Trying_to_enter_never_waits()
    {
        Assert.True(_mutex.TryEnter(out var hold));
        Assert.False(_mutex.TryEnter(out _));
        Assert.False(_other.TryEnter(out var none));
        none.Dispose();
        Assert.False(_other.TryEnterUnrepaired(out _));
        Assert.False(_other.TryEnter(TimeSpan.Zero, out _));
        Assert.Equal(_roster.Self.Value, _memory.Word(Memory.Mutex));
        hold.Dispose();
        Assert.True(_other.TryEnterUnrepaired(out hold));
        hold.Dispose();
    }

    [Fact]
    [Rule("mutex.hold")]
    public void A_copy_of_a_hold_cannot_leave_twice()
    {
        var hold = _mutex.Enter();
        var copy = hold;
        Assert.True(copy == hold);
        hold.Dispose();
        var next = _mutex.Enter();
        copy.Dispose();
        default(MutexHold).Dispose();
        Assert.Equal(_roster.Self, _mutex.Holder);
        Assert.Throws<InvalidOperationException>(() => copy.MarkConsistent());
        Assert.Throws<InvalidOperationException>(() => default(MutexHold).Retire());
        next.Dispose();
        Assert.Null(_mutex.Holder);
    }

    [Fact]
    [Rule("mutex.thread")]
    public async Task A_mutex_is_entered_on_one_thread_and_left_on_another()
    {
        using (_mutex.Enter())
        {
            await Task.Delay(1);
            await Task.Run(() => Assert.False(_other.TryEnter(out _)));
        }

        Assert.True(_other.TryEnter(out var hold));
        hold.Dispose();
    }

    [Fact]
    [Rule("mutex.recursion")]
    public async Task A_thread_that_enters_twice_gets_an_exception()
    {
        using (_mutex.Enter())
        {
            Assert.Throws<LockRecursionException>(() => _mutex.Enter());
            Assert.Throws<LockRecursionException>(() => _mutex.TryEnter(TimeSpan.FromSeconds(1), out _));
        }

        using (await _mutex.EnterAsync())
        {
            Assert.False(_mutex.TryEnter(TimeSpan.FromMilliseconds(10), out _));
        }
    }

    [Fact]
    [Rule("mutex.timeout")]
    public void A_wait_ends_at_its_deadline()
    {
        using (_mutex.Enter())
        {
            Assert.False(_other.TryEnter(TimeSpan.FromMilliseconds(30), out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => _other.TryEnter(TimeSpan.FromMilliseconds(-2), out _));
        }

        Assert.True(_other.TryEnter(TimeSpan.FromMinutes(1), out var hold));
        hold.Dispose();
    }

    [Fact]
    [Rule("mutex.cancel")]
    public async Task A_wait_ends_with_its_token()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => _mutex.Enter(cancelled.Token));
        Assert.Throws<OperationCanceledException>(() => _mutex.TryEnter(TimeSpan.Zero, out _, cancelled.Token));
        Assert.True(_mutex.EnterAsync(cancelled.Token).IsCanceled);
        Assert.False(_mutex.IsHeld);
        using (_mutex.Enter())
        {
            Assert.Throws<OperationCanceledException>(() => _other.Enter(cancelled.Token));
            Assert.True(_other.EnterAsync(cancelled.Token).IsCanceled);
            using var later = new CancellationTokenSource();
            var blocked = Task.Run(() => _other.Enter(later.Token));
            var waiting = _other.EnterAsync(later.Token).AsTask();
            Watchdog.Until(() => (_memory.Word(Memory.Mutex) & 0x80000000) != 0, "a waiter");
            later.Cancel();
            Assert.Equal(later.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocked)).CancellationToken);
            Assert.Equal(later.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting)).CancellationToken);
        }

        Assert.True(_other.TryEnter(out var hold));
        hold.Dispose();
    }

    [Fact]
    [Rule("mutex.async")]
    public async Task Asynchronous_waits_use_no_thread_and_are_served_in_their_order()
    {
        var hold = _mutex.Enter();
        var order = new List<int>();
        var waits = Enumerable.Range(0, 50).Select(async i =>
        {
            using var entered = await _other.EnterAsync();
            lock (order)
            {
                order.Add(i);
            }
        }).ToArray();
        Assert.DoesNotContain(waits, wait => wait.IsCompleted);
        hold.Dispose();
        await Task.WhenAll(waits).WaitAsync(Watchdog.Limit);
        Assert.Equal(Enumerable.Range(0, 50), order);
    }

    [Fact]
    [Rule("mutex.repair")]
    public async Task A_repair_is_not_called_without_a_death()
    {
        using (_mutex.Enter(() => Assert.Fail("Nobody died.")))
        {
        }

        using (await _mutex.EnterAsync(_ => throw new InvalidOperationException("Nobody died.")))
        {
        }

        Assert.Throws<ArgumentNullException>(() => _mutex.Enter((Action)null!));
    }

    [Fact]
    [Rule("mutex.disposed")]
    public async Task After_leaving_the_roster_its_locks_throw()
    {
        var hold = _other.Enter();
        var waiting = _mutex.EnterAsync();
        var third = SharedMutex.At(_otherRoster, Memory.Mutex);
        _otherRoster.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _other.Enter());
        Assert.Throws<ObjectDisposedException>(() => third.TryEnter(out _));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await third.EnterAsync());
        Assert.Throws<LockLostException>(() => hold.Dispose());
        await Assert.ThrowsAsync<OwnerDiedException>(async () => await waiting);
    }

    [Fact]
    [Rule("mutex.place")]
    public void The_place_is_checked_and_other_bytes_are_refused()
    {
        using var readOnly = _memory.MapAgain(FileAccess.Read);
        Assert.Throws<ArgumentException>(() => SharedMutex.At(_roster, Memory.Mutex + 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedMutex.At(_roster, _memory.Mapping.Length - 8));
        Assert.Throws<ArgumentException>(() => SharedMutex.At(_roster, readOnly, Memory.Mutex));
        _memory.Store(Memory.Data + 4, 0x12345678);
        Assert.Throws<InvalidDataException>(() => SharedMutex.At(_roster, Memory.Data));
        Assert.Equal(0x12345678u, _memory.Word(Memory.Data + 4));
    }

    [Fact]
    [Rule("mutex.hostile")]
    public void A_word_that_names_no_possible_owner_is_an_error_not_a_crash()
    {
        _memory.Store(Memory.Mutex, (1u << 28) | (1000u << 18) | 1);
        Assert.Throws<InvalidDataException>(() => _mutex.Enter());
        Assert.Throws<InvalidDataException>(() => _mutex.TryEnter(out _));
        Assert.False(_roster.IsAlive(_mutex.Holder!.Value));
        _memory.Store(Memory.Mutex, 5);
        Assert.Throws<InvalidDataException>(() => _mutex.Enter());
        Assert.Throws<InvalidDataException>(() => _mutex.TryEnter(out _));
    }

    [Fact]
    [Rule("mutex.allocation")]
    public void Entering_and_leaving_allocates_nothing()
    {
        Assert.Equal(0, Allocation.OfRounds(1000, () =>
        {
            _mutex.Enter().Dispose();
            _mutex.EnterAsync().GetAwaiter().GetResult().Dispose();
            _mutex.TryEnter(out var hold);
            hold.Dispose();
        }));
        using (_other.Enter())
        {
            Assert.Equal(0, Allocation.OfRounds(20, () => _mutex.TryEnter(TimeSpan.FromMilliseconds(1), out _)));
        }
    }

    [Fact]
    [Rule("mutex.exclusion")]
    public void Threads_of_several_participants_exclude_each_other()
    {
        ref var counter = ref _memory.Mapping.GetReference<long>(Memory.Data);
        var mapping = _memory.Mapping;
        var threads = new[] { _mutex, _mutex, _other, _other }.Select(mutex => new Thread(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                using (mutex.Enter())
                {
                    mapping.GetReference<long>(Memory.Data)++;
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(80_000, counter);
        Assert.Equal(0u, _memory.Word(Memory.Mutex) & 0x7FFFFFFF);
    }

    [Fact]
    [Rule("mutex.async")]
    public async Task Ten_thousand_waits_need_no_threads_of_their_own()
    {
        var before = ServiceThreads.Count();
        var mutexes = Enumerable.Range(0, 100).Select(i => SharedMutex.At(_roster, Memory.Data + (16 * i))).ToArray();
        var holds = mutexes.Select(mutex => mutex.Enter()).ToArray();
        using var cancellation = new CancellationTokenSource();
        var waits = mutexes.SelectMany(mutex => Enumerable.Range(0, 100).Select(i => mutex.EnterAsync(i % 2 == 0 ? cancellation.Token : default).AsTask())).ToArray();
        await Task.Delay(50);
        Assert.InRange(ServiceThreads.Count() - before, 0, 3);
        cancellation.Cancel();
        Array.ForEach(holds, hold => hold.Dispose());
        var entered = 0;
        await Task.WhenAll(waits.Select(async wait =>
        {
            try
            {
                (await wait).Dispose();
                Interlocked.Increment(ref entered);
            }
            catch (OperationCanceledException)
            {
                // One of those that were cancelled.
            }
        })).WaitAsync(Watchdog.Limit);
        Assert.InRange(entered, 5000, 10_000);
        Assert.All(mutexes, mutex => Assert.Null(mutex.Holder));
    }

    public void Dispose()
    {
        _roster.Dispose();
        _otherRoster.Dispose();
        _again.Dispose();
        _memory.Dispose();
    }
}
