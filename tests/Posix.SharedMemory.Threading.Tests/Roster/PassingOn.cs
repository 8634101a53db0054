using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The kernel wakes one sleeper of a life that has ended: whoever that is wakes the others, whatever it waited for.</summary>
public sealed class PassingOn : IDisposable
{
    private readonly Memory _memory = new();
    private readonly MemoryMapping _again;
    private readonly RecordingKernel _kernel = new();
    private readonly Roster _roster;
    private readonly Roster _other;
    private readonly Partner _partner;

    public PassingOn()
    {
        _again = _memory.MapAgain();
        _roster = Roster.Join(_kernel, _memory.Mapping, 0, 63, null);
        _other = Roster.Join(_again);
        _partner = Partner.Join(_memory);
    }

    [Fact]
    [Rule("roster.passon")]
    public void A_waiter_passes_the_wake_up_on_although_another_process_has_taken_over_the_lock()
    {
        var mutex = SharedMutex.At(_roster, Memory.Mutex);
        MutexHold taken = default;
        _partner.Ask("enter");
        _kernel.InsteadOfSleep(() =>
        {
            _kernel.Forget();
            _partner.Kill();
            Assert.True(SharedMutex.At(_other, _again, Memory.Mutex).TryEnterUnrepaired(out taken));
        });
        Assert.False(mutex.TryEnter(TimeSpan.FromSeconds(1), out _));
        Assert.True(_kernel.HasWokenAll(ref Life, here: true));
        taken.Dispose();
    }

    [Fact]
    [Rule("roster.passon")]
    public void A_writer_that_waited_for_a_reader_passes_the_wake_up_on()
    {
        _partner.Ask("read");
        Kill();
        Assert.True(SharedReaderWriterLock.At(_roster, Memory.ReaderWriter).TryEnterWrite(TimeSpan.FromMinutes(1), out var hold));
        Assert.True(_kernel.HasWokenAll(ref Life, here: true));
        hold.Dispose();
    }

    [Fact]
    [Rule("roster.passon")]
    public void A_waiter_for_a_permit_passes_the_wake_up_on_although_the_permit_was_already_back()
    {
        var semaphore = SharedSemaphore.ReturningAt(_roster, Memory.Returning, 3);
        for (var i = 0; i < 3; i++)
        {
            _partner.Ask("take");
        }

        _kernel.InsteadOfSleep(() =>
        {
            _kernel.Forget();
            _partner.Kill();
            Assert.True(SharedSemaphore.ReturningAt(_other, _again, Memory.Returning, 3).TryWait());
            _kernel.Forget();
        });
        Assert.True(semaphore.Wait(TimeSpan.FromMinutes(1)));
        Assert.True(_kernel.HasWokenAll(ref Life, here: true));
        semaphore.Release();
    }

    [Fact]
    [Rule("eventcount.death")]
    public void A_death_wakes_sleepers_of_an_event_count_that_the_dead_process_had_changed_already()
    {
        var count = SharedEventCount.At(_roster, Memory.EventCount);
        count.Wait(count.PrepareWait(), TimeSpan.FromMilliseconds(1));
        // As if the partner had swapped the word, and had not come to wake anybody.
        Assert.True(count.NotifyAll());
        _kernel.Forget();
        _partner.Kill();
        Watchdog.Until(() => _kernel.HasWokenAll(ref _memory.Mapping.GetReference<uint>(Memory.EventCount), here: false), "the wake-up");
    }

    public void Dispose()
    {
        _partner.Dispose();
        _roster.Dispose();
        _other.Dispose();
        _again.Dispose();
        _memory.Dispose();
    }

    private ref uint Life => ref _memory.Mapping.GetReference<uint>(64 + (32 * (_partner.Self.Seat - 1)));

    private void Kill() => _kernel.InsteadOfSleep(() =>
    {
        _kernel.Forget();
        _partner.Kill();
    });
}
