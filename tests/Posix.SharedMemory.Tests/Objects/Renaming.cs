namespace Posix.SharedMemory.Tests.Objects;

public sealed class Renaming
{
    public static TheoryData<RenameMode> Modes => [RenameMode.Replace, RenameMode.NoReplace, RenameMode.Exchange];

    [Fact]
    [Rule("rename.replace")]
    public void Replace_moves_the_name_over_another_object()
    {
        using TemporaryName from = new(), to = new();
        using var moved = SharedMemoryObject.Create(from, 1);
        using var former = SharedMemoryObject.Create(to, 2);
        former.Write("ab"u8, 0);
        SharedMemoryObject.Rename("/" + from, to);

        Assert.False(from.Exists);
        using var opened = SharedMemoryObject.Open(to);
        Assert.Equal(moved.GetStatus().Identity, opened.GetStatus().Identity);
        Assert.True(former.IsUnlinked);
        Assert.True(moved.IsUnlinked);
        Assert.Equal(2, former.Read(new byte[2], 0));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Rule("rename.replace")]
    [Rule("rename.exchange-missing")]
    public void Every_mode_moves_to_a_free_name(RenameMode mode)
    {
        using TemporaryName from = new(), to = new();
        using var memory = SharedMemoryObject.Create(from, 1);
        SharedMemoryObject.Rename(from, to, mode);
        Assert.False(from.Exists);
        Assert.Equal(memory.GetStatus().Identity, SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == to.Name).Identity);
    }

    [Fact]
    [Rule("rename.noreplace")]
    public void NoReplace_on_a_taken_name_changes_nothing()
    {
        using TemporaryName from = new(), to = new();
        using var first = SharedMemoryObject.Create(from, 1);
        using var second = SharedMemoryObject.Create(to, 2);
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Rename(from, to, RenameMode.NoReplace));
        Assert.Equal((Errno.EEXIST, "shm_rename", to.Name), (failure.Errno, failure.Operation, failure.ObjectName));
        Assert.False(first.IsUnlinked);
        Assert.False(second.IsUnlinked);
    }

    [Fact]
    [Rule("rename.exchange")]
    public void Exchange_swaps_two_names()
    {
        using TemporaryName one = new(), two = new();
        using var first = SharedMemoryObject.Create(one, 1);
        using var second = SharedMemoryObject.Create(two, 2);
        SharedMemoryObject.Rename(one, two, RenameMode.Exchange);
        Assert.Equal((2, 1), (new FileInfo(one.Path).Length, new FileInfo(two.Path).Length));
        Assert.True(first.IsUnlinked);
        SharedMemoryObject.Rename(two, one, RenameMode.Exchange);
        Assert.False(first.IsUnlinked);
        Assert.False(second.IsUnlinked);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Rule("rename.same")]
    public void The_same_name_twice_succeeds_also_if_it_does_not_exist(RenameMode mode)
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Rename(name, "/" + name, mode);
        Assert.False(name.Exists);
        using var memory = SharedMemoryObject.Create(name, 1);
        SharedMemoryObject.Rename("//" + name, name, mode);
        Assert.False(memory.IsUnlinked);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Rule("rename.missing")]
    public void A_missing_source_is_ENOENT(RenameMode mode)
    {
        using TemporaryName from = new(), to = new();
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Rename("/" + from, to, mode));
        Assert.Equal((Errno.ENOENT, "/" + from), (failure.Errno, failure.ObjectName));
        Assert.False(to.Exists);

        // With NoReplace a kernel may look at the target first; what is there stays in any case.
        using var there = SharedMemoryObject.Create(to, 1);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Rename(from, to, mode)).Errno);
        Assert.False(there.IsUnlinked);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Rule("rename.twins")]
    public void Of_two_hard_links_of_one_object_the_source_is_gone_afterwards(RenameMode mode)
    {
        using TemporaryName from = new(), to = new();
        using var memory = SharedMemoryObject.Create(from, 1);
        Native.Link(from.Path, to.Path);
        switch (mode)
        {
            case RenameMode.Replace:
                SharedMemoryObject.Rename(from, to, mode);
                Assert.False(from.Exists);
                Assert.True(to.Exists);
                Assert.Equal(1, memory.GetStatus().NameCount);
                break;
            case RenameMode.NoReplace:
                Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Rename(from, to, mode)).Errno);
                break;
            default:
                SharedMemoryObject.Rename(from, to, mode);
                Assert.True(from.Exists && to.Exists);
                break;
        }
    }

    [Fact]
    [Rule("rename.missing")]
    public void A_directory_under_the_target_name_is_EINVAL_and_stays()
    {
        using TemporaryName from = new(), to = new();
        using var memory = SharedMemoryObject.Create(from, 1);
        Directory.CreateDirectory(to.Path);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Rename(from, to)).Errno);
        Assert.False(memory.IsUnlinked);
        Assert.True(Directory.Exists(to.Path));
    }
}
