namespace Posix.SharedMemory.Tests.Objects;

public sealed class Unlinking
{
    [Fact]
    [Rule("unlink.missing")]
    public void A_missing_name_is_ENOENT_and_false_for_TryUnlink()
    {
        using var name = new TemporaryName();
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Unlink("/" + name));
        Assert.Equal((Errno.ENOENT, "shm_unlink", "/" + name), (failure.Errno, failure.Operation, failure.ObjectName));
        Assert.False(SharedMemoryObject.TryUnlink(name));

        SharedMemoryObject.Create(name, 1).Dispose();
        Assert.True(SharedMemoryObject.TryUnlink("//" + name));
        Assert.False(name.Exists);
        Assert.False(SharedMemoryObject.TryUnlink(name));
    }

    [Fact]
    [Rule("unlink.missing")]
    public void TryUnlink_is_false_for_ENOENT_only()
    {
        using var name = new TemporaryName();
        Directory.CreateDirectory(name.Path);
        Assert.Equal(Errno.EISDIR, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.TryUnlink(name)).Errno);
        using (Platform.Substitute(new ScriptedPlatform("unlink", Errno.EPERM)))
        {
            // POSIX and glibc say EACCES where the kernel says EPERM.
            Assert.Equal(Errno.EACCES, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.TryUnlink(name)).Errno);
        }
    }

    [Fact]
    [Rule("unlink.keeps")]
    public void Descriptors_and_mappings_go_on_working()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 100);
        using var other = SharedMemoryObject.Open(name);
        using var mapping = memory.Map();
        SharedMemoryObject.Unlink(name);

        mapping.GetSpan()[3] = 7;
        var content = new byte[4];
        Assert.Equal(4, other.Read(content, 0));
        Assert.Equal(7, content[3]);
        memory.SetLength(5000);
        memory.Write([8], 4999);
        memory.Permissions = UnixFileMode.UserRead;
        using var second = other.Map();
        Assert.Equal(8, second.GetReadOnlySpan()[4999]);
        Assert.Equal(5000, memory.CopyTo(SinkHandle()));
        using var successor = SharedMemoryObject.Create(name, 1);
        Assert.NotEqual(successor.GetStatus().Identity, memory.GetStatus().Identity);
    }

    [Fact]
    [Rule("unlink.own")]
    public void An_object_removes_only_its_own_name()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        using (var reader = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read))
        {
            reader.Unlink();
        }

        Assert.False(name.Exists);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(memory.Unlink).Errno);

        using var successor = SharedMemoryObject.Create(name, 2);
        var failure = Assert.Throws<SharedMemoryException>(memory.Unlink);
        Assert.Equal((Errno.ENOENT, "shm_unlink", name.Name), (failure.Errno, failure.Operation, failure.ObjectName));
        Assert.False(successor.IsUnlinked);
        successor.Unlink();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("unlink.seen")]
    public void IsUnlinked_is_true_if_the_name_is_gone_or_refers_to_another_object()
    {
        using TemporaryName name = new(), elsewhere = new();
        using var memory = SharedMemoryObject.Create(name, 1);
        Assert.False(memory.IsUnlinked);
        SharedMemoryObject.Rename(name, elsewhere);
        Assert.True(memory.IsUnlinked);
        using (SharedMemoryObject.Create(name, 1))
        {
            Assert.True(memory.IsUnlinked);
        }

        SharedMemoryObject.Rename(elsewhere, name);
        Assert.False(memory.IsUnlinked);
        File.Delete(name.Path);
        Assert.True(memory.IsUnlinked);
        Directory.CreateDirectory(name.Path);
        Assert.True(memory.IsUnlinked);
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle SinkHandle() => Native.Open("/dev/null", Native.O_WRONLY);
}
