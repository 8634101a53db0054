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

    private void Check(uint first, uint second, Func<bool> wait)
    {
        using var rewriter = new Rewriter((uint*)_process.Mapping.DangerousGetPointer() + (Arena.Lock / sizeof(uint)), first, second, Looks);
        Assert.False(wait());
        // An attempt, and the try before the first one.
        Assert.InRange(rewriter.Most, SleepList.MostSwaps, 2 * SleepList.MostSwaps);
    }
}
