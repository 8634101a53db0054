namespace Posix.SharedMemory.Tests.Objects;

public sealed class Creating
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    [Rule("create.default")]
    public void By_default_a_new_object_is_private_to_its_owner_has_its_memory_reserved_and_stays()
    {
        using var name = new TemporaryName();
        var length = (3 * Environment.SystemPageSize) + 1;
        using (var memory = SharedMemoryObject.Create(name, length))
        {
            var status = memory.GetStatus();
            Assert.Equal((length, 4L * Environment.SystemPageSize, OwnerOnly), (status.Length, status.AllocatedBytes, status.Permissions));
            Assert.Equal(FileAccess.ReadWrite, memory.Access);
            Assert.Equal(name.Name, memory.Name);
        }

        Assert.True(name.Exists);
        Assert.Equal(new SharedMemoryOptions { Permissions = OwnerOnly, Backing = Backing.Reserved, Lifetime = Lifetime.Keep }, new());
    }

    [Theory]
    [InlineData("Create")]
    [InlineData("OpenOrCreate")]
    [InlineData("Publish")]
    [Rule("create.complete")]
    public void Has_its_length_memory_and_permissions_before_it_has_its_name(string way)
    {
        using var name = new TemporaryName();
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            var options = new SharedMemoryOptions { Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead };
            using var memory = way switch
            {
                "Create" => SharedMemoryObject.Create(name, 10_000, options),
                "OpenOrCreate" => SharedMemoryObject.OpenOrCreate(name, 10_000, out _, options),
                _ => SharedMemoryObject.CreateUnpublished(10_000, options),
            };
            if (way == "Publish")
            {
                memory.Publish(name);
            }
        }

        // Behind the call that gives the name no call may give length, memory or permissions.
        var naming = platform.Calls.ToList().IndexOf("linkat");
        Assert.True(naming > 0);
        Assert.Contains("fallocate", platform.Calls.Take(naming));
        Assert.Contains("fchmod", platform.Calls.Take(naming));
        Assert.DoesNotContain(platform.Calls.Skip(naming), call => call is "fallocate" or "ftruncate" or "fchmod" or "pwrite");
    }

    [Fact]
    [Rule("create.exact")]
    public void Sets_the_permissions_only_where_the_new_object_does_not_have_them()
    {
        using TemporaryName name = new(), second = new();
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Create(name, 1);
            Assert.Equal((UnixFileMode.UserRead | UnixFileMode.UserWrite, 0), (memory.Permissions, platform.CountOf("fchmod")));
            using var readable = SharedMemoryObject.Create(second, 1, new() { Permissions = UnixFileMode.UserRead });
            Assert.Equal((UnixFileMode.UserRead, 1), (readable.Permissions, platform.CountOf("fchmod")));
        }
    }

    [Fact]
    [Rule("create.complete")]
    public void A_process_that_opens_the_name_while_objects_are_created_finds_a_complete_one()
    {
        using var name = new TemporaryName();
        var opened = 0;
        using var stop = new CancellationTokenSource();
        var opener = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                if (SharedMemoryObject.TryOpen(name, FileAccess.Read, out var memory))
                {
                    var status = memory.GetStatus();
                    memory.Dispose();
                    Assert.Equal((12_000, OwnerOnly | UnixFileMode.GroupRead), (status.Length, status.Permissions));
                    Assert.Equal(12_288, status.AllocatedBytes);
                    Interlocked.Increment(ref opened);
                }
            }
        });
        Watchdog.Until(
            () =>
            {
                SharedMemoryObject.Create(name, 12_000, new() { Permissions = OwnerOnly | UnixFileMode.GroupRead }).Dispose();
                SharedMemoryObject.Unlink(name);
                return opener.IsCompleted || Volatile.Read(ref opened) >= 200;
            },
            "two hundred openings");
        stop.Cancel();
        Watchdog.Run(() => opener.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the opener");
        Assert.Null(opener.Exception);
    }

    [Theory]
    [InlineData(0x1B6)]
    [InlineData(0x1FF)]
    [InlineData(0)]
    [InlineData(0x124)]
    [InlineData(0xFFF)]
    [InlineData(0x9C0)]
    [InlineData(0x5C0)]
    [InlineData(0x3C0)]
    [Rule("create.exact")]
    public void Has_exactly_the_requested_permissions(int permissions)
    {
        using var name = new TemporaryName();
        using var other = new TemporaryName();
        var options = new SharedMemoryOptions { Permissions = (UnixFileMode)permissions };
        using (SharedMemoryObject.Create(name, 1, options))
        using (var memory = SharedMemoryObject.OpenOrCreate(other, 100, out _, options))
        {
            Assert.Equal(options.Permissions, File.GetUnixFileMode(name.Path));
            Assert.Equal(options.Permissions, File.GetUnixFileMode(other.Path));
            Assert.Equal(options.Permissions, memory.Permissions);
        }
    }

    [Fact]
    [Rule("openorcreate.keeps")]
    public void OpenOrCreate_keeps_an_existing_objects_length_permissions_and_content()
    {
        using var name = new TemporaryName();
        using (var first = SharedMemoryObject.OpenOrCreate(name, 100, out var created, new() { Permissions = OwnerOnly | UnixFileMode.OtherRead }))
        {
            Assert.True(created);
            first.Write("content"u8, 0);
        }

        using var second = SharedMemoryObject.OpenOrCreate("/" + name, 5000, out var again, new() { Permissions = OwnerOnly, Lifetime = Lifetime.UnlinkOnDispose });
        Assert.False(again);
        Assert.Equal((100, OwnerOnly | UnixFileMode.OtherRead, "/" + name), (second.Length, second.Permissions, second.Name));
        var content = new byte[7];
        second.Read(content, 0);
        Assert.Equal("content"u8, content);
        second.Dispose();
        Assert.True(name.Exists);
    }

    [Fact]
    [Rule("openorcreate.keeps")]
    public void OpenOrCreate_fails_if_something_else_has_the_name()
    {
        using var name = new TemporaryName();
        Directory.CreateDirectory(name.Path);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.OpenOrCreate(name, 1, out _)).Errno);
    }

    [Fact]
    [Rule("publish.unnamed")]
    public void An_unpublished_object_has_no_name_and_keeps_its_content_when_it_gets_one()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.CreateUnpublished(5000, new() { Permissions = OwnerOnly | UnixFileMode.GroupRead });
        var identity = memory.GetStatus().Identity;
        Assert.Null(memory.Name);
        Assert.True(memory.IsUnlinked);
        Assert.Equal(0, memory.GetStatus().NameCount);
        Assert.DoesNotContain(SharedMemoryDirectory.Enumerate(), entry => entry.Identity == identity);
        Assert.Throws<InvalidOperationException>(memory.Unlink);
        Assert.Throws<InvalidOperationException>(() => new NameOwner(memory));
        using var mapping = memory.Map();
        Pattern.Of(5000).CopyTo(mapping.GetSpan());

        memory.Publish(name);

        Assert.Equal(name.Name, memory.Name);
        Assert.False(memory.IsUnlinked);
        using var opened = SharedMemoryObject.Open(name);
        Assert.Equal(identity, opened.GetStatus().Identity);
        Assert.Equal(OwnerOnly | UnixFileMode.GroupRead, opened.Permissions);
        Assert.Equal(1, opened.GetStatus().NameCount);
        using var other = opened.Map();
        Assert.Equal(Pattern.Of(5000), other.GetReadOnlySpan().ToArray());
    }

    [Fact]
    [Rule("publish.noreplace")]
    public void Publishing_under_a_taken_name_is_EEXIST_and_leaves_the_object_usable()
    {
        using TemporaryName taken = new(), free = new();
        using var there = SharedMemoryObject.Create(taken, 1);
        using var memory = SharedMemoryObject.CreateUnpublished(2);
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => memory.Publish(taken)).Errno);
        Assert.Null(memory.Name);
        Assert.False(there.IsUnlinked);
        Assert.Equal(1, there.Length);

        memory.Write("ab"u8, 0);
        memory.Publish(free);
        Assert.False(memory.IsUnlinked);
    }

    [Fact]
    [Rule("publish.replace")]
    public void Replacing_gives_openers_the_new_object_and_leaves_users_the_former()
    {
        using var name = new TemporaryName();
        using var former = SharedMemoryObject.Create(name, 1);
        former.Write("1"u8, 0);
        using var mapping = former.Map();
        using var memory = SharedMemoryObject.CreateUnpublished(2);
        memory.Publish(name, RenameMode.Replace);

        Assert.True(former.IsUnlinked);
        Assert.False(memory.IsUnlinked);
        Assert.Equal((byte)'1', mapping.GetSpan()[0]);
        using var opened = SharedMemoryObject.Open(name);
        Assert.Equal(2, opened.Length);
        Assert.Equal(1, memory.GetStatus().NameCount);
        var identity = memory.GetStatus().Identity;
        Assert.Equal(name.Name, Assert.Single(SharedMemoryDirectory.Enumerate(), entry => entry.Identity == identity).Name);

        using var free = new TemporaryName();
        using var first = SharedMemoryObject.CreateUnpublished(3);
        first.Publish(free, RenameMode.Replace);
        Assert.Equal(3, new FileInfo(free.Path).Length);
    }

    [Fact]
    [Rule("publish.once")]
    public void Publishing_twice_or_an_object_that_has_a_name_or_with_Exchange_is_refused()
    {
        using TemporaryName name = new(), second = new(), another = new();
        using var memory = SharedMemoryObject.CreateUnpublished(1);
        Assert.Throws<ArgumentException>(() => memory.Publish(name, RenameMode.Exchange));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Publish(name, (RenameMode)9));
        Assert.Throws<ArgumentException>(() => memory.Publish("a/b"));
        memory.Publish(name);
        Assert.Throws<InvalidOperationException>(() => memory.Publish(second));
        Assert.Throws<InvalidOperationException>(() => memory.Publish(name, RenameMode.Replace));

        using var created = SharedMemoryObject.OpenOrCreate(second, 1, out _);
        using var opened = SharedMemoryObject.Open(name);
        using var handed = SharedMemoryObject.FromHandle(Native.Open(name.Path, Native.O_RDWR));
        foreach (var named in (SharedMemoryObject[])[created, opened, handed])
        {
            Assert.Throws<InvalidOperationException>(() => named.Publish(another));
        }

        Assert.False(another.Exists);
        Assert.Equal(name.Name, memory.Name);
    }

    [Theory]
    [InlineData(1L << 20)]
    [InlineData(1L << 50)]
    [InlineData(long.MaxValue)]
    [Rule("create.once")]
    public void A_taken_name_is_EEXIST_even_if_there_is_no_room_for_the_length(long length)
    {
        using var name = new TemporaryName();
        using var there = SharedMemoryObject.Create(name, 1);
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, length)).Errno);
        Assert.False(there.IsUnlinked);
        Assert.Equal(1, there.Length);
    }

    [Fact]
    [Rule("publish.once")]
    public void Of_two_threads_that_publish_one_object_exactly_one_succeeds()
    {
        for (var round = 0; round < 500; round++)
        {
            using TemporaryName first = new(), second = new();
            using var memory = SharedMemoryObject.CreateUnpublished(1);
            using var start = new Barrier(2);
            var failures = new Exception?[2];
            var threads = ((TemporaryName[])[first, second]).Select((name, at) => new Thread(() =>
            {
                start.SignalAndWait();
                failures[at] = Record.Exception(() => memory.Publish(name));
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());

            Assert.IsType<InvalidOperationException>(Assert.Single(failures, failure => failure is not null));
            var (winner, loser) = failures[0] is null ? (first, second) : (second, first);
            Assert.Equal(winner.Name, memory.Name);
            Assert.False(loser.Exists);
            Assert.Equal(1, memory.GetStatus().NameCount);
        }
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void Replacing_does_not_search_the_directory()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform, length: 5000);
        platform.Arm(null);
        host.Memory.Publish(name, RenameMode.Replace);
        Assert.Equal(0, platform.CountOf("getdents64") + platform.CountOf("open"));
        Assert.Equal(1, host.Memory.GetStatus().NameCount);
        using var opened = SharedMemoryObject.Open(name);
        Assert.Equal(5000, opened.Length);
    }
}
