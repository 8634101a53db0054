namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Waiting for an object that another process is still to create: <see cref="SharedMemoryObject.OpenWhenReadyAsync"/>.</summary>
public sealed class Arriving
{
    [Fact]
    [Rule("ready.present")]
    public async Task An_existing_object_is_opened_at_once()
    {
        using var name = new TemporaryName();
        using var there = SharedMemoryObject.Create(name, 100);
        var opening = SharedMemoryObject.OpenWhenReadyAsync(name, FileAccess.Read, 100);
        Assert.True(opening.IsCompletedSuccessfully);
        using var memory = await opening;
        Assert.Equal((100, FileAccess.Read, name.Name), (memory.Length, memory.Access, memory.Name));
    }

    [Theory]
    [InlineData("Create")]
    [InlineData("Publish")]
    [InlineData("Rename")]
    [InlineData("shm_open")]
    [Rule("ready.waits")]
    public async Task Waits_until_the_name_exists_and_has_the_length(string way)
    {
        using TemporaryName name = new(), other = new();
        var opening = SharedMemoryObject.OpenWhenReadyAsync(name, minimumLength: 5000).AsTask();
        // Neighbours of the name are none of its business.
        using var neighbour = SharedMemoryObject.Create(other, 5000);
        Assert.False(opening.IsCompleted);
        using var made = way switch
        {
            "Create" => SharedMemoryObject.Create(name, 5000),
            "Publish" => SharedMemoryObject.CreateUnpublished(5000),
            "Rename" => neighbour,
            _ => SharedMemoryObject.Open(name, FileMode.CreateNew),
        };
        if (way == "Publish")
        {
            made.Publish(name);
        }
        else if (way == "Rename")
        {
            made.Rename(name);
        }
        else if (way == "shm_open")
        {
            made.SetLength(4999, Backing.Sparse);
            Assert.False(opening.IsCompleted);
            made.SetLength(5000, Backing.Sparse);
        }

        using var memory = await Within(opening);
        Assert.Equal(made.GetStatus().Identity, memory.GetStatus().Identity);
        Assert.Equal(5000, memory.Length);
    }

    [SkippableTheory]
    [InlineData("C")]
    [InlineData("Python")]
    [InlineData("ours")]
    [Rule("ready.waits")]
    public async Task The_creator_may_be_another_program_that_sets_the_length_later(string creator)
    {
        using var name = new TemporaryName();
        var opening = SharedMemoryObject.OpenWhenReadyAsync(name, minimumLength: 4096).AsTask();
        using var peer = creator switch
        {
            "C" => StartC(name),
            "Python" => StartPython(name),
            _ => Peer.Start("act"),
        };
        if (creator == "ours")
        {
            Assert.Equal("ok 0", peer.Ask($"open-mode {name} CreateNew"));
            Assert.False(opening.IsCompleted);
            Assert.Equal("ok", peer.Ask("set-length 4096"));
        }

        using var memory = await Within(opening);
        Assert.Equal(4096, memory.Length);
    }

    [Fact]
    [Rule("ready.killed")]
    public async Task The_wait_goes_on_when_a_creator_is_killed_before_it_sets_the_length()
    {
        using var name = new TemporaryName();
        var opening = SharedMemoryObject.OpenWhenReadyAsync(name).AsTask();
        using (var peer = Peer.Start("act"))
        {
            Assert.Equal("ok 0", peer.Ask($"open-mode {name} CreateNew"));
            peer.Kill();
        }

        Assert.False(opening.IsCompleted);
        SharedMemoryObject.Unlink(name);
        using var successor = SharedMemoryObject.Create(name, 8);
        using var memory = await Within(opening);
        Assert.Equal(successor.GetStatus().Identity, memory.GetStatus().Identity);
    }

    [Fact]
    [Rule("ready.cancelled")]
    public async Task Cancelling_ends_the_wait()
    {
        using var name = new TemporaryName();
        using var source = new CancellationTokenSource();
        var opening = SharedMemoryObject.OpenWhenReadyAsync(name, cancellationToken: source.Token).AsTask();
        Assert.False(opening.IsCompleted);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Within(opening));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SharedMemoryObject.OpenWhenReadyAsync(name, cancellationToken: source.Token).AsTask());
    }

    [Fact]
    [Rule("ready.cancelled")]
    public async Task Cancelling_leaves_no_descriptor_open()
    {
        using var name = new TemporaryName();
        using var tooShort = SharedMemoryObject.Create(name, 0);
        var inode = tooShort.GetStatus().Identity.Inode;
        var before = Held.Descriptors(name.Path).Count;
        for (var round = 0; round < 3; round++)
        {
            using var source = new CancellationTokenSource();
            var opening = SharedMemoryObject.OpenWhenReadyAsync(name, minimumLength: 4096, cancellationToken: source.Token).AsTask();
            Watchdog.Until(() => WatchesOf(inode) == 1, "a watch of the object");
            source.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Within(opening));
            Watchdog.Until(() => WatchesOf(inode) == 0, "the end of the watch");
            // None remains that looked at the length; the creator's has the path from before the object had a name.
            Watchdog.Until(() => Held.Descriptors(name.Path).Count == before, "the end of its descriptors");
        }
    }

    /// <summary>How many descriptors of inotify in this process watch an object.</summary>
    private static int WatchesOf(ulong inode) => Directory.GetFileSystemEntries("/proc/self/fdinfo").Count(path =>
    {
        try
        {
            return File.ReadAllText(path).Contains(string.Create(System.Globalization.CultureInfo.InvariantCulture, $" ino:{inode:x} "), StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // Closed meanwhile.
            return false;
        }
    });

    [Fact]
    [Rule("ready.idle")]
    public async Task Waiting_makes_no_system_call_while_nothing_happens()
    {
        using TemporaryName name = new(), other = new();
        var platform = new ScriptedPlatform();
        Task<SharedMemoryObject> opening;
        using (Platform.Substitute(platform))
        {
            opening = SharedMemoryObject.OpenWhenReadyAsync(name).AsTask();
        }

        Watchdog.Until(() => platform.Calls.Contains("poll"), "the wait");

        // What is written to other objects is not reported. New names are, and other tests create some: each of those starts one wait again, by a byte in a pipe.
        using var neighbour = SharedMemoryObject.Create(other, 4096);
        for (var round = 0; round < 15; round++)
        {
            neighbour.SetLength(4096 + round);
            neighbour.Write(new byte[100], 0);
            await Task.Delay(100);
        }

        var (waits, polls) = (platform.Calls.Count(call => call == "write"), platform.Calls.Count(call => call == "poll"));
        Assert.True(polls <= 2 * (waits + 1), $"{polls} polls for {waits} waits: the time passes by asking.");
        using var made = SharedMemoryObject.Create(name, 1);
        using var memory = await Within(opening);
        Assert.Equal(1, memory.Length);
    }

    [Theory]
    [InlineData("inotify_init1", Errno.EMFILE)]
    [InlineData("inotify_init1", Errno.ENOSYS)]
    [InlineData("inotify_add_watch", Errno.ENOSPC)]
    [Rule("ready.fallback")]
    public async Task Without_an_inotify_instance_the_name_is_polled(string call, Errno error)
    {
        using var name = new TemporaryName();
        var platform = new ScriptedPlatform(call, error, occurrence: 1);
        Task<SharedMemoryObject> opening;
        using (Platform.Substitute(platform))
        {
            opening = SharedMemoryObject.OpenWhenReadyAsync(name).AsTask();
        }

        Assert.True(platform.Fired);
        using var made = SharedMemoryObject.Create(name, 1);
        using var memory = await Within(opening);
        Assert.Equal(1, memory.Length);
    }

    [Fact]
    [Rule("ready.fallback")]
    public async Task An_object_that_cannot_be_watched_is_polled()
    {
        using var name = new TemporaryName();
        using var made = SharedMemoryObject.Open(name, FileMode.CreateNew);
        // The directory is watched; the object, which exists and has no length yet, is not.
        var platform = new ScriptedPlatform("inotify_add_watch", Errno.ENOSPC, occurrence: 2);
        Task<SharedMemoryObject> opening;
        using (Platform.Substitute(platform))
        {
            opening = SharedMemoryObject.OpenWhenReadyAsync(name).AsTask();
        }

        Assert.True(platform.Fired);
        made.SetLength(100);
        using var memory = await Within(opening);
        Assert.Equal(100, memory.Length);
    }

    [Fact]
    [Rule("ready.refused")]
    public async Task A_name_that_can_never_be_opened_fails_at_once_and_misuse_before_any_call()
    {
        using var name = new TemporaryName();
        Directory.CreateDirectory(name.Path);
        Assert.Equal(Errno.EINVAL, (await Assert.ThrowsAsync<SharedMemoryException>(() => SharedMemoryObject.OpenWhenReadyAsync(name).AsTask())).Errno);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => SharedMemoryObject.OpenWhenReadyAsync(name, minimumLength: -1).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => SharedMemoryObject.OpenWhenReadyAsync(name, FileAccess.Write).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => SharedMemoryObject.OpenWhenReadyAsync("a/b").AsTask());
    }

    [Fact]
    [Rule("ready.waits")]
    public async Task Many_wait_at_once_and_each_gets_its_own_object()
    {
        var names = Enumerable.Range(0, 20).Select(_ => new TemporaryName()).ToList();
        var openings = names.Select(name => SharedMemoryObject.OpenWhenReadyAsync(name).AsTask()).ToList();
        foreach (var (name, at) in names.Select((name, at) => (name, at)).Reverse())
        {
            SharedMemoryObject.Create(name, at + 1).Dispose();
        }

        for (var at = 0; at < names.Count; at++)
        {
            using var memory = await Within(openings[at]);
            Assert.Equal(at + 1, memory.Length);
            names[at].Dispose();
        }
    }

    private static Task<T> Within<T>(Task<T> task) => task.WaitAsync(Watchdog.Limit);

    /// <summary>Creates, waits a second, and sets the length, as most programs do.</summary>
    private static Peer StartC(TemporaryName name)
    {
        Skip.If(!Installed.Has("cc"), "There is no C compiler on this machine.");
        using var directory = new TemporaryFile();
        var source = directory.Path + ".c";
        var program = directory.Path + ".out";
        File.WriteAllText(source, """
            #include <fcntl.h>
            #include <sys/mman.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                int fd = shm_open(argv[1], O_CREAT | O_EXCL | O_RDWR, 0600);
                sleep(1);
                return ftruncate(fd, 4096) || read(0, argv[0], 1) > 1;
            }
            """);
        using (var compiler = Peer.Run("cc", "-o", program, source, "-lrt"))
        {
            Assert.Equal(0, compiler.Finish().ExitCode);
        }

        var peer = Peer.Run(program, "/" + name);
        File.Delete(source);
        return peer;
    }

    private static Peer StartPython(TemporaryName name)
    {
        Skip.If(!Installed.Has("python3"), "There is no Python on this machine.");
        return Peer.Run("python3", "-c", $"""
            import _posixshmem, os, time, sys
            fd = _posixshmem.shm_open('/{name}', os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            time.sleep(1)
            os.ftruncate(fd, 4096)
            sys.stdin.read(1)
            """);
    }
}
