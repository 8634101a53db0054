namespace Posix.SharedMemory.Tests.Vocabulary;

public sealed class Failing
{
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("//")]
    [Rule("errors.exception")]
    public void Contains_the_errno_the_operation_and_the_name(string slashes)
    {
        using var name = new TemporaryName();
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Open(slashes + name));
        Assert.Equal(Errno.ENOENT, failure.Errno);
        Assert.Equal("shm_open", failure.Operation);
        Assert.Equal(slashes + name, failure.ObjectName);
        Assert.StartsWith($"shm_open(/{name}): No such file or directory (ENOENT): No object has this name: create it with Create", failure.Message, StringComparison.Ordinal);
        Assert.Null(failure.Detail);
        Assert.IsType<IOException>(failure, exactMatch: false);
        Assert.Equal(Errno.ENOENT.ToNative(), failure.HResult);
    }

    [Fact]
    [Rule("errors.exception")]
    public void Names_the_call_of_each_verb()
    {
        using TemporaryName name = new(), taken = new();
        using var other = SharedMemoryObject.Create(taken, 1);
        (Action Act, Errno Errno, string Operation, string? Name)[] expected =
        [
            (() => SharedMemoryObject.Unlink(name), Errno.ENOENT, "shm_unlink", name),
            (() => SharedMemoryObject.Rename(name, taken), Errno.ENOENT, "shm_rename", name),
            (() => SharedMemoryObject.Create(taken, 1), Errno.EEXIST, "shm_open", taken),
            (() => SharedMemoryDirectory.GetHolders(name), Errno.ENOENT, "shm_open", name),
            (() => other.SetLength(long.MaxValue, Backing.Sparse), Errno.EFBIG, "ftruncate", taken),
        ];
        foreach (var (act, errno, operation, about) in expected[..^1])
        {
            var failure = Assert.Throws<SharedMemoryException>(act);
            Assert.Equal((errno, operation, about), (failure.Errno, failure.Operation, failure.ObjectName));
        }

        using var unpublished = SharedMemoryObject.CreateUnpublished(1);
        var unnamed = Assert.Throws<SharedMemoryException>(() => unpublished.Publish(taken));
        Assert.Equal((Errno.EEXIST, "Publish", taken.Name), (unnamed.Errno, unnamed.Operation, unnamed.ObjectName));
    }

    [Fact]
    [Rule("errors.exception")]
    public void Leaves_the_name_out_where_there_is_none()
    {
        using var platform = new SubstitutedObject(new ScriptedPlatform("fchmod", Errno.EPERM));
        var failure = Assert.Throws<SharedMemoryException>(() => platform.Memory.Permissions = UnixFileMode.UserRead);
        Assert.Null(failure.ObjectName);
        Assert.Equal("fchmod: Operation not permitted (EPERM)", failure.Message);
    }

    [Fact]
    [Rule("errors.exception")]
    public void Adds_details_after_the_errno_if_they_are_known()
    {
        var failure = new SharedMemoryException(Errno.ENOSPC, "fallocate", "a", "5 bytes asked");
        Assert.Equal("5 bytes asked", failure.Detail);
        Assert.Equal("fallocate(/a): No space left on device (ENOSPC): 5 bytes asked", failure.Message);
    }

    [Fact]
    [Rule("errors.misuse")]
    public void Misuse_throws_before_any_system_call()
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.Create("a", -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.CreateUnpublished(-1));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.OpenOrCreate("a", -1, out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.Create("a", 1, new() { Permissions = (UnixFileMode)0x1000 }));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.Create("a", 1, new() { Backing = (Backing)7 }));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.CreateUnpublished(1, new() { Lifetime = (Lifetime)7 }));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.OpenOrCreate("a", 1, out _, new() { Lifetime = (Lifetime)(-1) }));
            Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.Rename("a", "b", (RenameMode)7));
            Assert.Throws<ArgumentNullException>(() => SharedMemoryObject.FromHandle(null!));
            Assert.Throws<ArgumentNullException>(() => SharedMemoryObject.CreateUniqueName(null!));
            Assert.Throws<ArgumentNullException>(() => new NameOwner(null!));
        }

        Assert.Empty(platform.Calls);
    }

    [Fact]
    [Rule("errors.misuse")]
    public void Using_a_disposed_object_is_an_ObjectDisposedException()
    {
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform);
        var memory = host.Memory;
        memory.Dispose();
        memory.Dispose();
        var calls = platform.Calls.Count;
        var buffer = new byte[1];
        Action[] acts =
        [
            () => _ = memory.Length,
            () => _ = memory.IsUnlinked,
            () => memory.GetStatus(),
            () => _ = memory.Permissions,
            () => memory.Permissions = UnixFileMode.UserRead,
            () => memory.SetLength(1),
            () => memory.Reserve(0, 1),
            () => memory.Discard(0, 1),
            () => memory.GetAllocatedRanges(),
            () => memory.Map(),
            () => memory.Map(0, 1),
            () => memory.Read(buffer, 0),
            () => memory.Write(buffer, 0),
            () => memory.CopyTo(host.Memory.SafeFileHandle),
            memory.Unlink,
            () => memory.Publish("a"),
            () => _ = new NameOwner(memory),
            () => SharedMemoryObject.FromHandle(memory.SafeFileHandle),
        ];
        foreach (var act in acts)
        {
            Assert.Throws<ObjectDisposedException>(act);
        }

        Assert.Equal(calls, platform.Calls.Count);
    }
}
