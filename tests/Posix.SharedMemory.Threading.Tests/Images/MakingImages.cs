namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The bytes of each format are those of the specification's images, to the last one.</summary>
public sealed class MakingImages : TwoParticipants
{
    [Fact]
    [Rule("images.made")]
    public void A_roster_with_a_living_a_former_and_a_killed_participant_has_these_bytes()
    {
        OtherRoster.Dispose();
        using (var partner = Peers.Partner.Join(Memory))
        {
            partner.Kill();
        }

        Becomes("roster", "roster", 0);
    }

    [Fact]
    [Rule("images.made")]
    public async Task Mutexes_have_these_bytes()
    {
        using var rarely = new RareLooks();
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var other = SharedMutex.At(OtherRoster, Memory.Mutex);
        Is("mutex", "free", Memory.Mutex);
        var hold = mutex.Enter();
        Is("mutex", "held", Memory.Mutex);
        var sleeper = Task.Run(() => other.Enter());
        Becomes("mutex", "awaited", Memory.Mutex);
        hold.Dispose();
        _ = await sleeper.WaitAsync(Watchdog.Limit);
        // For everybody else it dies here, inside.
        OtherRoster.Dispose();
        hold = mutex.EnterUnrepaired();
        Assert.True(hold.OwnerDied);
        // Whoever had slept left the mark of sleepers; nobody sleeps, so the first to leave clears it.
        hold.Dispose();
        Becomes("mutex", "unrepaired", Memory.Mutex);
        hold = mutex.EnterUnrepaired();
        Is("mutex", "inherited", Memory.Mutex);
        hold.Retire();
        Is("mutex", "retired", Memory.Mutex);
    }

    [Fact]
    [Rule("images.made")]
    public void A_once_has_these_bytes()
    {
        var once = SharedOnce.At(Roster, Memory.Once);
        Is("once", "new", Memory.Once);
        once.Run(() => Is("once", "running", Memory.Once));
        Is("once", "done", Memory.Once);
    }

    [Fact]
    [Rule("images.made")]
    public async Task Events_have_these_bytes()
    {
        using var rarely = new RareLooks();
        var manual = SharedEvent.At(Mapping, Memory.Event, EventResetMode.ManualReset);
        Is("event", "manual", Memory.Event);
        manual.Set();
        Is("event", "manual-set", Memory.Event);
        manual.Reset();
        Is("event", "manual-pulsed", Memory.Event);
        var automatic = SharedEvent.At(Mapping, Memory.Data, EventResetMode.AutoReset);
        Is("event", "automatic", Memory.Data);
        automatic.Set();
        Is("event", "automatic-set", Memory.Data);
        automatic.Wait();
        Is("event", "automatic", Memory.Data);
        var sleeper = Task.Run(() => automatic.Wait());
        Becomes("event", "automatic-awaited", Memory.Data);
        automatic.Set();
        await sleeper.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("images.made")]
    public async Task Semaphores_have_these_bytes()
    {
        using var rarely = new RareLooks();
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 3, 5);
        Is("semaphore", "three-of-five", Memory.Semaphore);
        semaphore.Wait();
        semaphore.Wait();
        semaphore.Wait();
        Is("semaphore", "none", Memory.Semaphore);
        var sleeper = Task.Run(() => semaphore.Wait());
        Becomes("semaphore", "awaited", Memory.Semaphore);
        semaphore.Release();
        await sleeper.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("images.made")]
    public void A_returning_semaphore_has_these_bytes()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        Is("returning", "new", Memory.Returning);
        semaphore.Wait();
        semaphore.Wait();
        SharedSemaphore.ReturningAt(OtherRoster, OtherMapping, Memory.Returning, 3).Wait();
        Is("returning", "all-taken", Memory.Returning);
        semaphore.Release();
        Is("returning", "released", Memory.Returning);
    }

    [Fact]
    [Rule("images.made")]
    public void An_event_count_has_these_bytes()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Is("eventcount", "new", Memory.EventCount);
        _ = count.PrepareWait();
        Is("eventcount", "prepared", Memory.EventCount);
        count.NotifyAll();
        Is("eventcount", "notified", Memory.EventCount);
    }

    [Fact]
    [Rule("images.made")]
    public void A_condition_has_these_bytes()
    {
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        Is("condition", "new", Memory.Condition);
        condition.Pulse();
        condition.PulseAll();
        Is("condition", "pulsed-twice", Memory.Condition);
    }

    [Fact]
    [Rule("images.made")]
    public async Task A_barrier_has_these_bytes()
    {
        using var rarely = new RareLooks();
        var barrier = SharedBarrier.At(Roster, Memory.Barrier, 2);
        Is("barrier", "new", Memory.Barrier);
        var first = Task.Run(() => barrier.SignalAndWait());
        Becomes("barrier", "one-there", Memory.Barrier);
        Assert.Equal(BarrierResult.Last, SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 2).SignalAndWait());
        Assert.Equal(BarrierResult.Passed, await first.WaitAsync(Watchdog.Limit));
        Is("barrier", "passed", Memory.Barrier);
    }

    [Theory]
    [InlineData(ReaderLayout.Spread, "spread")]
    [InlineData(ReaderLayout.Compact, "compact")]
    [Rule("images.made")]
    public void Reader_writer_locks_that_are_read_have_these_bytes(ReaderLayout layout, string name)
    {
        var here = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter, layout);
        var there = SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter, layout);
        Is("readerwriter", name, Memory.ReaderWriter);
        using (here.EnterRead())
        using (here.EnterRead())
        using (there.EnterRead())
        {
            Is("readerwriter", $"{name}-read", Memory.ReaderWriter);
        }
    }

    [Fact]
    [Rule("images.made")]
    public async Task A_reader_writer_lock_that_is_written_has_these_bytes()
    {
        using var rarely = new RareLooks();
        var here = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        var there = SharedReaderWriterLock.At(OtherRoster, OtherMapping, Memory.ReaderWriter);
        var writing = here.EnterWrite();
        var reader = Task.Run(() => there.EnterRead());
        Becomes("readerwriter", "written", Memory.ReaderWriter);
        writing.Dispose();
        var reading = await reader.WaitAsync(Watchdog.Limit);
        Is("readerwriter", "read-after", Memory.ReaderWriter);
        reading.Dispose();
        using var unused = new Memory();
        using var alone = Roster.Join(unused.Mapping);
        SharedReaderWriterLock.At(alone, Memory.ReaderWriter).EnterWrite().Retire();
        Is("readerwriter", "retired", unused.Mapping, Memory.ReaderWriter);
    }

    [Fact]
    [Rule("images.made")]
    public void Named_locks_have_these_bytes()
    {
        using var name = new TemporaryName("images");
        using (var mutex = NamedMutex.Create(name))
        {
            mutex.WaitOne();
            Is("named", "mutex-held", name);
            mutex.ReleaseMutex();
        }

        using (NamedSemaphore.OpenOrCreate(name, 2, 4, out _, new() { Lifetime = Lifetime.Keep }))
        {
            Is("named", "semaphore-kept", name);
        }

        SharedMemoryObject.Unlink(name);
        using (NamedEvent.OpenOrCreate(name, initialState: true, EventResetMode.AutoReset, out _))
        {
            Is("named", "event-automatic-set", name);
        }
    }

    [Fact]
    [Rule("images.made")]
    public void A_byte_that_is_not_the_images_is_found()
    {
        var image = Image.Read("mutex", "held");
        var bytes = new byte[image.Length];
        image.CopyTo(bytes);
        Assert.Null(image.DifferenceFrom(bytes));
        bytes[15]++;
        Assert.Equal("byte 0xf is 01, not 00", image.DifferenceFrom(bytes));
    }

    private static void Is(string format, string name, string lockName)
    {
        using var memory = SharedMemoryObject.Open(lockName);
        using var mapping = memory.Map();
        Is(format, name, mapping, 0);
        Assert.Equal(Image.Read(format, name).Length, memory.Length);
    }

    private void Is(string format, string name, long offset) => Is(format, name, Mapping, offset);

    private static void Is(string format, string name, MemoryMapping mapping, long offset)
    {
        var image = Image.Read(format, name);
        var difference = image.DifferenceFrom(mapping.GetSpan(offset, image.Length));
        Assert.True(difference is null, $"{format}.hex: {name}: {difference}");
    }

    /// <summary>As <see cref="Is(string, string, long)"/>, once somebody who is on its way to sleep does, or the kernel has marked a process that has ended.</summary>
    private void Becomes(string format, string name, long offset)
    {
        var image = Image.Read(format, name);
        try
        {
            Watchdog.Until(() => image.DifferenceFrom(Mapping.GetSpan(offset, image.Length)) is null, $"{format}.hex: {name}");
        }
        catch (TimeoutException)
        {
            Is(format, name, offset);
            throw;
        }
    }
}
