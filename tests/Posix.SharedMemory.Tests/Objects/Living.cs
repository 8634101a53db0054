using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Who removes a name.</summary>
public sealed class Living
{
    private static readonly SharedMemoryOptions s_disposing = new() { Lifetime = Lifetime.UnlinkOnDispose };
    private static readonly SharedMemoryOptions s_membership = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    [Fact]
    [Rule("lifetime.manual")]
    public void Disposing_removes_no_name_by_default()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        SharedMemoryObject.Open(name).Dispose();
        SharedMemoryObject.OpenOrCreate(name, 1, out _).Dispose();
        Assert.True(name.Exists);
        using var published = new TemporaryName();
        using (var memory = SharedMemoryObject.CreateUnpublished(1))
        {
            memory.Publish(published);
        }

        Assert.True(published.Exists);
    }

    [SkippableFact]
    [Rule("lifetime.hidden")]
    public void Another_programs_lock_on_the_whole_object_hides_no_member_and_makes_none()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using TemporaryName name = new(), kept = new();
        var first = SharedMemoryObject.Create(name, 1, s_membership);
        SharedMemoryObject.Create(kept, 1).Dispose();
        using var python = Peer.Run(
            "python3", "-c",
            $"import fcntl, sys\nfiles=[open(path) for path in ('{name.Path}', '{kept.Path}')]\nfor file in files: fcntl.lockf(file, fcntl.LOCK_SH)\nprint('locked', flush=True)\nsys.stdin.readline()");
        Assert.Equal("locked", python.ReadLine());
        var second = SharedMemoryObject.Open(name);
        // The kernel reports the first lock: from now on, the other program's.
        first.Dispose();
        var third = SharedMemoryObject.Open(name);
        Assert.True(third.IsMember);
        Assert.True(third.HasOtherMembers);
        using var other = SharedMemoryObject.Open(kept);
        Assert.False(other.IsMember);
        python.Kill();
        python.Finish();
        second.Dispose();
        Assert.True(name.Exists);
        Assert.False(third.HasOtherMembers);
        third.Dispose();
        Assert.False(name.Exists);
        other.Dispose();
        Assert.True(kept.Exists);
    }

    [Theory]
    [InlineData("Create")]
    [InlineData("OpenOrCreate")]
    [InlineData("Publish")]
    [InlineData("UnlinkOnDispose")]
    [Rule("lifetime.dispose")]
    public void The_creators_Dispose_removes_the_name(string way)
    {
        using var name = new TemporaryName();
        using var memory = Make(way, name, s_disposing);
        using var mapping = memory.Map();
        using (var owner = way == "UnlinkOnDispose" ? new NameOwner(memory) : null)
        {
            Assert.True(name.Exists);
        }

        if (way != "UnlinkOnDispose")
        {
            memory.Dispose();
        }

        Assert.False(name.Exists);
        mapping.GetSpan()[0] = 1;
        memory.Dispose();
    }

    [Fact]
    [Rule("lifetime.dispose")]
    public void UnlinkOnDispose_works_for_an_opened_object_and_after_the_object_is_disposed()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        var owner = new NameOwner(memory);
        memory.Dispose();
        Assert.True(name.Exists);
        owner.Dispose();
        Assert.False(name.Exists);

        using var successor = SharedMemoryObject.Create(name, 1);
        owner.Dispose();
        Assert.True(name.Exists);
    }

    [Theory]
    [InlineData("Create")]
    [InlineData("Publish")]
    [InlineData("UnlinkOnDispose")]
    [InlineData("membership")]
    [Rule("lifetime.own")]
    public void A_newer_object_under_the_name_survives(string way)
    {
        using var name = new TemporaryName();
        using var memory = Make(way, name, way == "membership" ? s_membership : s_disposing);
        using (var owner = way == "UnlinkOnDispose" ? new NameOwner(memory) : null)
        {
            SharedMemoryObject.Unlink(name);
            using var newer = SharedMemoryObject.Create(name, 1);
            owner?.Dispose();
            memory.Dispose();
            Assert.True(name.Exists);
            Assert.False(newer.IsUnlinked);
        }
    }

    [Theory]
    [InlineData("Create")]
    [InlineData("OpenOrCreate")]
    [InlineData("Publish")]
    [InlineData("UnlinkOnDispose")]
    [InlineData("membership")]
    [Rule("lifetime.attached")]
    public void A_forked_child_removes_nothing(string way)
    {
        using var name = new TemporaryName();
        var platform = ScriptedPlatform.Forking();
        using (Platform.Substitute(platform))
        {
            // The child has a copy of everything, and another process number.
            var memory = Make(way, name, way == "membership" ? s_membership : s_disposing);
            var owner = way == "UnlinkOnDispose" ? new NameOwner(memory) : null;
            platform.IsChild = true;
            owner?.Dispose();
            memory.Dispose();
            Assert.True(name.Exists);
        }
    }

    [Fact]
    [Rule("lifetime.attached")]
    public void A_process_that_opened_the_object_removes_nothing()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1, s_disposing);
        using (var peer = Peer.Start("use", name, "open", nameof(Lifetime.Keep)))
        using (var joiner = Peer.Start("use", name, "join", nameof(Lifetime.UnlinkOnDispose)))
        {
            foreach (var attached in (Peer[])[peer, joiner])
            {
                Assert.Equal("using opened", attached.ReadLine());
                attached.Tell("leave");
                Assert.Equal("left", attached.ReadLine());
            }
        }

        Assert.True(name.Exists);
        memory.Dispose();
        Assert.False(name.Exists);
    }

    [Theory]
    [InlineData(Lifetime.UnlinkOnDispose)]
    [InlineData(Lifetime.UnlinkOnLastDispose)]
    [Rule("lifetime.attached")]
    public void Garbage_collection_removes_nothing(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        var (memory, handle) = Abandon(name, lifetime);
        Watchdog.Until(
            () =>
            {
#pragma warning disable RS0030 // The rule under test is about the collector.
                GC.Collect();
#pragma warning restore RS0030
                GC.WaitForPendingFinalizers();
                return !memory.IsAlive && !handle.IsAlive;
            },
            "the collection of the object");
        Assert.True(name.Exists);
        Assert.DoesNotContain(SharedMemoryDirectory.GetHolders(name), holder => holder.ProcessId == Environment.ProcessId);
    }

    [Fact]
    [Rule("lifetime.last")]
    public void The_name_stays_while_any_member_lives_and_the_last_one_removes_it()
    {
        using var name = new TemporaryName();
        using Peer creator = Peer.Start("use", name, "create", nameof(Lifetime.UnlinkOnLastDispose)), opener = Start("open"), reader = Start("read"), joiner = Start("join");
        Assert.Equal("using created", creator.ReadLine());
        foreach (var peer in (Peer[])[opener, reader, joiner])
        {
            peer.Tell("go");
            Assert.Equal("using opened", peer.ReadLine());
        }

        // The creator leaves first; who leaves last is only a reader.
        foreach (var peer in (Peer[])[creator, joiner, opener])
        {
            peer.Tell("leave");
            Assert.Equal("left", peer.ReadLine());
            Assert.True(name.Exists);
        }

        reader.Tell("leave");
        Assert.Equal("left", reader.ReadLine());
        Assert.False(name.Exists);

        Peer Start(string how) => Peer.Run(
            "/bin/sh", "-c", "read line; exec \"$0\" \"$@\"", Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.TestPeer"), "use", name, how, nameof(Lifetime.UnlinkOnLastDispose));
    }

    [Theory]
    [InlineData(FileAccess.Read)]
    [InlineData(FileAccess.ReadWrite)]
    [Rule("lifetime.last")]
    [Rule("lifetime.follow")]
    public void Several_objects_of_one_process_count_each(FileAccess access)
    {
        using var name = new TemporaryName();
        var creator = SharedMemoryObject.Create(name, 1, s_membership);
        var first = SharedMemoryObject.Open(name, FileMode.Open, access);
        Assert.True(SharedMemoryObject.TryOpen(name, access, out var second));
        creator.Dispose();
        first.Dispose();
        Assert.True(name.Exists);
        second.Dispose();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("lifetime.follow")]
    public void Opening_makes_a_member_only_of_an_object_that_has_members()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        SharedMemoryObject.Open(name).Dispose();
        Assert.True(name.Exists);

        // Joining begins a membership where there is none, and openers follow from then on.
        var joined = SharedMemoryObject.OpenOrCreate(name, 1, out var created, s_membership);
        Assert.False(created);
        var follower = SharedMemoryObject.Open(name);
        joined.Dispose();
        Assert.True(name.Exists);
        follower.Dispose();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("lifetime.follow")]
    public void A_process_that_opened_the_object_before_it_had_members_is_not_a_member()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        using var before = SharedMemoryObject.Open(name);
        SharedMemoryObject.OpenOrCreate(name, 1, out _, s_membership).Dispose();
        Assert.False(name.Exists);
        Assert.True(before.IsUnlinked);
    }

    [Theory]
    [InlineData(Lifetime.UnlinkOnDispose)]
    [InlineData(Lifetime.UnlinkOnLastDispose)]
    [Rule("lifetime.dispose")]
    [Rule("lifetime.last")]
    public void The_name_is_removed_even_if_one_thread_publishes_while_another_disposes(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        SharedMemoryObject? memory = null;
        var disposing = new Thread(() => memory!.Dispose());
        var names = new SlowlyPublishing(() =>
        {
            disposing.Start();
            Watchdog.Until(() => !disposing.IsAlive || disposing.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin), "the other thread to be done or to wait");
        });
        using (Platform.Substitute(Platform.Linux(SystemCalls.Real) with { Names = names }))
        {
            memory = SharedMemoryObject.CreateUnpublished(5000, new() { Lifetime = lifetime });
        }

        memory.Publish(name);
        disposing.Join();
        Assert.False(name.Exists);
        Assert.Throws<ObjectDisposedException>(() => memory.Length);
    }

    [Fact]
    [Rule("lifetime.last")]
    public void A_published_object_has_its_member_from_its_first_moment()
    {
        using TemporaryName name = new(), taken = new();
        using var there = SharedMemoryObject.Create(taken, 1);
        var memory = SharedMemoryObject.CreateUnpublished(1, s_membership);
        Assert.Throws<SharedMemoryException>(() => memory.Publish(taken));
        memory.Publish(name);
        var follower = SharedMemoryObject.Open(name);
        memory.Dispose();
        Assert.True(name.Exists);
        follower.Dispose();
        Assert.False(name.Exists);
        Assert.True(taken.Exists);
    }

    private static SharedMemoryObject Make(string way, string name, SharedMemoryOptions options)
    {
        switch (way)
        {
            case "OpenOrCreate":
                return SharedMemoryObject.OpenOrCreate(name, 1, out _, options);
            case "Publish":
                var memory = SharedMemoryObject.CreateUnpublished(1, options);
                memory.Publish(name);
                return memory;
            case "UnlinkOnDispose":
                return SharedMemoryObject.Create(name, 1);
            default:
                return SharedMemoryObject.Create(name, 1, options);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference Memory, WeakReference Handle) Abandon(string name, Lifetime lifetime)
    {
        var memory = SharedMemoryObject.Create(name, 1, new() { Lifetime = lifetime });
        return (new(memory), new(memory.SafeFileHandle));
    }

    /// <summary>Linux where somebody acts between the moment at which the name is there and the end of the call.</summary>
    private sealed class SlowlyPublishing(Action neighbour)
        : LinuxNames(SystemCalls.Real, new(SystemCalls.Real), new(SystemCalls.Real, new(SystemCalls.Real)))
    {
        internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode)
        {
            var error = base.Publish(target, temporary, name, mode);
            neighbour();
            return error;
        }
    }
}
