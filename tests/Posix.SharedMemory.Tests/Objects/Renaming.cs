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
    public void Renaming_a_name_to_itself_succeeds_even_if_it_does_not_exist(RenameMode mode)
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
    public void Replacing_one_hard_link_of_an_object_by_another_removes_the_source(RenameMode mode)
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

    [Theory]
    [MemberData(nameof(Modes))]
    [Rule("rename.own")]
    public void An_object_renames_itself_and_its_names_follow(RenameMode mode)
    {
        using TemporaryName from = new(), to = new(), last = new();
        using var memory = SharedMemoryObject.Create(from, 1);
        Assert.Equal(System.Text.Encoding.UTF8.GetBytes(from.Name), memory.Utf8Name.ToArray());
        memory.Rename("/" + to, mode);
        Assert.Equal("/" + to, memory.Name);
        Assert.Equal(System.Text.Encoding.UTF8.GetBytes("/" + to), memory.Utf8Name.ToArray());
        Assert.False(memory.IsUnlinked);
        Assert.False(from.Exists);
        memory.Rename(to, mode);
        Assert.Equal(to.Name, memory.Name);
        memory.Rename(last);
        memory.Unlink();
        Assert.False(last.Exists);
    }

    [Fact]
    [Rule("rename.own")]
    public void An_object_without_a_name_of_its_own_is_not_renamed()
    {
        using TemporaryName name = new(), to = new();
        using var memory = SharedMemoryObject.Create(name, 1);
        using var taken = SharedMemoryObject.Create(to, 2);
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => memory.Rename(to, RenameMode.NoReplace)).Errno);
        Assert.Equal(name.Name, memory.Name);
        SharedMemoryObject.Unlink(name);
        using var newer = SharedMemoryObject.Create(name, 3);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => memory.Rename(to)).Errno);
        Assert.False(newer.IsUnlinked);
        Assert.False(taken.IsUnlinked);
        using var unpublished = SharedMemoryObject.CreateUnpublished(1);
        Assert.Throws<InvalidOperationException>(() => unpublished.Rename(to));
        Assert.Throws<ArgumentException>(() => memory.Rename("a/b"));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Rename(to, (RenameMode)9));
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Rename(to));
    }

    [Theory]
    [InlineData(Lifetime.UnlinkOnDispose)]
    [InlineData(Lifetime.UnlinkOnLastDispose)]
    [Rule("rename.own")]
    public void The_lifetime_of_an_object_that_renames_itself_removes_the_new_name(Lifetime lifetime)
    {
        using TemporaryName from = new(), to = new();
        using var memory = SharedMemoryObject.Create(from, 1, new() { Lifetime = lifetime });
        memory.Rename(to);
        using var newer = SharedMemoryObject.Create(from, 2);
        memory.Dispose();
        Assert.False(to.Exists);
        Assert.False(newer.IsUnlinked);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Rule("exists.truth")]
    public void Exists_returns_whether_an_object_has_the_name(RenameMode mode)
    {
        using TemporaryName name = new(), other = new();
        Assert.False(SharedMemoryObject.Exists(name));
        using var memory = SharedMemoryObject.Create(name, 0);
        Assert.True(SharedMemoryObject.Exists("/" + name));
        SharedMemoryObject.Rename(name, other, mode);
        Assert.Equal((false, true), (SharedMemoryObject.Exists(name), SharedMemoryObject.Exists(other)));
        SharedMemoryObject.Unlink(other);
        Assert.False(SharedMemoryObject.Exists(other));
        Directory.CreateDirectory(other.Path);
        Assert.False(SharedMemoryObject.Exists(other));
        Assert.Throws<ArgumentException>(() => SharedMemoryObject.Exists("a/b"));
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
