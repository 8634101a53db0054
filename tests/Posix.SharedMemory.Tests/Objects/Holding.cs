using System.Globalization;
using Posix.SharedMemory.Tests.Interop;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Holding
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("holders.found")]
    public void An_entry_has_holders_and_each_prints_as_a_line()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        using var map = memory.Map();
        var entry = SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == name.Name);
        var holders = entry.GetHolders();
        Assert.Equal(holders.Count, holders.Cast<SharedMemoryHolder>().Count());
        var self = holders.Single(holder => holder.ProcessId == Environment.ProcessId);
        Assert.Equal($"{self.ProcessId} {self.Command}: 1 mappings, 1 descriptors, ReadWrite", self.ToString());
    }

    [SkippableTheory]
    [InlineData("r", FileAccess.Read, false)]
    [InlineData("w", FileAccess.ReadWrite, false)]
    [InlineData("p", FileAccess.ReadWrite, true)]
    [Rule("holders.found")]
    public void Finds_a_mapping_without_a_descriptor(string how, FileAccess access, bool isPrivate)
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 4 * s_page).Dispose();
        using var judge = Judge.Start("c");
        var address = ulong.Parse(judge.Ask("map", Judge.Hex(name), how, 2 * s_page, s_page).AsSpan("ok ".Length), CultureInfo.InvariantCulture);

        var holder = Assert.Single(Settled.Holders("/" + name, judge.ProcessId));
        Assert.Equal((judge.ProcessId, "judge-cc"), (holder.ProcessId, holder.Command));
        Assert.Empty(holder.Descriptors);
        Assert.Equal([new(address, 2 * s_page, s_page, access, isPrivate)], holder.Mappings);
        judge.Kill();
        Assert.Empty(Settled.Holders(name));
    }

    [SkippableTheory]
    [InlineData("r", FileAccess.Read)]
    [InlineData("w", FileAccess.ReadWrite)]
    [Rule("holders.found")]
    public void Finds_a_descriptor_without_a_mapping(string how, FileAccess access)
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, s_page).Dispose();
        using var judge = Judge.Start("c");
        var number = int.Parse(judge.Ask("keep", Judge.Hex(name), how).AsSpan("ok ".Length), CultureInfo.InvariantCulture);

        var holder = Assert.Single(Settled.Holders(name, judge.ProcessId));
        Assert.Equal((judge.ProcessId, access), (holder.ProcessId, holder.Access));
        Assert.Empty(holder.Mappings);
        Assert.Equal([new(number, access)], holder.Descriptors);
    }

    [SkippableFact]
    [Rule("holders.found")]
    public void Finds_a_Python_process()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, s_page).Dispose();
        using var judge = Judge.Start("python");
        var number = int.Parse(judge.Ask("keep", Judge.Hex(name)).AsSpan("ok ".Length), CultureInfo.InvariantCulture);

        var holder = Assert.Single(Settled.Holders(name, judge.ProcessId));
        Assert.Equal((judge.ProcessId, FileAccess.ReadWrite), (holder.ProcessId, holder.Access));
        Assert.StartsWith("python", holder.Command, StringComparison.Ordinal);
        Assert.Equal((s_page, FileAccess.ReadWrite), (Assert.Single(holder.Mappings).Length, holder.Mappings[0].Access));
        // Python keeps the descriptor it opened and mmap's copy of it.
        Assert.Contains(new(number, FileAccess.ReadWrite), holder.Descriptors);
    }

    [Theory]
    [InlineData("read", FileAccess.Read)]
    [InlineData("write", FileAccess.ReadWrite)]
    [Rule("holders.found")]
    public void Finds_processes_of_this_library_and_this_process(string how, FileAccess access)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 3 * s_page);
        using var mapping = memory.Map(s_page);
        using var peer = Peer.Start("hold", name, how);
        Assert.Equal("held", peer.ReadLine());

        var holders = Settled.Holders(name, peer.ProcessId, Environment.ProcessId);
        var own = holders.Single(holder => holder.ProcessId == Environment.ProcessId);
        Assert.Equal((2L * s_page, s_page), (Assert.Single(own.Mappings).Length, own.Mappings[0].Offset));
        Assert.Equal([new((int)memory.SafeFileHandle.DangerousGetHandle(), FileAccess.ReadWrite)], own.Descriptors);
        var other = holders.Single(holder => holder.ProcessId == peer.ProcessId);
        Assert.Equal(("Posix.SharedMem", access), (other.Command, other.Access));
        Assert.Equal((access, 3L * s_page, 0), (Assert.Single(other.Mappings).Access, other.Mappings[0].Length, other.Mappings[0].Offset));
        Assert.Equal(access, Assert.Single(other.Descriptors).Access);
        Assert.True(holders[0].ProcessId < holders[1].ProcessId);
    }

    [Fact]
    [Rule("holders.found")]
    public void Finds_no_process_if_none_holds_the_object()
    {
        using TemporaryName name = new(), other = new();
        SharedMemoryObject.Create(name, 1).Dispose();
        using var held = SharedMemoryObject.Create(other, 1);
        Assert.Empty(Settled.Holders(name));
    }

    [Fact]
    [Rule("holders.all")]
    public void One_walk_finds_the_holders_of_all_objects()
    {
        using TemporaryName first = new(), second = new(), unheld = new();
        using var one = SharedMemoryObject.Create(first, s_page);
        using var two = SharedMemoryObject.Create(second, s_page);
        SharedMemoryObject.Create(unheld, s_page).Dispose();
        var identity = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(unheld.Name))!.Identity;
        using var peer = Peer.Start("hold", second, "read");
        Assert.Equal("held", peer.ReadLine());
        _ = Settled.Holders(first, Environment.ProcessId);
        _ = Settled.Holders(second, Environment.ProcessId, peer.ProcessId);
        _ = Settled.Holders(unheld);

        var index = SharedMemoryDirectory.IndexHolders();
        Assert.Contains(index[one.GetStatus().Identity], holder => holder.ProcessId == Environment.ProcessId);
        var holder = index[two.GetStatus().Identity].Single(holder => holder.ProcessId == peer.ProcessId);
        Assert.Equal((Peer.Program, "hold", second.Name, "read"), (holder.CommandLine[0], holder.CommandLine[1], holder.CommandLine[2], holder.CommandLine[3]));
        Assert.Equal(Environment.IsPrivilegedProcess, holder.UserId == 0);
        Assert.DoesNotContain(index[identity], holder => holder.ProcessId == peer.ProcessId);
        Assert.Equal(index.IsComplete, index.UnreadableProcessIds.Count == 0);
        Assert.Equal(index.UnreadableProcessIds, index[identity].UnreadableProcessIds);
    }

    [Fact]
    [Rule("holders.all")]
    public void An_object_without_a_name_has_holders_too()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        var own = memory.GetHolders().Single(holder => holder.ProcessId == Environment.ProcessId);
        Assert.Equal(s_page, Assert.Single(own.Mappings).Length);
        Assert.Equal([new((int)memory.SafeFileHandle.DangerousGetHandle(), FileAccess.ReadWrite)], own.Descriptors);
    }

    [SkippableFact]
    [Rule("holders.anonymous")]
    public void Memory_without_a_name_is_found_in_the_process_that_holds_it_and_opened_by_its_descriptor()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var unique = new TemporaryName("anonymous");
        using var python = Peer.Run(
            "python3", "-c", $"import mmap,os,sys; f=os.memfd_create('{unique} x'); os.write(f,b'abc'); m=mmap.mmap(f,3); print(f,flush=True); sys.stdin.read()");
        var descriptor = int.Parse(python.ReadLine(), CultureInfo.InvariantCulture);
        var found = Assert.Single(SharedMemoryDirectory.EnumerateUnnamed(), found => found.DebugName == unique + " x");
        Assert.Equal((3L, found.Identity), (found.Status!.Value.Length, found.Status.Value.Identity));
        var holder = Assert.Single(found.Holders, holder => holder.ProcessId == python.ProcessId);
        Assert.Contains(holder.Descriptors, held => held.Number == descriptor);
        Assert.Single(holder.Mappings);
        Assert.False(found.IsUnlinked);

        // An object that was unlinked has no name any more; one that was published later than made has one.
        using var published = SharedMemoryObject.CreateUnpublished(1);
        published.Publish(unique);
        using var made = SharedMemoryObject.Create(unique + "-gone", 4096);
        using var unlinked = SharedMemoryObject.Open(unique + "-gone");
        unlinked.Unlink();
        var all = SharedMemoryDirectory.EnumerateUnnamed().ToList();
        var gone = Assert.Single(all, one => one.Identity == unlinked.GetStatus().Identity);
        Assert.Equal((true, unique + "-gone", 4096L), (gone.IsUnlinked, gone.DebugName, gone.Status!.Value.Length));
        Assert.Contains(gone.Holders, holder => holder.ProcessId == Environment.ProcessId);
        Assert.DoesNotContain(all, one => one.Identity == published.GetStatus().Identity);

        using (var memory = SharedMemoryDirectory.OpenDescriptor(python.ProcessId, descriptor, FileAccess.ReadWrite))
        {
            Assert.Null(memory.Name);
            var bytes = new byte[5];
            Assert.Equal(3, memory.Read(bytes, 0));
            Assert.Equal("abc\0\0"u8.ToArray(), bytes);
            memory.Write("xyz"u8, 0);
        }

        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.OpenDescriptor(python.ProcessId, 0)).Errno);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.OpenDescriptor(python.ProcessId, 1_000_000)).Errno);
        python.Kill();
        // A process that another test forked while it was open here has it for a moment longer.
        Watchdog.Until(() => SharedMemoryDirectory.EnumerateUnnamed().All(found => found.DebugName != unique + " x"), "nobody to hold it");
    }

    [Theory]
    [InlineData("7f0000000000-7f0000001000 rw-s 00000000 {0} {1} x")]
    [InlineData("x y z {0} {1} x")]
    [InlineData("1 rw-s 0 g:2 3 x")]
    [Rule("holders.forged")]
    public void A_carriage_return_in_a_name_begins_no_line(string line)
    {
        using TemporaryName unheld = new(), honest = new();
        SharedMemoryObject.Create(unheld, s_page).Dispose();
        var identity = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(unheld.Name))!.Identity;
        var device = Held.Lines("mountinfo").Select(mount => mount.Split(' ')).Last(fields => fields[4] == "/dev/shm")[2];
        var number = device.Split(':').Select(part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        using var forged = TemporaryName.Of(honest + "\r" + string.Format(CultureInfo.InvariantCulture, line, $"{number[0]:x2}:{number[1]:x2}", identity.Inode));
        SharedMemoryObject.Create(forged, s_page).Dispose();
        using var memory = SharedMemoryObject.Open(forged);
        using var mapping = memory.Map();
        Assert.Contains(Held.Lines("maps"), shown => shown.EndsWith(forged, StringComparison.Ordinal));

        Assert.Empty(Settled.Holders(unheld));
        Assert.Single(Settled.Holders(forged, Environment.ProcessId)[0].Mappings);
        Watchdog.Until(() => SharedMemoryDirectory.IndexHolders()[identity].Count == 0, "nobody to hold it");
    }

    [Fact]
    [Rule("holders.forged")]
    public void A_carriage_return_in_a_command_changes_no_user()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        using var directory = TemporaryDirectory.InMemory();
        var command = directory.File("\rUid:\t7\t7\t7");
        File.CreateSymbolicLink(command, "/bin/sh");
        using var peer = Peer.Run(command, "-c", $"exec 3<{name.Path}; echo held; read end");
        Assert.Equal("held", peer.ReadLine());

        var holder = Settled.Holders(name, Environment.ProcessId, peer.ProcessId).Single(holder => holder.ProcessId == peer.ProcessId);
        var own = SharedMemoryDirectory.GetHolders(name).Single(holder => holder.ProcessId == Environment.ProcessId);
        Assert.Equal(("\rUid:\t7\t7\t7", own.UserId), (holder.Command, holder.UserId));
        Assert.NotEqual(7u, own.UserId);
    }

    [Fact]
    [Rule("holders.missing")]
    public void A_missing_name_is_ENOENT()
    {
        using var name = new TemporaryName();
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.GetHolders("/" + name));
        Assert.Equal((Errno.ENOENT, "/" + name), (failure.Errno, failure.ObjectName));
        Directory.CreateDirectory(name.Path);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.GetHolders(name)).Errno);
    }
}
