using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>What is done where the kernel or a container's filter refuses a call.</summary>
public sealed class Refusing
{
    [Theory]
    [InlineData("mmap", Errno.ENOMEM)]
    [InlineData("futex(FUTEX_WAKE)", Errno.ENOMEM)]
    [InlineData("mremap", Errno.ENOMEM)]
    [InlineData("mremap", Errno.EPERM)]
    [InlineData("mremap", Errno.ENOSYS)]
    [InlineData("mremap", Errno.EINVAL)]
    [Rule("refused.join")]
    public void A_join_that_fails_leaves_nothing_behind(string call, Errno errno)
    {
        using var memory = new Memory();
        var kernel = new FaultingKernel((call, errno));
        var error = Assert.Throws<SharedMemoryException>(() => Roster.Join(kernel, memory.Mapping, 0, 63, null));
        Assert.Equal(call, error.Operation);
        Assert.Equal(errno, error.Errno);
        Assert.Equal(errno != Errno.ENOMEM, error.Message.Contains("seccomp", StringComparison.Ordinal));
        Assert.Equal(0u, memory.Word(64));
        Assert.Equal(0u, memory.Word(8));
        kernel.IsFailing = false;
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 63, null);
        // Only a join whose seat was taken already, when its wake-up failed, has used up a life of it.
        Assert.Equal(call.StartsWith("futex", StringComparison.Ordinal) ? 2 : 1, roster.Self.Incarnation);
    }

    [Theory]
    [InlineData(Errno.ENOSYS)]
    [InlineData(Errno.EPERM)]
    [InlineData(Errno.EINVAL)]
    [Rule("refused.waitv")]
    public async Task Without_futex_waitv_a_sleep_is_divided_into_slices(Errno errno)
    {
        using var memory = new Memory();
        var kernel = new FaultingKernel(("futex_waitv", errno));
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 63, null);
        using var partner = Partner.Join(memory);
        partner.Ask("enter");
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        // On a busy machine the time may be over before the first sleep.
        while (kernel.Refused == 0)
        {
            Assert.False(mutex.TryEnter(TimeSpan.FromMilliseconds(50), out _));
        }

        Assert.False(kernel.CanWaitForMany);
        Assert.Equal(1, kernel.Refused);
        var blocked = Task.Run(() => mutex.Enter());
        var waiting = mutex.EnterAsync().AsTask();
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => mutex.Enter(cancellation.Token));
        partner.Kill();
        await Assert.ThrowsAsync<OwnerDiedException>(() => blocked);
        await Assert.ThrowsAsync<OwnerDiedException>(() => waiting);
        Assert.Equal(1, kernel.Refused);
    }

    [Theory]
    [InlineData("futex_waitv")]
    [InlineData("membarrier(REGISTER_GLOBAL_EXPEDITED)")]
    [InlineData("membarrier(GLOBAL_EXPEDITED)")]
    [InlineData("set_robust_list")]
    [Rule("refused.support")]
    public void Each_refusal_is_reported(string call)
    {
        var support = ThreadingSupport.Get(new FaultingKernel((call, Errno.EPERM)));
        Assert.True(support.IsSupported);
        Assert.Equal(
            (call != "futex_waitv", !call.StartsWith("membarrier", StringComparison.Ordinal), call != "set_robust_list"),
            (support.CanSleepOnSeveralWords, support.CanFence, support.DeathsAreMarked));
        Assert.False(ThreadingSupport.Get(new UnsupportedKernel()).IsSupported);
    }

    [Fact]
    [Rule("refused.membarrier")]
    public void Without_membarrier_the_seat_records_it_and_an_end_is_given_time()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        var kernel = new FaultingKernel(("membarrier(REGISTER_GLOBAL_EXPEDITED)", Errno.EPERM), ("membarrier(GLOBAL_EXPEDITED)", Errno.EPERM));
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 63, null);
        Assert.Equal(1u, memory.Word(64 + 4));
        using var other = Roster.Join(again);
        Assert.Equal(0x80000001u, memory.Word(96 + 4));
        var count = SharedEventCount.At(roster, Memory.EventCount);
        // The sleeper may impose no fence, and the other notifies without one: it looks every millisecond.
        Assert.True(count.Wait(count.PrepareWait(), Timeout.InfiniteTimeSpan));
        var hold = SharedMutex.At(other, Memory.Mutex).Enter();
        other.Dispose();
        Assert.Throws<OwnerDiedException>(() => SharedMutex.At(roster, Memory.Mutex).Enter());
        Assert.Throws<LockLostException>(() => hold.Dispose());
    }

    [Fact]
    [Rule("refused.robust")]
    public void Without_a_robust_list_a_process_still_takes_part()
    {
        using var memory = new Memory();
        var kernel = new FaultingKernel(("set_robust_list", Errno.ENOSYS));
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 63, null);
        SharedMutex.At(roster, Memory.Mutex).Enter().Dispose();
        Assert.Equal(1, kernel.Refused);
    }

    [Fact]
    [Rule("refused.robust")]
    public void Without_gettid_a_seat_names_the_process_and_is_not_taken_for_that_of_a_dead_one()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(new FaultingKernel(("gettid", Errno.EPERM)), memory.Mapping, 0, 63, null);
        // FUTEX_WAITERS and the number; bit 30 would say that its owner died.
        Assert.Equal(0x80000000u | (uint)Environment.ProcessId, memory.Word(64));
        using var again = memory.MapAgain();
        using var other = Roster.Join(again);
        using var hold = SharedMutex.At(roster, Memory.Mutex).Enter();
        Assert.True(other.IsAlive(roster.Self));
        Assert.False(SharedMutex.At(other, Memory.Mutex).TryEnter(out _));
    }

    [Theory]
    [InlineData(0x80000000)]
    [InlineData(0xA0000000)]
    [Rule("refused.wake")]
    public void The_error_of_a_wake_names_its_call_and_the_mutex_is_free(uint marks)
    {
        using var memory = new Memory();
        var kernel = new FaultingKernel(("futex(FUTEX_WAKE)", Errno.EPERM), ("futex(FUTEX_WAKE_OP)", Errno.EPERM)) { IsFailing = false };
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 63, null);
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        var hold = mutex.Enter();
        memory.Store(Memory.Mutex, memory.Word(Memory.Mutex) | marks);
        kernel.IsFailing = true;
        Assert.Equal("futex(FUTEX_WAKE)", Assert.Throws<SharedMemoryException>(() => hold.Dispose()).Operation);
        kernel.IsFailing = false;
        Assert.False(mutex.IsHeld);
        mutex.Enter().Dispose();
    }

    [Fact]
    [Rule("refused.wake")]
    public void Without_FUTEX_WAKE_OP_a_sleeper_is_woken_in_two_steps()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        var kernel = new FaultingKernel(("futex(FUTEX_WAKE_OP)", Errno.ENOSYS));
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 63, null);
        using var other = Roster.Join(again);
        var hold = SharedMutex.At(roster, Memory.Mutex).Enter();
        var sleeper = Task.Run(() => SharedMutex.At(other, Memory.Mutex).Enter().Dispose());
        Watchdog.Until(() => memory.Word(Memory.Mutex) >> 31 != 0, "the sleeper");
        hold.Dispose();
        Assert.True(sleeper.Wait(Watchdog.Limit));
        Assert.Equal(1, kernel.Refused);
    }
}
