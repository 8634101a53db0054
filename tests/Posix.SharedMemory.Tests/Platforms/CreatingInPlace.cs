namespace Posix.SharedMemory.Tests.Platforms;

/// <summary>The way of a system that has no objects without a name, as macOS, walked with Linux's calls.</summary>
public sealed class CreatingInPlace
{
    [Theory]
    [InlineData(Backing.Reserved)]
    [InlineData(Backing.Sparse)]
    public void Creates_under_the_name_and_refuses_one_that_is_taken(Backing backing)
    {
        using var name = new TemporaryName();
        using (Platform.Substitute(Platform.Linux(SystemCalls.Real) with { Names = new WithoutUnpublishedObjects() }))
        {
            using var memory = SharedMemoryObject.Create(name, 5000, new() { Backing = backing, Lifetime = Lifetime.UnlinkOnDispose });
            Assert.Equal((5000, name.Name, UnixFileMode.UserRead | UnixFileMode.UserWrite), (memory.Length, memory.Name, memory.Permissions));
            var refusal = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1));
            Assert.Equal(Errno.EEXIST, refusal.Errno);
            using var same = SharedMemoryObject.OpenOrCreate(name, 1, out var created);
            Assert.Equal((false, 5000), (created, same.Length));
        }

        Assert.False(name.Exists);
    }

    [Fact]
    public void Leaves_no_name_where_the_memory_is_not_available()
    {
        using var name = new TemporaryName();
        using (Platform.Substitute(Platform.Linux(SystemCalls.Real) with { Names = new WithoutUnpublishedObjects() }))
        {
            Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1L << 60));
        }

        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void Refuses_a_membership_before_anything_is_made()
    {
        using var name = new TemporaryName();
        using (Platform.Substitute(Platform.Linux(SystemCalls.Real) with { Names = new WithoutUnpublishedObjects() }))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(
                () => SharedMemoryObject.Create(name, 1, new() { Lifetime = Lifetime.UnlinkOnLastDispose }));
            Assert.Contains("UnlinkOnDispose", refusal.Message, StringComparison.Ordinal);
        }

        Assert.False(name.Exists);
    }

    private sealed class WithoutUnpublishedObjects()
        : LinuxNames(SystemCalls.Real, new(SystemCalls.Real), new(SystemCalls.Real, new(SystemCalls.Real)))
    {
        internal override bool HasUnpublishedObjects => false;
    }
}
