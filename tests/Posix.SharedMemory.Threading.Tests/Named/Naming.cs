using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Named mutexes, semaphores and events.</summary>
public sealed class Naming : IDisposable
{
    private readonly TemporaryName _name = new("named");

    [Fact]
    [Rule("named.create")]
    public void A_name_is_created_once_and_disappears_with_its_last_user()
    {
        using (var first = NamedMutex.OpenOrCreate(_name, out var createdNew))
        {
            Assert.True(createdNew);
            Assert.True(_name.Exists);
            Assert.Equal(4096, new FileInfo(_name.Path).Length);
            using var second = NamedMutex.OpenOrCreate(@"Global\" + _name, out createdNew);
            Assert.False(createdNew);
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => NamedMutex.Create(_name)).Errno);
            using var third = NamedMutex.OpenExisting(@"Local\" + _name);
            Assert.True(NamedMutex.TryOpenExisting(_name, out var fourth));
            fourth.Dispose();
            fourth.Dispose();
        }

        Assert.False(_name.Exists);
        Assert.False(NamedMutex.TryOpenExisting(_name, out _));
        Assert.Throws<WaitHandleCannotBeOpenedException>(() => NamedMutex.OpenExisting(_name));
        Assert.Throws<ArgumentException>(() => NamedMutex.OpenOrCreate("", out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => NamedMutex.Create(_name, new() { Seats = 0 }));
        Assert.False(_name.Exists);
    }

    [Fact]
    [Rule("named.closed")]
    public void One_that_was_closed_is_not_waited_for()
    {
        using var semaphore = NamedSemaphore.Create(_name, 0, 1);
        semaphore.Dispose();
        Assert.Throws<ObjectDisposedException>(() => semaphore.WaitOne());
        Assert.Throws<ObjectDisposedException>(() => semaphore.WaitOne(0));
        Assert.Throws<ObjectDisposedException>(() => semaphore.WaitOne(TimeSpan.Zero));
        Assert.Throws<ObjectDisposedException>(() => semaphore.Release());
        using var happened = NamedEvent.Create(_name, false, EventResetMode.AutoReset);
        happened.Dispose();
        Assert.Throws<ObjectDisposedException>(() => happened.WaitOne());
        Assert.Throws<ObjectDisposedException>(() => happened.WaitOne(0));
        Assert.Throws<ObjectDisposedException>(() => happened.WaitOne(TimeSpan.Zero));
        Assert.Throws<ObjectDisposedException>(() => happened.Set());
        Assert.Throws<ObjectDisposedException>(() => happened.Reset());
        using var mutex = NamedMutex.Create(_name);
        mutex.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mutex.WaitOne(0));

        // Also where another object of this process keeps the lock open.
        using var kept = NamedMutex.Create(_name);
        using var closed = NamedMutex.OpenExisting(_name);
        closed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => closed.WaitOne());
        Assert.True(kept.WaitOne(0));
        kept.ReleaseMutex();
    }

    [Fact]
    [Rule("named.bytes")]
    public void Opening_a_lock_whose_own_bytes_are_something_else_leaves_no_user_behind()
    {
        using (NamedMutex.OpenOrCreate(_name, out _))
        {
            Overwrite();
            Assert.Throws<InvalidDataException>(() => NamedMutex.OpenExisting(_name));
        }

        Assert.False(_name.Exists);
        using (NamedEvent.OpenOrCreate(_name, false, EventResetMode.AutoReset, out _))
        {
            Overwrite();
            Assert.Throws<InvalidDataException>(() => NamedEvent.OpenExisting(_name));
        }

        Assert.False(_name.Exists);
        using (NamedSemaphore.OpenOrCreate(_name, 1, 1, out _, new() { ReturnPermitsOfTheDead = true }))
        {
            Overwrite();
            Assert.Throws<InvalidDataException>(() => NamedSemaphore.TryOpenExisting(_name, out _));
        }

        Assert.False(_name.Exists);
    }

    [Fact]
    [Rule("named.create")]
    public void Opening_what_is_missing_is_a_value_and_what_is_of_another_kind_an_error()
    {
        Assert.False(NamedSemaphore.TryOpenExisting(_name, out var noSemaphore));
        Assert.False(NamedEvent.TryOpenExisting(_name, out var noEvent));
        Assert.Null(noSemaphore);
        Assert.Null(noEvent);
        using (NamedSemaphore.OpenOrCreate(_name, 1, 2, out _))
        {
            Assert.True(NamedSemaphore.TryOpenExisting(_name, out var semaphore));
            Assert.True(semaphore.WaitOne(0));
            semaphore.Dispose();
            Assert.Throws<WaitHandleCannotBeOpenedException>(() => NamedEvent.TryOpenExisting(_name, out _));
        }

        using (NamedEvent.OpenOrCreate(_name, true, EventResetMode.AutoReset, out _))
        {
            Assert.True(NamedEvent.TryOpenExisting(_name, out var signal));
            Assert.True(signal.WaitOne(0));
            signal.Dispose();
            Assert.Throws<WaitHandleCannotBeOpenedException>(() => NamedSemaphore.TryOpenExisting(_name, out _));
        }

        Assert.False(_name.Exists);
    }

    [Fact]
    [Rule("named.create")]
    public void The_creator_says_who_may_use_it()
    {
        const UnixFileMode Group = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        using (NamedMutex.Create(_name))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_name.Path));
        }

        using (NamedMutex.Create(_name, new() { Permissions = Group }))
        using (NamedMutex.OpenOrCreate(_name, out var createdNew, new() { Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            Assert.False(createdNew);
            Assert.Equal(Group, File.GetUnixFileMode(_name.Path));
        }
    }

    [Fact]
    [Rule("named.kind")]
    public void A_name_of_another_kind_is_refused()
    {
        using var mutex = NamedMutex.Create(_name);
        Assert.Throws<WaitHandleCannotBeOpenedException>(() => NamedSemaphore.OpenOrCreate(_name, 0, 1, out _));
        Assert.Throws<WaitHandleCannotBeOpenedException>(() => NamedEvent.OpenExisting(_name));
        using var other = new TemporaryName("named");
        using var memory = SharedMemoryObject.Create(other, 100);
        Assert.Throws<WaitHandleCannotBeOpenedException>(() => NamedMutex.OpenOrCreate(other, out _));
        Assert.True(other.Exists);
    }

    [Fact]
    [Rule("named.mutex")]
    public async Task A_mutex_is_entered_by_WaitOne_and_left_by_ReleaseMutex()
    {
        using var first = NamedMutex.OpenOrCreate(_name, out _);
        using var second = NamedMutex.OpenExisting(_name);
        Assert.True(first.WaitOne());
        Assert.False(await Task.Run(() => second.WaitOne(10)));
        Assert.Throws<LockLostException>(() => second.ReleaseMutex());
        await Task.Run(first.ReleaseMutex);
        Assert.True(second.WaitOne(TimeSpan.FromMinutes(1)));
        second.ReleaseMutex();
        using (await second.Lock.EnterAsync())
        {
            Assert.False(first.WaitOne(0));
        }
    }

    [Fact]
    [Rule("named.seat")]
    public void Objects_of_one_name_in_a_process_share_a_seat()
    {
        using var first = NamedMutex.Create(_name, new() { Seats = 2 });
        for (var i = 0; i < 10; i++)
        {
            using var more = NamedMutex.OpenExisting(_name);
            using (more.Lock.Enter())
            {
                Assert.Equal(1, first.Lock.Holder!.Value.Seat);
            }
        }
    }

    [Fact]
    [Rule("named.semaphore")]
    public void A_semaphore_keeps_its_counts()
    {
        using var first = NamedSemaphore.OpenOrCreate(_name, 1, 3, out var createdNew);
        using var second = NamedSemaphore.OpenOrCreate(_name, 2, 9, out var createdAgain);
        Assert.True(createdNew);
        Assert.False(createdAgain);
        Assert.Equal(3, second.Semaphore.MaximumCount);
        Assert.True(second.WaitOne());
        Assert.False(first.WaitOne(0));
        Assert.Equal(0, first.Release(2));
        Assert.True(second.WaitOne(TimeSpan.FromMilliseconds(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => NamedSemaphore.Create("x", 2, 1));
        Assert.Throws<ArgumentException>(() => NamedSemaphore.Create("x", 1, 2, new() { ReturnPermitsOfTheDead = true }));
    }

    [Fact]
    [Rule("named.returning")]
    public void Permits_of_a_killed_process_come_back_by_name_too()
    {
        using var semaphore = NamedSemaphore.Create(_name, 1, 1, new() { ReturnPermitsOfTheDead = true });
        using var peer = Partner.Start("named-take", _name);
        Assert.Equal("taken", peer.ReadLine());
        Assert.False(semaphore.WaitOne(0));
        peer.Kill();
        Assert.True(semaphore.WaitOne(TimeSpan.FromMinutes(2)));
        using var again = NamedSemaphore.OpenExisting(_name);
        Assert.Equal(1, again.Semaphore.MaximumCount);
    }

    [Fact]
    [Rule("named.event")]
    public void An_event_keeps_its_mode()
    {
        using var first = NamedEvent.OpenOrCreate(_name, true, EventResetMode.AutoReset, out _);
        using var second = NamedEvent.OpenOrCreate(_name, false, EventResetMode.ManualReset, out var createdNew);
        Assert.False(createdNew);
        Assert.True(second.WaitOne(0));
        Assert.False(first.WaitOne(TimeSpan.Zero));
        Assert.True(second.Set());
        Assert.True(first.Reset());
        Assert.False(second.WaitOne(0));
        Assert.Throws<ArgumentException>(() => NamedEvent.Create("x", true, (EventResetMode)9));
    }

    [Fact]
    [Rule("named.abandoned")]
    public void After_its_last_user_was_killed_a_lock_starts_again()
    {
        using (var peer = Partner.Start("named-hold", _name))
        {
            Assert.Equal("held", peer.ReadLine());
            peer.Kill();
        }

        Assert.True(_name.Exists);
        using var mutex = NamedMutex.OpenOrCreate(_name, out var createdNew);
        Assert.True(createdNew);
        Assert.True(mutex.WaitOne(0));
        mutex.ReleaseMutex();
    }

    [Fact]
    [Rule("named.keep")]
    public void With_Keep_name_and_state_stay()
    {
        using (var peer = Partner.Start("named-keep", _name))
        {
            Assert.Equal("held", peer.ReadLine());
            peer.Kill();
        }

        using var mutex = NamedMutex.OpenOrCreate(_name, out var createdNew);
        Assert.False(createdNew);
        Assert.Throws<OwnerDiedException>(() => mutex.WaitOne());
        mutex.Dispose();
        Assert.True(_name.Exists);
    }

    /// <summary>Writes something else over the tags of the lock.</summary>
    private void Overwrite()
    {
        using var memory = SharedMemoryObject.Open(_name);
        using var mapping = memory.Map();
        mapping.GetReference<uint>(2176 + 4) = 7;
        mapping.GetReference<uint>(2176 + 16) = 7;
    }

    public void Dispose() => _name.Dispose();
}
