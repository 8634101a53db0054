using Posix.SharedMemory.Threading.Interop;
using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>What works on systems that let processes wait for one word, and mark no deaths: processes that know no more of Linux than that, and the errors of macOS and FreeBSD, scripted.</summary>
public sealed class OtherSystems : IDisposable
{
    private readonly Memory _memory = new();

    [Fact]
    [Rule("systems.words")]
    public void Words_wake_other_processes_blocked_or_not()
    {
        using var waiter = Start();
        using var other = Start();
        waiter.Tell("wait-word");
        other.Tell("wait-word-async");
        Thread.Sleep(20);
        using var third = Start();
        Assert.Equal("1", third.Ask("change-word"));
        Assert.Equal("Changed", waiter.ReadLine());
        Assert.Equal("changed", other.ReadLine());
        Assert.Equal("TimedOut", third.Ask("wait-word-briefly"));
        Assert.Equal("canceled", third.Ask("cancel-word"));
    }

    [Theory]
    [InlineData("wait-semaphore", false)]
    [InlineData("wait-semaphore-async", false)]
    [InlineData("wait-semaphore", true)]
    [InlineData("wait-semaphore-async", true)]
    [Rule("systems.lost")]
    public void A_permit_reaches_a_sleeper_even_if_the_wake_up_is_lost(string wait, bool losesWakes)
    {
        var semaphore = SharedSemaphore.At(_memory.Mapping, Memory.Semaphore, 0, 5);
        using var waiter = Start(losesWakes);
        using var releaser = Start(losesWakes);
        waiter.Tell(wait);
        Watchdog.Until(() => (_memory.Word(Memory.Semaphore) >> 31) == 1, "the sleeper");
        // The mark comes before the sleep: as a rule it sleeps by now.
        Thread.Sleep(losesWakes ? 50 : 0);
        Assert.Equal("0", releaser.Ask("release"));
        Assert.Equal("True", waiter.ReadLine());
        Assert.Equal(0, semaphore.CurrentCount);
    }

    [Fact]
    [Rule("systems.words")]
    public void The_first_of_several_things_is_taken()
    {
        _ = SharedSemaphore.At(_memory.Mapping, Memory.Semaphore, 0, 5);
        _ = SharedEvent.At(_memory.Mapping, Memory.Event, EventResetMode.AutoReset);
        using var waiter = Start();
        using var setter = Start();
        waiter.Tell("wait-any");
        Watchdog.Until(() => (_memory.Word(Memory.Event) >> 31) == 1, "the sleeper");
        // It sleeps on the semaphore's word only, and looks at the other when the slice is over.
        Assert.Equal("set", setter.Ask("set"));
        Assert.Equal("1", waiter.ReadLine());
    }

    [Fact]
    [Rule("systems.seats")]
    public void A_roster_and_named_locks_are_refused_before_anything_is_written_or_created()
    {
        using var peer = Start();
        using var name = new TemporaryName("without-seats");
        Assert.Equal("refused;", peer.Ask("join"));
        Assert.Equal("refused;refused;", peer.Ask(name));
        Assert.Equal("False", peer.Ask("support"));
        Assert.False(_memory.Mapping.GetReadOnlySpan(0, 4096).ContainsAnyExcept((byte)0));
        Assert.False(SharedMemoryObject.Exists(name));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(Bsd.EINTR, true)]
    [InlineData(Bsd.EFAULT, true)]
    [InlineData(Bsd.ETIMEDOUT, false)]
    [Rule("systems.numbers")]
    public unsafe void Results_of_waits_are_read_by_the_numbers_of_macOS_and_FreeBSD(int errno, bool hasEnded)
    {
        foreach (var kernel in new SeatlessKernel[] { new ScriptedMac(errno), new ScriptedFreeBsd(errno) })
        {
            var word = 5u;
            var list = new SleepList(new LinuxFutexWaitv[1]);
            list.Add(&word, 5);
            Assert.Equal(hasEnded, kernel.Sleep(ref list, Deadline.Now + Deadline.Second));
            // A sleep without a deadline has none that could pass.
            Assert.True(kernel.Sleep(ref list, long.MaxValue));
            // A time that is over needs no call: whether the word has changed is what is asked.
            Assert.False(kernel.Sleep(ref list, 1));
            word = 6;
            Assert.True(kernel.Sleep(ref list, 1));
        }
    }

    [Fact]
    [Rule("systems.numbers")]
    public unsafe void Other_errors_are_reported_with_their_call()
    {
        const int EINVAL = 22;
        foreach (var (kernel, wait, wake) in new (SeatlessKernel, string, string)[]
        {
            (new ScriptedMac(EINVAL, EINVAL), "os_sync_wait_on_address_with_timeout", "os_sync_wake_by_address_any"),
            (new ScriptedFreeBsd(EINVAL, EINVAL), "_umtx_op(UMTX_OP_WAIT_UINT)", "_umtx_op(UMTX_OP_WAKE)"),
        })
        {
            var word = 0u;
            var error = Assert.Throws<SharedMemoryException>(() =>
            {
                var list = new SleepList(new LinuxFutexWaitv[1]);
                list.Add((uint*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref word), 0);
                kernel.Sleep(ref list, long.MaxValue);
            });
            Assert.Equal((wait, Errno.EINVAL), (error.Operation, error.Errno));
            error = Assert.Throws<SharedMemoryException>(() => kernel.Wake((uint*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref word), 1));
            Assert.Equal((wake, Errno.EINVAL), (error.Operation, error.Errno));
        }
    }

    [Fact]
    [Rule("systems.numbers")]
    public unsafe void MacOS_wakes_one_by_one_until_nobody_sleeps_and_FreeBSD_does_not_count()
    {
        var word = 0u;
        Assert.Equal(2, new ScriptedMac(0, 0, Bsd.EINTR, 0, Bsd.ENOENT).Wake(&word, 5));
        Assert.Equal(2, new ScriptedMac(0, 0, 0, Bsd.EFAULT).Wake(&word, 2));
        Assert.Equal(0, new ScriptedMac(0, Bsd.ENOENT).Wake(&word, int.MaxValue));
        Assert.Equal(1, new ScriptedMac(0, 0).Wake(&word, int.MaxValue));
        Assert.Equal(5, new ScriptedFreeBsd(0, 0).Wake(&word, 5));
        Assert.Equal(1, new ScriptedFreeBsd(0, 0).Wake(&word, int.MaxValue));
    }

    [Fact]
    [Rule("systems.numbers")]
    public unsafe void A_word_is_changed_before_its_sleepers_are_woken()
    {
        var word = 2u;
        foreach (var (change, argument, expected) in new[] { (WordChange.Add, 3, 5u), (WordChange.Or, 8, 13u), (WordChange.SetBit, 31, 1u << 31) })
        {
            Assert.Equal(1, new ScriptedFreeBsd(0, 0).ChangeAndWake(&word, change, argument, 1));
            Assert.Equal(expected, word);
        }
    }

    [Fact]
    [Rule("systems.numbers")]
    public void Numbers_and_layouts_are_those_that_were_read_in_the_headers()
    {
        Assert.Equal(24, System.Runtime.CompilerServices.Unsafe.SizeOf<FreeBsdUmtxTime>());
        Assert.Equal((3, 11, 15, 16, 4u), (FreeBsd.UMTX_OP_WAKE, FreeBsd.UMTX_OP_WAIT_UINT, FreeBsd.UMTX_OP_WAIT_UINT_PRIVATE, FreeBsd.UMTX_OP_WAKE_PRIVATE, FreeBsd.CLOCK_MONOTONIC));
        Assert.Equal((1u, 1u, 32u), (MacOS.OS_SYNC_WAIT_ON_ADDRESS_SHARED, MacOS.OS_SYNC_WAKE_BY_ADDRESS_SHARED, MacOS.OS_CLOCK_MACH_ABSOLUTE_TIME));
    }

    public void Dispose() => _memory.Dispose();

    private Peer Start(bool losesWakes = false)
    {
        var peer = Partner.Start(losesWakes ? "without-seats-or-wakes" : "without-seats", _memory.Name);
        Assert.Equal("ready", peer.ReadLine());
        return peer;
    }

    private sealed class ScriptedMac(int wait, params int[] wakes) : MacKernel
    {
        private int _next;

        protected override unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds) => wait;

        protected override unsafe int WakeOn(uint* word, bool isAll, bool isPrivate) => wakes[_next++];
    }

    private sealed class ScriptedFreeBsd(int wait, params int[] wakes) : FreeBsdKernel
    {
        private int _next;

        protected override unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds) => wait;

        protected override unsafe int WakeOn(uint* word, int count, bool isPrivate) => wakes[_next++];
    }
}
