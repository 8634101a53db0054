using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Patience, by the words: what each kind of waiter makes of each state, and that nobody starves.</summary>
public sealed class Queueing : TwoParticipants
{
    private const uint W = LockLayout.Waiters, I = LockLayout.Inconsistent, P = LockLayout.Patient;

    /// <summary>Placeholders in the table: the one that acts, a living owner, a dead one.</summary>
    private const uint Me = 1, Living = 2, Dead = 3;

    public enum Waiter
    {
        Fresh,
        Trying,

        /// <summary>Has slept for less than a millisecond.</summary>
        Slept,

        /// <summary>Has slept for more.</summary>
        Patient,
    }

    [Theory]
    [InlineData(0u, Waiter.Fresh, Me, "Taken")]
    [InlineData(W, Waiter.Fresh, Me | W, "Taken")]
    [InlineData(0u, Waiter.Slept, Me | W, "Taken")]
    [InlineData(0u, Waiter.Patient, Me | W, "Taken")]
    [InlineData(I, Waiter.Fresh, Me | I, "TakenUnrepaired")]
    [InlineData(I | W, Waiter.Trying, Me | I | W, "TakenUnrepaired")]
    // Free, and somebody has waited for long: a fresh arrival queues, a try passes by, a waiter enters; the mark stays with one that is patient itself.
    [InlineData(P, Waiter.Fresh, P | W, "Pending")]
    [InlineData(P | W, Waiter.Fresh, P | W, "Pending")]
    [InlineData(P | W | I, Waiter.Fresh, P | W | I, "Pending")]
    [InlineData(P, Waiter.Trying, Me | P, "Taken")]
    [InlineData(P | W, Waiter.Trying, Me | P | W, "Taken")]
    [InlineData(P | W, Waiter.Slept, Me | W, "Taken")]
    [InlineData(P | W, Waiter.Patient, Me | P | W, "Taken")]
    [InlineData(P | W | I, Waiter.Slept, Me | W | I, "TakenUnrepaired")]
    // Held by a living process.
    [InlineData(Living, Waiter.Trying, Living, "Pending")]
    [InlineData(Living, Waiter.Fresh, Living | W, "Pending")]
    [InlineData(Living, Waiter.Slept, Living | W, "Pending")]
    [InlineData(Living, Waiter.Patient, Living | W | P, "Pending")]
    [InlineData(Living | W | I, Waiter.Patient, Living | W | P | I, "Pending")]
    [InlineData(Living | W | P, Waiter.Fresh, Living | W | P, "Pending")]
    // Held by a dead one: nobody queues, and the marks stay.
    [InlineData(Dead, Waiter.Fresh, Me | I, "TakenUnrepaired")]
    [InlineData(Dead | W | P, Waiter.Fresh, Me | W | P | I, "TakenUnrepaired")]
    [InlineData(Dead | P, Waiter.Trying, Me | P | I, "TakenUnrepaired")]
    [InlineData(Dead, Waiter.Slept, Me | W | I, "TakenUnrepaired")]
    [InlineData(LockLayout.Retired, Waiter.Patient, LockLayout.Retired, "Closed")]
    [Rule("mutex.patience")]
    public unsafe void Each_waiter_makes_of_each_word_what_the_protocol_says(uint word, Waiter waiter, uint after, string outcome)
    {
        using var third = Memory.MapAgain();
        uint dead;
        using (var gone = Roster.Join(third))
        {
            dead = gone.Self.Value;
        }

        var bytes = HeldBytes.Take(Mapping, Memory.Mutex, LockLayout.MutexSize, alignment: 8);
        var owned = new OwnedWord(Roster.Seat, bytes, (uint*)bytes.First);
        Memory.Store(Memory.Mutex, Filled(word, dead));
        var state = new WaitState { IsTry = waiter == Waiter.Trying };
        if (waiter is Waiter.Slept or Waiter.Patient)
        {
            state.Slept(waiter == Waiter.Patient ? 1_000_001 : 1_000_000, look: false);
        }

        var list = new SleepList(new LinuxFutexWaitv[4]);
        Assert.Equal(outcome, owned.Attempt(ref state, ref list).ToString());
        Assert.Equal(Filled(after, dead), Memory.Word(Memory.Mutex));
        Assert.False(list.IsToRetry);
        if (outcome == "Pending" && waiter != Waiter.Trying)
        {
            // It sleeps on what the word is now; beside it on the life of an owner.
            Assert.Equal(Filled(after, dead), (uint)list.Entries[0].val);
            Assert.Equal((after & LockLayout.OwnerMask) == 0 ? 1 : 2, list.Count);
        }
    }

    [Theory]
    [InlineData(Me, 0u)]
    [InlineData(Me | W, 0u)]
    [InlineData(Me | W | P, 0u)]
    [InlineData(Me | I, I)]
    [InlineData(Me | W | I, I)]
    [InlineData(Me | W | P | I, I)]
    [Rule("mutex.patience")]
    public void Leaving_clears_the_marks_if_nobody_sleeps(uint word, uint after)
    {
        var hold = SharedMutex.At(Roster, Memory.Mutex).Enter();
        Memory.Store(Memory.Mutex, Filled(word, 0));
        hold.Dispose();
        Assert.Equal(after, Memory.Word(Memory.Mutex));
    }

    [Fact]
    [Rule("mutex.patience")]
    public void A_waiter_that_has_slept_for_long_enters_before_the_owner_enters_again()
    {
        var hog = SharedMutex.At(Roster, Memory.Mutex);
        var mutex = SharedMutex.At(OtherRoster, Memory.Mutex);
        var first = 0;
        for (var round = 1; round <= 20; round++)
        {
            var hold = hog.Enter();
            var wasInside = 0;
            var waiter = new Thread(() =>
            {
                using var entered = mutex.Enter();
                Volatile.Write(ref wasInside, 1);
            })
            { Name = $"patient {round}" };
            waiter.Start();
            MakePatient(waiter.Name);
            hold.Dispose();
            // A waiter that slept in the runtime instead, for a collection, was not found asleep, and the mark has gone: such a round shows nothing.
            var isMarked = (Memory.Word(Memory.Mutex) & P) != 0;
            // At once: long before the waiter runs. Without the mark, this would take the free word.
            using (hog.Enter())
            {
                Assert.True(!isMarked || Volatile.Read(ref wasInside) == 1, $"the owner entered again before the waiter in round {round}");
                first += Volatile.Read(ref wasInside);
            }

            waiter.Join();
        }

        Assert.NotEqual(0, first);
    }

    [Fact]
    [Rule("mutex.patience")]
    public async Task A_waiter_enters_while_two_others_enter_back_to_back()
    {
        using var third = Memory.MapAgain();
        using var thirdRoster = Roster.Join(third);
        var isOver = false;
        var entries = new long[2];
        var hogs = new[] { Roster, OtherRoster }.Select((roster, i) => new Thread(() =>
        {
            var mutex = SharedMutex.At(roster, Memory.Mutex);
            while (!Volatile.Read(ref isOver))
            {
                using (mutex.Enter())
                {
                    entries[i]++;
                }
            }
        })).ToArray();
        Array.ForEach(hogs, hog => hog.Start());
        var waiter = SharedMutex.At(thirdRoster, Memory.Mutex);
        for (var i = 0; i < 20; i++)
        {
            await Task.Run(() => waiter.Enter().Dispose()).WaitAsync(Watchdog.Limit);
            (await waiter.EnterAsync().AsTask().WaitAsync(Watchdog.Limit)).Dispose();
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(hogs, hog => hog.Join());
        Assert.All(entries, count => Assert.NotEqual(0, count));
        Assert.Equal(0u, Memory.Word(Memory.Mutex) & (LockLayout.OwnerMask | P));
    }

    /// <summary>Wakes the waiter without cause until it has slept for more than a millisecond and marked the word.</summary>
    private void MakePatient(string thread)
    {
        var word = SharedWord.At(Mapping, Memory.Mutex);
        Watchdog.Until(
            () =>
            {
                word.Wake();
                return (Memory.Word(Memory.Mutex) & (W | P)) == (W | P);
            },
            "a patient waiter");
        // Asleep again: a leaver that finds nobody asleep clears the mark.
        Watchdog.Until(() => ServiceThreads.IsInFutex(thread), "the sleep of the waiter");
    }

    private uint Filled(uint word, uint dead) => (word & 0x0FFFFFFF) switch
    {
        Me => Roster.Self.Value | (word & ~LockLayout.OwnerMask),
        Living => OtherRoster.Self.Value | (word & ~LockLayout.OwnerMask),
        Dead => dead | (word & ~LockLayout.OwnerMask),
        _ => word,
    };
}
