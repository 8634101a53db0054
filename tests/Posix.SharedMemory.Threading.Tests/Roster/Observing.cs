namespace Posix.SharedMemory.Threading.Tests;

/// <summary>A process without a seat looks at locks through a read-only mapping.</summary>
public sealed class Observing : TwoParticipants
{
    private readonly MemoryMapping _readOnly;
    private readonly Roster _observer;

    public Observing()
    {
        _readOnly = Memory.MapAgain(FileAccess.Read);
        _observer = Roster.Observe(_readOnly);
    }

    [Fact]
    [Rule("roster.observe")]
    public void An_observer_sees_who_writes_and_cannot_enter()
    {
        var look = SharedReaderWriterLock.At(_observer, Memory.ReaderWriter);
        Assert.Null(look.Writer);
        using (SharedReaderWriterLock.At(Roster, Memory.ReaderWriter).EnterWrite())
        {
            Assert.Equal(Roster.Self, look.Writer);
            Assert.False(look.IsInconsistent);
        }

        Refuses(
            () => look.EnterRead(),
            () => look.TryEnterRead(out _),
            () => look.EnterWrite(),
            () => look.TryEnterWrite(out _),
            () => look.TryEnterReadUnrepaired(out _),
            () => look.EnterReadAsync().AsTask().GetAwaiter().GetResult(),
            () => look.EnterWriteAsync().AsTask().GetAwaiter().GetResult());
    }

    [Fact]
    [Rule("roster.observe")]
    public void An_observer_sees_whether_work_is_done_and_cannot_do_it()
    {
        var look = SharedOnce.At(_observer, Memory.Once);
        Refuses(() => look.Run(() => { }), () => look.RunAsync(_ => default).AsTask().GetAwaiter().GetResult());
        Assert.False(look.IsDone);
        SharedOnce.At(Roster, Memory.Once).Run(() => { });
        Assert.True(look.IsDone);
    }

    [Fact]
    [Rule("roster.observe")]
    public void An_observer_sees_permits_that_come_back_and_cannot_take_them()
    {
        var look = SharedSemaphore.ReturningAt(_observer, Memory.Returning, 3);
        Assert.Equal(3, look.CurrentCount);
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        semaphore.Wait();
        Assert.Equal(2, look.CurrentCount);
        Refuses(() => look.Wait(), () => look.TryWait(), () => look.Release(), () => look.WaitAsync().AsTask().GetAwaiter().GetResult());
        semaphore.Release();
        Assert.Throws<InvalidDataException>(() => SharedSemaphore.ReturningAt(_observer, Memory.Returning, 4));
    }

    [Fact]
    [Rule("roster.observe")]
    public void An_observer_sees_whether_there_are_sleepers_and_cannot_wake_them()
    {
        var look = SharedEventCount.At(_observer, Memory.EventCount);
        Assert.False(look.HasWaiters);
        SharedEventCount.At(Roster, Memory.EventCount).PrepareWait();
        Assert.True(look.HasWaiters);
        Refuses(
            () => look.NotifyAll(),
            () => look.PrepareWait(),
            () => look.Wait(default, TimeSpan.Zero),
            () => SharedBarrier.At(_observer, Memory.Barrier, 2));
    }

    [Fact]
    [Rule("roster.observe")]
    public void An_observer_refuses_bytes_that_are_something_else()
    {
        SharedMutex.At(Roster, Memory.Data);
        Assert.Throws<InvalidDataException>(() => SharedReaderWriterLock.At(_observer, Memory.Data));
        Assert.Throws<InvalidDataException>(() => SharedOnce.At(_observer, Memory.Data));
        Assert.Throws<InvalidDataException>(() => SharedEventCount.At(_observer, Memory.Data));
        Assert.Throws<InvalidDataException>(() => SharedReaderWriterLock.At(_observer, Memory.Data));
    }

    protected override void Dispose(bool disposing)
    {
        _observer.Dispose();
        _readOnly.Dispose();
        base.Dispose(disposing);
    }

    private void Refuses(params Action[] acts)
    {
        var before = Mapping.GetReadOnlySpan().ToArray();
        Assert.All(acts, act => Assert.Contains("only observed", Assert.Throws<InvalidOperationException>(act).Message, StringComparison.Ordinal));
        Assert.True(Mapping.GetReadOnlySpan().SequenceEqual(before));
    }
}
