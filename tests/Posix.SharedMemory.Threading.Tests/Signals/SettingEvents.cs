using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Events and words.</summary>
public sealed class SettingEvents : TwoParticipants
{
    [Fact]
    [Rule("event.layout")]
    public void Mode_and_state_stand_in_eight_bytes()
    {
        var manual = SharedEvent.At(Mapping, Memory.Event, EventResetMode.ManualReset, initialState: true);
        Assert.Equal(1u, Memory.Word(Memory.Event));
        Assert.Equal(0x31455850u, Memory.Word(Memory.Event + 4));
        Assert.Equal(EventResetMode.ManualReset, SharedEvent.Open(OtherMapping, Memory.Event).Mode);
        Assert.Throws<InvalidDataException>(() => SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset));
        Assert.Throws<InvalidDataException>(() => SharedEvent.Open(Mapping, Memory.Data));
        Assert.Throws<ArgumentException>(() => SharedEvent.At(Mapping, Memory.Data, (EventResetMode)7));
        manual.Reset();
        Assert.False(manual.IsSet);
        SharedEvent.At(Mapping, Memory.Data, EventResetMode.AutoReset);
        Assert.Equal(0xB1455850u, Memory.Word(Memory.Data + 4));
    }

    [Fact]
    [Rule("event.manual")]
    public async Task A_manual_event_releases_all_waiters_until_it_is_reset()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.ManualReset);
        var other = SharedEvent.Open(OtherMapping, Memory.Event);
        Assert.False(signal.Wait(TimeSpan.Zero));
        var blocked = Task.Run(() => other.Wait());
        var waits = Enumerable.Range(0, 3).Select(_ => other.WaitAsync().AsTask()).ToArray();
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "a waiter");
        signal.Set();
        signal.Set();
        await Task.WhenAll([blocked, .. waits]).WaitAsync(Watchdog.Limit);
        Assert.True(other.IsSet);
        Assert.True(other.Wait(TimeSpan.Zero));
        signal.Reset();
        Assert.False(other.Wait(TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    [Rule("event.pulse")]
    public async Task No_waiter_sleeps_through_a_pulse()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.ManualReset);
        var blocked = Task.Run(() => signal.Wait());

        // The mark is of the thread that blocks, however late it begins; an asynchronous wait has begun when the call returns.
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "the thread that blocks");
        var wait = signal.WaitAsync().AsTask();
        await Task.Delay(50);
        signal.Set();
        signal.Reset();
        await Task.WhenAll(blocked, wait).WaitAsync(Watchdog.Limit);
        Assert.False(signal.IsSet);
    }

    [Fact]
    [Rule("event.auto")]
    public async Task An_automatic_event_releases_one_waiter()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        var waits = Enumerable.Range(0, 4).Select(i => i < 2 ? Task.Run(() => signal.Wait()) : signal.WaitAsync().AsTask()).ToList();
        for (var i = 0; i < 4; i++)
        {
            Watchdog.Until(() => !signal.IsSet, "the event to be taken");
            signal.Set();
            var done = await Task.WhenAny(waits).WaitAsync(Watchdog.Limit);
            waits.Remove(done);
        }

        Assert.False(signal.IsSet);
        signal.Set();
        Assert.True(signal.Wait(TimeSpan.Zero));
        Assert.False(signal.Wait(TimeSpan.Zero));
        Assert.False(await signal.WaitAsync(TimeSpan.FromMilliseconds(20)));
    }

    [Fact]
    [Rule("event.cancel")]
    public async Task A_cancelled_wait_consumes_no_signal()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        for (var i = 0; i < 20; i++)
        {
            using var cancellation = new CancellationTokenSource();
            var wait = signal.WaitAsync(cancellation.Token).AsTask();
            var blocked = Task.Run(() => signal.Wait(cancellation.Token));
            var cancelling = Task.Run(cancellation.Cancel);
            signal.Set();
            await cancelling;
            var taken = 0;
            foreach (var task in new[] { wait, blocked })
            {
                try
                {
                    await task;
                    taken++;
                }
                catch (OperationCanceledException)
                {
                    // Cancelled before the signal came.
                }
            }

            taken += signal.Wait(TimeSpan.Zero) ? 1 : 0;
            Assert.Equal(1, taken);
        }
    }

    [Fact]
    [Rule("event.process")]
    public void An_event_is_set_for_another_process()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        using var partner = Partner.Join(Memory);
        partner.Tell("wait-event");
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "the waiter");
        signal.Set();
        Assert.Equal("set", partner.ReadLine());
    }

    [Fact]
    [Rule("word.wait")]
    public async Task A_thread_sleeps_on_a_word_while_the_word_has_a_value()
    {
        var word = SharedWord.At(Mapping, Memory.Data);
        var other = SharedWord.At(OtherMapping, Memory.Data);
        Assert.Equal(WordWait.Changed, word.Wait(1, Timeout.InfiniteTimeSpan));
        Assert.Equal(WordWait.TimedOut, word.Wait(0, TimeSpan.FromMilliseconds(10)));
        Assert.Equal(0, word.Wake());
        var blocked = Task.Run(() => other.Wait(0, Timeout.InfiniteTimeSpan));
        var wait = other.WaitAsync(0).AsTask();
        await Task.Delay(30);
        Volatile.Write(ref word.Value, 7);
        word.Wake();
        Assert.Equal(WordWait.Changed, await blocked.WaitAsync(Watchdog.Limit));
        await wait.WaitAsync(Watchdog.Limit);
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => word.Wait(7, Timeout.InfiniteTimeSpan, cancellation.Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => word.Wake(0));
        Assert.Throws<ArgumentException>(() => SharedWord.At(Mapping, 2));
    }
}
