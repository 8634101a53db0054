using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Listing
{
    [Fact]
    [Rule("directory.list")]
    public void Lists_every_object_with_what_GetStatus_returns()
    {
        var names = Enumerable.Range(0, 300).Select(_ => new TemporaryName("list")).ToList();
        try
        {
            foreach (var name in names)
            {
                SharedMemoryObject.Create(name, 5, new() { Backing = Backing.Sparse, Permissions = (UnixFileMode)0x1B0 }).Dispose();
            }

            foreach (var name in names)
            {
                File.SetLastWriteTimeUtc(name.Path, new(2002, 3, 4, 5, 6, 7, DateTimeKind.Utc));
            }

            var listed = SharedMemoryDirectory.Enumerate().ToLookup(entry => entry.Name, StringComparer.Ordinal);
            foreach (var name in names)
            {
                using var memory = SharedMemoryObject.Open(name);
                var entry = Assert.Single(listed[name.Name]);
                var status = memory.GetStatus();
                Assert.Equal(status, entry.Status);
                Assert.Equal(
                    (status.Length, status.AllocatedBytes, status.Permissions, status.UserId, status.GroupId, status.Identity, status.LastWriteTime, status.CreationTime),
                    (entry.Length, entry.AllocatedBytes, entry.Permissions, entry.UserId, entry.GroupId, entry.Identity, entry.LastWriteTime, entry.CreationTime));
                Assert.Equal(name.Name, Encoding.UTF8.GetString(entry.NameBytes.Span));
            }
        }
        finally
        {
            names.ForEach(name => name.Dispose());
        }
    }

    [Fact]
    [Rule("directory.list")]
    public void Leaves_out_what_is_not_an_object()
    {
        using TemporaryName directory = new(), link = new(), fifo = new(), target = new(), hidden = new(), semaphoreLike = new("sem");
        using var memory = SharedMemoryObject.Create(target, 1);
        Directory.CreateDirectory(directory.Path);
        File.CreateSymbolicLink(link.Path, target.Path);
        Native.MakeFifo(fifo.Path);
        var semaphore = "sem." + hidden;
        File.WriteAllText("/dev/shm/" + semaphore, "");
        File.WriteAllText("/dev/shm/." + hidden, "");
        SharedMemoryObject.Create(semaphoreLike, 1).Dispose();
        try
        {
            var names = SharedMemoryDirectory.Enumerate().Select(entry => entry.Name).ToList();
            foreach (var absent in (string[])[directory, link, fifo, semaphore, ".", ".."])
            {
                Assert.DoesNotContain(absent, names);
            }

            foreach (var present in (string[])[target, "." + hidden, semaphoreLike])
            {
                Assert.Contains(present, names);
            }
        }
        finally
        {
            File.Delete("/dev/shm/" + semaphore);
            File.Delete("/dev/shm/." + hidden);
        }
    }

    [Fact]
    [Rule("directory.vanish")]
    public void Objects_removed_while_the_list_is_read_are_left_out()
    {
        using TemporaryName stays = new();
        var names = Enumerable.Range(0, 20).Select(_ => new TemporaryName("vanish")).ToList();
        names.ForEach(name => SharedMemoryObject.Create(name, 0).Dispose());
        SharedMemoryObject.Create(stays, 0).Dispose();

        var seen = new List<string>();
        var removed = false;
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            seen.Add(entry.Name);
            if (!removed && names.Exists(mine => mine.Name == entry.Name))
            {
                names.ForEach(name => name.Dispose());
                removed = true;
            }
        }

        Assert.True(removed);
        Assert.Single(seen, name => names.Exists(mine => mine.Name == name));
        Assert.Contains(stays.Name, seen.Concat(SharedMemoryDirectory.Enumerate().Select(entry => entry.Name)));
    }

    [Fact]
    [Rule("directory.vanish")]
    public void Listing_continues_while_other_processes_create_and_remove()
    {
        using TemporaryName stays = new(), churned = new();
        SharedMemoryObject.Create(stays, 0).Dispose();
        using var stop = new CancellationTokenSource();
        var churning = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                SharedMemoryObject.Create(churned, 0).Dispose();
                SharedMemoryObject.Unlink(churned);
            }
        });
        for (var walk = 0; walk < 500; walk++)
        {
            Assert.Single(SharedMemoryDirectory.Enumerate(), entry => entry.Name == stays.Name);
        }

        stop.Cancel();
        Watchdog.Run(() => churning.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the other");
        Assert.Null(churning.Exception);
    }

    [Fact]
    [Rule("directory.remove")]
    public void An_entry_unlinks_only_the_object_that_was_listed()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        var entry = SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == name.Name);
        using var memory = entry.Open();
        Assert.Equal((FileAccess.Read, name.Name, 1), (memory.Access, memory.Name, memory.Length));
        SharedMemoryObject.Unlink(name);
        using var newer = SharedMemoryObject.Create(name, 2);
        var failure = Assert.Throws<SharedMemoryException>(entry.Unlink);
        Assert.Equal((Errno.ENOENT, "shm_unlink", name.Name), (failure.Errno, failure.Operation, failure.ObjectName));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => entry.Open()).Errno);
        Assert.False(newer.IsUnlinked);
        SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == name.Name).Unlink();
        Assert.True(newer.IsUnlinked);
    }

    [Fact]
    [Rule("directory.remove")]
    public void An_entry_renames_only_the_object_that_was_listed()
    {
        using TemporaryName name = new(), other = new(), free = new();
        using var memory = SharedMemoryObject.Create(name, 1);
        SharedMemoryObject.Create(other, 2).Dispose();
        var entry = SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name.Name))!;
        var failure = Assert.Throws<SharedMemoryException>(() => entry.Rename(other, RenameMode.NoReplace));
        Assert.Equal((Errno.EEXIST, "shm_rename", other.Name), (failure.Errno, failure.Operation, failure.ObjectName));
        entry.Rename(other, RenameMode.Exchange);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => entry.Rename(free)).Errno);
        Assert.False(free.Exists);
        SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(other.Name))!.Rename(free);
        using var moved = SharedMemoryObject.Open(free);
        Assert.Equal(memory.GetStatus().Identity, moved.GetStatus().Identity);
        Assert.Throws<ArgumentException>(() => entry.Rename("a/b"));
    }

    [Fact]
    [Rule("directory.permissions")]
    public void An_entry_sets_permissions_only_of_the_object_that_was_listed_and_needs_none()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1, new() { Permissions = UnixFileMode.None }).Dispose();
        var entry = SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name.Name))!;
        entry.SetPermissions(UnixFileMode.UserWrite);
        entry.SetPermissions(UnixFileMode.UserRead | UnixFileMode.StickyBit);
        using (var memory = entry.Open())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.StickyBit, memory.Permissions);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => entry.SetPermissions((UnixFileMode)0x1000));
        SharedMemoryObject.Unlink(name);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => entry.SetPermissions(UnixFileMode.None)).Errno);
        using var newer = SharedMemoryObject.Create(name, 2);
        var failure = Assert.Throws<SharedMemoryException>(() => entry.SetPermissions(UnixFileMode.None));
        Assert.Equal((Errno.ENOENT, "chmod", name.Name), (failure.Errno, failure.Operation, failure.ObjectName));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, newer.Permissions);
    }

    [Fact]
    [Rule("directory.find")]
    public void Finds_the_object_of_a_name_whatever_its_bytes_are()
    {
        using TemporaryName name = new(), directory = new();
        using var memory = SharedMemoryObject.Create(name, 5);
        Directory.CreateDirectory(directory.Path);
        Assert.Equal(memory.GetStatus(), SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name.Name))!.Status);
        Assert.Null(SharedMemoryDirectory.Find([.. Encoding.UTF8.GetBytes(name.Name), 0xFF]));
        Assert.Null(SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(directory.Name)));
        Assert.Null(SharedMemoryDirectory.Find(new byte[255].Select(_ => (byte)'a').ToArray()));
        foreach (var impossible in (byte[][])[[], [(byte)'.'], [(byte)'.', (byte)'.'], [(byte)'a', (byte)'/'], [0], new byte[256]])
        {
            Assert.Throws<ArgumentException>(() => SharedMemoryDirectory.Find(impossible));
        }
    }

    [Fact]
    [Rule("directory.usage")]
    public void Usage_is_what_df_prints()
    {
        SharedMemoryUsage usage = default, told = default;
        // Other tests take and give memory meanwhile: compared is an instant in which nothing moved.
        Watchdog.Until(
            () =>
            {
                usage = SharedMemoryDirectory.GetUsage();
                using var df = Peer.Run("df", "-B1", "--output=size,used,avail,itotal,iavail", "/dev/shm");
                _ = df.ReadLine();
                var numbers = df.ReadLine().Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
                told = new(numbers[0], numbers[1], numbers[2]) { TotalInodes = numbers[3], AvailableInodes = numbers[4] };
                return told == usage;
            },
            "a moment in which df and GetUsage tell the same");
        Assert.Equal(told, usage);
        Assert.InRange(usage.UsedBytes, 0, usage.TotalBytes);
    }
}
