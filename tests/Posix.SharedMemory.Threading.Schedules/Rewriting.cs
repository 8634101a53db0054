namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>A process does nothing else than write the word of a lock: no swap succeeds, and every wait ends all the same.</summary>
public sealed unsafe class Rewriting : IDisposable
{
    private const int Looks = 8;

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(5);

    private readonly Arena _arena = new();
    private readonly Process _process;

    public Rewriting() => _process = _arena.Begin(1)[0];

    public void Dispose()
    {
        _process.Roster.Dispose();
        _arena.Dispose();
    }

    [Fact]
    [Rule("mutex.rewritten")]
    public void A_wait_for_a_mutex_ends_at_its_deadline()
    {
        var mutex = SharedMutex.At(_process.Roster, Arena.Lock);
        // Nobody owns it, and whether an owner died changes.
        Check(0, LockLayout.Inconsistent, () => mutex.TryEnter(s_time, out _));
    }

    [Fact]
    [Rule("mutex.rewritten")]
    public void A_wait_to_write_ends_at_its_deadline()
    {
        var guarded = SharedReaderWriterLock.At(_process.Roster, Arena.Lock);
        Check(0, LockLayout.Inconsistent, () => guarded.TryEnterWrite(s_time, out _));
    }

    [Fact]
    [Rule("mutex.rewritten")]
    public void A_wait_for_a_permit_ends_at_its_deadline()
    {
        var semaphore = SharedSemaphore.At(_process.Mapping, Arena.Lock, 1);
        Check(1, 2, () => semaphore.Wait(s_time));
    }

    [Fact]
    [Rule("mutex.rewritten")]
    public void A_wait_for_an_event_ends_at_its_deadline()
    {
        var signal = SharedEvent.At(_process.Mapping, Arena.Lock, EventResetMode.AutoReset);
        Check(1, 3, () => signal.Wait(s_time));
    }

    [Fact]
    [Rule("hostile.rewritten")]
    public void A_mutex_is_left_and_its_marks_stay()
    {
        var mutex = SharedMutex.At(_process.Roster, Arena.Lock);
        var hold = mutex.Enter();
        var me = _process.Roster.Self.Value;
        Ends(me | LockLayout.Inconsistent, me | LockLayout.Inconsistent | LockLayout.Patient, hold.Dispose);
        Assert.Equal(LockLayout.Inconsistent, Word & ~LockLayout.Patient);
    }

    [Fact]
    [Rule("hostile.rewritten")]
    public void A_mutex_is_retired()
    {
        var mutex = SharedMutex.At(_process.Roster, Arena.Lock);
        var hold = mutex.Enter();
        var me = _process.Roster.Self.Value;
        Ends(me, me | LockLayout.Waiters, hold.Retire);
        Assert.Equal(LockLayout.Retired, Word);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(9)]
    [Rule("hostile.rewritten")]
    public void Permits_are_given_back(int maximum)
    {
        var semaphore = SharedSemaphore.At(_process.Mapping, Arena.Lock, 1, maximum);
        Ends(1, 2, () => semaphore.Release(5));
        Assert.InRange(semaphore.CurrentCount, 6, 7);
    }

    [Fact]
    [Rule("hostile.rewritten")]
    public void Permits_of_the_C_library_are_given_back()
    {
        var bytes = HeldBytes.Take(_process.Mapping, Arena.Lock, PosixSemaphoreLayout.Size, 8);
        var permits = new PosixPermits(bytes);
        Ends(1, 2, () => permits.Release(5));
        Assert.InRange(permits.Count, 6, 7);
        // A waiter that gives up is no longer counted, and nothing else has changed.
        Ends(1, 2, () =>
        {
            *(uint*)(bytes.First + sizeof(uint)) = 1;
            var state = new WaitState { Mode = 1 };
            Assert.Equal(WaitOutcome.Pending, permits.GiveUp(ref state));
            Assert.Equal((0u, 0), (*(uint*)(bytes.First + sizeof(uint)), state.Mode));
        }, swaps: 0);
    }

    [Theory]
    [InlineData(EventResetMode.AutoReset)]
    [InlineData(EventResetMode.ManualReset)]
    [Rule("hostile.rewritten")]
    public void An_event_is_set_and_reset(EventResetMode mode)
    {
        var signal = SharedEvent.At(_process.Mapping, Arena.Lock, mode);
        Ends(2, 4, signal.Set);
        Assert.True(signal.IsSet);
        Ends(1, 3, signal.Reset);
        Assert.False(signal.IsSet);
    }

    [Fact]
    [Rule("hostile.rewritten")]
    public void A_notification_changes_the_word()
    {
        var count = SharedEventCount.At(_process.Roster, Arena.Lock);
        Ends(1, 3, () => Assert.True(count.NotifyAll()));
        Assert.InRange(Word, 3u, 5u);
    }

    [Fact]
    [Rule("hostile.rewritten")]
    public void A_writer_leaves_and_opens_the_gate()
    {
        const uint Sleepers = 1u << 31;
        var guarded = SharedReaderWriterLock.At(_process.Roster, Arena.Lock);
        var hold = guarded.EnterWrite();
        Ends(Sleepers, Sleepers + 4, hold.Dispose, at: 12);
        Assert.Equal(1u, Read(12) & 3);
        Assert.Equal(0u, Word);
    }

    [Fact]
    [Rule("hostile.rewritten")]
    public void A_reader_makes_its_counter_its_own()
    {
        var guarded = SharedReaderWriterLock.At(_process.Roster, Arena.Lock);
        var at = ReaderWriterWords.CountersAt + (ReaderWriterWords.SpreadStride * (_process.Roster.Self.Seat - 1));
        ReadHold hold = default;
        Ends(5, 6, () => hold = guarded.EnterRead(), at);
        Assert.Equal((1u, (uint)_process.Roster.Self.Incarnation), (Read(at), Read(at + sizeof(uint))));
        hold.Dispose();
        Assert.Equal(0u, Read(at));
    }

    private uint Word => Read(0);

    private uint Read(int at) => Volatile.Read(ref _process.Mapping.GetReference<uint>(Arena.Lock + at));

    /// <summary>Acts while no swap succeeds: the act comes to its end after the swaps that are allowed.</summary>
    private void Ends(uint first, uint second, Action act, int at = 0, int swaps = SleepList.MostSwaps)
    {
        using var rewriter = new Rewriter((uint*)_process.Mapping.DangerousGetPointer() + ((Arena.Lock + at) / sizeof(uint)), first, second, Looks);
        act();
        // And the swap of the fast way.
        Assert.InRange(rewriter.All, swaps, swaps + 1);
    }

    private void Check(uint first, uint second, Func<bool> wait)
    {
        using var rewriter = new Rewriter((uint*)_process.Mapping.DangerousGetPointer() + (Arena.Lock / sizeof(uint)), first, second, Looks);
        Assert.False(wait());
        // An attempt, and the try before the first one.
        Assert.InRange(rewriter.Most, SleepList.MostSwaps, 2 * SleepList.MostSwaps);
    }
}
