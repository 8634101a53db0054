namespace Posix.SharedMemory.Tests.Objects;

/// <summary>What happens to a name that is taken: <see cref="NameConflict"/>.</summary>
public sealed class TakingOver
{
    private static readonly SharedMemoryOptions s_service = new() { Lifetime = Lifetime.UnlinkOnDispose, OnConflict = NameConflict.ReplaceAbandoned };

    private static readonly SharedMemoryOptions s_member = new() { Lifetime = Lifetime.UnlinkOnLastDispose, OnConflict = NameConflict.ReplaceAbandoned };
    private static readonly SharedMemoryOptions s_resuming = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    public static TheoryData<Lifetime> Owned => [Lifetime.UnlinkOnDispose, Lifetime.UnlinkOnLastDispose];

    [Fact]
    [Rule("conflict.fail")]
    public void A_taken_name_is_EEXIST_by_default_and_the_message_says_what_to_do()
    {
        using var name = new TemporaryName();
        using var there = SharedMemoryObject.Create(name, 1);
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1));
        Assert.Equal(Errno.EEXIST, failure.Errno);
        foreach (var advice in (string[])["OpenOrCreate", "OnConflict", "TryUnlink", "shm rm"])
        {
            Assert.Contains(advice, failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Lifetime.Keep)]
    [InlineData(Lifetime.UnlinkOnDispose)]
    [InlineData(Lifetime.UnlinkOnLastDispose)]
    [Rule("conflict.replace")]
    public void Replace_takes_the_name_of_any_object_in_one_step(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        using var former = SharedMemoryObject.Create(name, 1, new() { Lifetime = lifetime });
        former.Write("1"u8, 0);
        using (var memory = SharedMemoryObject.Create(name, 2, new() { OnConflict = NameConflict.Replace }))
        {
            Assert.True(former.IsUnlinked);
            Assert.False(memory.IsUnlinked);
            var kept = new byte[1];
            Assert.Equal(1, former.Read(kept, 0));
            Assert.Equal("1"u8, kept);
        }

        // The former owner removes nothing: the name is another object's.
        former.Dispose();
        Assert.Equal(2, new FileInfo(name.Path).Length);
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("conflict.abandoned")]
    public void An_object_left_by_a_killed_creator_is_replaced_and_its_users_keep_it(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        using var user = Abandon(name, lifetime);
        using var memory = SharedMemoryObject.Create(name, 5000, new() { Lifetime = lifetime, OnConflict = NameConflict.ReplaceAbandoned });
        Assert.False(memory.IsUnlinked);
        Assert.True(user.IsUnlinked);
        Assert.Equal(1, memory.GetStatus().NameCount);
        var bytes = new byte[3];
        Assert.Equal(3, user.Read(bytes, 0));
        Assert.Equal("old"u8, bytes);
        memory.Dispose();
        Assert.False(name.Exists);
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("lifetime.resume")]
    public void TryOpen_goes_on_with_an_object_that_a_killed_creator_left_and_it_is_in_use_again(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        Abandon(name, lifetime).Dispose();
        // Opening alone changes nothing.
        SharedMemoryObject.Open(name).Dispose();
        Assert.True(name.Exists);
        Assert.True(SharedMemoryObject.TryOpen(name, s_resuming, out var first));
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1, s_service)).Errno);
        Assert.True(SharedMemoryObject.TryOpen(name, s_resuming, out var second));
        var bytes = new byte[3];
        Assert.Equal(3, first.Read(bytes, 0));
        Assert.Equal("old"u8, bytes);
        first.Dispose();
        Assert.True(name.Exists);
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1, s_service)).Errno);
        second.Dispose();
        Assert.False(name.Exists);
        Assert.False(SharedMemoryObject.TryOpen(name, s_resuming, out _));
    }

    [Theory]
    [InlineData(Lifetime.Keep)]
    [InlineData(Lifetime.UnlinkOnDispose)]
    [Rule("lifetime.resume")]
    public void An_object_that_stays_and_one_with_a_living_creator_are_only_opened(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        using var there = SharedMemoryObject.Create(name, 1, new() { Lifetime = lifetime });
        Assert.True(SharedMemoryObject.TryOpen(name, s_resuming, out var memory));
        memory.Dispose();
        Assert.True(name.Exists);
    }

    [Fact]
    [Rule("lifetime.resume")]
    public async Task Of_one_that_goes_on_and_one_that_replaces_exactly_one_has_the_name()
    {
        for (var round = 0; round < 50; round++)
        {
            using var name = new TemporaryName();
            Abandon(name, Lifetime.UnlinkOnLastDispose, inThisProcess: true).Dispose();
            using var start = new Barrier(2);
            var resuming = Task.Run(() =>
            {
                start.SignalAndWait();
                Assert.True(SharedMemoryObject.TryOpen(name, s_resuming, out var memory));
                return memory;
            });
            var replacing = Task.Run(() =>
            {
                start.SignalAndWait();
                try
                {
                    return SharedMemoryObject.Create(name, 1, s_member);
                }
                catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
                {
                    return null;
                }
            });
            using var resumed = await resuming.WaitAsync(Watchdog.Limit);
            using var replaced = await replacing.WaitAsync(Watchdog.Limit);
            // Whoever went on has the object that the name refers to: what was left behind, or the new one.
            Assert.False(resumed.IsUnlinked);
            Assert.Equal(replaced is null, resumed.Length != 1);
        }
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("conflict.abandoned")]
    public void Publishing_replaces_an_abandoned_object_too(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        Abandon(name, lifetime).Dispose();
        using var memory = SharedMemoryObject.CreateUnpublished(9, s_service);
        memory.Publish(name);
        Assert.Equal(9, new FileInfo(name.Path).Length);
        Assert.Equal(name.Name, memory.Name);
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("conflict.openorcreate")]
    public void OpenOrCreate_replaces_an_abandoned_object_and_opens_a_living_one(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        Abandon(name, lifetime).Dispose();
        var options = new SharedMemoryOptions { Lifetime = lifetime, OnConflict = NameConflict.ReplaceAbandoned };
        using var first = SharedMemoryObject.OpenOrCreate(name, 4096, out var created, options);
        Assert.True(created);
        using var second = SharedMemoryObject.OpenOrCreate(name, 1, out created, options);
        Assert.False(created);
        Assert.Equal(4096, second.Length);
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("conflict.open")]
    public void TryOpen_with_ReplaceAbandoned_neither_opens_nor_removes_an_abandoned_object(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        using var user = Abandon(name, lifetime);
        Assert.False(SharedMemoryObject.TryOpen(name, s_member, out _));
        Assert.False(user.IsUnlinked);
        using var memory = SharedMemoryObject.Create(name, 5000, s_member);
        Assert.True(memory.IsMember);
        Assert.True(SharedMemoryObject.TryOpen(name, s_member, out var second));
        Assert.Equal(5000, second.Length);
        Assert.True(second.IsMember);
        memory.Dispose();
        Assert.False(memory.IsMember);
        Assert.True(name.Exists);
        second.Dispose();
        Assert.False(name.Exists);
        Assert.False(SharedMemoryObject.TryOpen(name, s_member, out _));
    }

    [Fact]
    [Rule("conflict.open")]
    public void TryOpen_does_not_join_an_object_that_stays_and_OpenOrCreate_does()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        foreach (var options in new[] { new() { OnConflict = NameConflict.ReplaceAbandoned }, s_member, s_resuming })
        {
            Assert.True(SharedMemoryObject.TryOpen(name, options, out var plain));
            Assert.False(plain.IsMember);
            plain.Dispose();
            Assert.True(name.Exists);
        }

        var member = SharedMemoryObject.OpenOrCreate(name, 1, out _, s_member);
        Assert.True(member.IsMember);
        using var follower = SharedMemoryObject.Open(name, access: FileAccess.Read);
        Assert.True(follower.IsMember);
        member.Dispose();
        Assert.True(name.Exists);
        follower.Dispose();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("conflict.openorcreate")]
    public void OpenOrCreate_refuses_Replace_before_it_does_anything()
    {
        using var name = new TemporaryName();
        Assert.Throws<ArgumentException>(() => SharedMemoryObject.OpenOrCreate(name, 1, out _, new() { OnConflict = NameConflict.Replace }));
        Assert.Throws<ArgumentException>(() => SharedMemoryObject.TryOpen(name, new SharedMemoryOptions { OnConflict = NameConflict.Replace }, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.Create(name, 1, new() { OnConflict = (NameConflict)7 }));
        Assert.False(name.Exists);
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("conflict.live")]
    public void An_object_whose_creator_lives_is_never_replaced(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        using var peer = Peer.Start("act");
        Assert.Equal("ok", peer.Ask($"create {name} 100 {(lifetime == Lifetime.UnlinkOnDispose ? "OnDispose" : "Last")}"));
        using var own = new TemporaryName();
        using var ours = SharedMemoryObject.Create(own, 100, new() { Lifetime = lifetime });
        foreach (var taken in (TemporaryName[])[name, own])
        {
            var before = new FileInfo(taken.Path).Length;
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(taken, 1, s_service)).Errno);
            Assert.Equal(before, new FileInfo(taken.Path).Length);
        }
    }

    [Theory]
    [InlineData("a creator that keeps the name")]
    [InlineData("shm_open")]
    [InlineData("shm_open of our mode")]
    [Rule("conflict.live")]
    public void An_object_with_Lifetime_Keep_is_never_replaced(string creator)
    {
        using var name = new TemporaryName();
        if (creator == "a creator that keeps the name")
        {
            using var peer = Peer.Start("act");
            Assert.Equal("ok", peer.Ask($"create {name} 100"));
            peer.Kill();
        }
        else if (creator == "shm_open")
        {
            File.WriteAllBytes(name.Path, new byte[100]);
        }
        else
        {
            SharedMemoryObject.Open(name, FileMode.CreateNew).Dispose();
        }

        var length = new FileInfo(name.Path).Length;
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1, s_service)).Errno);
        using var opened = SharedMemoryObject.OpenOrCreate(name, 7, out var created, s_service);
        Assert.False(created);
        Assert.Equal(length, opened.Length);
    }

    [Fact]
    [Rule("conflict.live")]
    public void A_member_that_lives_keeps_the_object_of_its_killed_creator()
    {
        using var name = new TemporaryName();
        using var creator = Peer.Start("act");
        Assert.Equal("ok", creator.Ask($"create {name} 100 Last"));
        using (SharedMemoryObject.Open(name))
        {
            creator.Kill();
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1, s_member)).Errno);
        }

        Assert.False(name.Exists);
    }

    [Theory]
    [MemberData(nameof(Owned))]
    [Rule("conflict.restart")]
    public void A_service_starts_again_after_each_of_many_kills(Lifetime lifetime)
    {
        using var name = new TemporaryName();
        var create = $"create {name} 4096 ReplaceAbandoned {(lifetime == Lifetime.UnlinkOnDispose ? "OnDispose" : "Last")}";
        // Half of them by each lifetime; a process is started ahead, so that the kill and the start meet.
        var next = Peer.Start("act");
        for (var restart = 0; restart < Effort.Restarts / 2; restart++)
        {
            using var service = next;
            next = Peer.Start("act");
            Assert.Equal("ok", service.Ask(create));
            Assert.Equal("ok", service.Ask($"write 0 4096 {restart % 100}"));
            service.Kill();
        }

        using (next)
        {
            Assert.Equal("ok", next.Ask(create));
            Assert.Equal("ok 0", next.Ask("sum"));
            Assert.Equal("ok", next.Ask("close"));
        }

        Assert.False(name.Exists);
        Assert.Empty(Directory.EnumerateFiles("/dev/shm", name + "*"));
    }

    [Theory]
    [InlineData("create")]
    [InlineData("open-or-create")]
    [Rule("conflict.race")]
    public void Of_two_services_that_restart_at_once_one_replaces_the_abandoned_object(string way)
    {
        using var name = new TemporaryName();
        using Peer one = Peer.Start("act"), two = Peer.Start("act");
        for (var round = 0; round < 50; round++)
        {
            Abandon(name, Lifetime.UnlinkOnDispose, inThisProcess: true).Dispose();
            var line = $"{way} {name} 64 OnDispose ReplaceAbandoned";
            one.Tell(line);
            two.Tell(line);
            string[] answers = [one.ReadLine(), two.ReadLine()];
            if (way == "create")
            {
                Assert.Single(answers, answer => answer == "ok");
                Assert.Single(answers, answer => answer.StartsWith("EEXIST", StringComparison.Ordinal));
            }
            else
            {
                Assert.Equal(["ok created", "ok existing"], answers.Order());
            }

            var winner = answers[0] is "ok" or "ok created" ? one : two;
            Assert.Equal("ok 0", winner.Ask("unlinked"));
            Assert.Equal("ok", one.Ask("close"));
            Assert.Equal("ok", two.Ask("close"));
            Assert.False(name.Exists);
        }
    }

    [Theory]
    [InlineData("fcntl(F_OFD_SETLK)", 1)]
    [InlineData("fcntl(F_OFD_SETLK)", 2)]
    [InlineData("fcntl(F_OFD_SETLK)", 3)]
    [InlineData("statx", 2)]
    [InlineData("linkat", 1)]
    [InlineData("linkat", 2)]
    [InlineData("linkat", 3)]
    [InlineData("rename", 1)]
    [Rule("conflict.race")]
    public void Whatever_another_restart_does_before_any_call_exactly_one_live_object_has_the_name(string call, int occurrence)
    {
        using var name = new TemporaryName();

        // Temporary names are known by these lengths: other tests, of this user or another, have their own at the same time.
        long length = Random.Shared.Next(10_000, 1_000_000), theirLength = length + 1;
        Abandon(name, Lifetime.UnlinkOnDispose, inThisProcess: true).Dispose();
        SharedMemoryObject? theirs = null, ours = null;
        Exception? refused = null;
        var platform = ScriptedPlatform.Before(call, occurrence, () => refused = Record.Exception(() => theirs = SharedMemoryObject.Create(name, theirLength, s_service)));
        Exception? thrown;
        using (Platform.Substitute(platform))
        {
            thrown = Record.Exception(() => ours = SharedMemoryObject.Create(name, length, s_service));
        }

        using (theirs)
        using (ours)
        {
            if (!platform.Fired)
            {
                // This call is not made so often here: nothing raced.
                Assert.NotNull(ours);
                return;
            }

            Assert.Single(new[] { ours, theirs }, memory => memory is not null);
            Assert.False((ours ?? theirs)!.IsUnlinked);
            Assert.Equal(Errno.EEXIST, Assert.IsType<SharedMemoryException>(thrown ?? refused).Errno);
        }

        Assert.False(name.Exists);
        Assert.DoesNotContain(Directory.EnumerateFiles("/dev/shm", ".shm-publish-*"), file => new FileInfo(file) is { Exists: true } found && (found.Length == length || found.Length == theirLength));
    }

    [Fact]
    [Rule("conflict.room")]
    public void If_there_is_no_memory_for_both_the_abandoned_object_is_removed_first()
    {
        using var name = new TemporaryName();
        Abandon(name, Lifetime.UnlinkOnDispose, inThisProcess: true).Dispose();
        var platform = ScriptedPlatform.InTurn("fallocate", Errno.ENOSPC);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Create(name, 5000, s_service);
            Assert.False(memory.IsUnlinked);
        }

        using var lives = SharedMemoryObject.Create(name, 1, s_service);
        platform = ScriptedPlatform.InTurn("fallocate", Errno.ENOSPC, Errno.ENOSPC);
        using (Platform.Substitute(platform))
        {
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 5000, s_service)).Errno);
        }

        Assert.False(lives.IsUnlinked);
    }

    [Fact]
    [Rule("conflict.mark")]
    public void Where_the_kernel_keeps_no_mark_or_no_lock_no_object_counts_as_abandoned()
    {
        using TemporaryName unmarked = new(), unlocked = new();
        foreach (var (name, call) in ((TemporaryName, string)[])[(unmarked, "fcntl(F_SET_RW_HINT)"), (unlocked, "fcntl(F_OFD_SETLK)")])
        {
            using (Platform.Substitute(new ScriptedPlatform(call, Errno.EINVAL)))
            {
                // Its owner vanishes without Dispose, as if killed: only the descriptor is closed.
                SharedMemoryObject.Create(name, 1, s_service).SafeFileHandle.Dispose();
            }

            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1, s_service)).Errno);
        }
    }

    [Fact]
    [Rule("conflict.stopped")]
    public void A_restart_waits_a_second_for_another_restart_that_was_stopped_in_the_middle()
    {
        using var name = new TemporaryName();
        Abandon(name, Lifetime.UnlinkOnDispose, inThisProcess: true).Dispose();
        using var stopped = SharedMemoryObject.Open(name);
        Assert.Equal(Errno.None, Platform.Current.Membership.Seize(stopped.Target));
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1, s_service)).Errno);
        stopped.Dispose();
        using var memory = SharedMemoryObject.Create(name, 1, s_service);
        Assert.False(memory.IsUnlinked);
    }

    /// <summary>Leaves an object as a creator does that is killed; returns it, opened by a process that uses it.</summary>
    private static SharedMemoryObject Abandon(TemporaryName name, Lifetime lifetime, bool inThisProcess = false)
    {
        if (inThisProcess)
        {
            // To the kernel this is the same: the descriptor is closed, and the name was not removed.
            var left = SharedMemoryObject.Create(name, 3, new() { Lifetime = lifetime });
            left.Write("old"u8, 0);
            left.SafeFileHandle.Dispose();
        }
        else
        {
            using var creator = Peer.Start("act");
            Assert.Equal("ok", creator.Ask($"create {name} 3 {(lifetime == Lifetime.UnlinkOnDispose ? "OnDispose" : "Last")}"));
            creator.Kill();
        }

        var user = SharedMemoryObject.Open(name);
        user.Write("old"u8, 0);
        return user;
    }
}
