namespace Posix.SharedMemory.Tests.Platforms;

/// <summary>Linux kernels, and sandboxes that say they are one, which lack a call.</summary>
public sealed class Lacking
{
    [Theory]
    [InlineData(RenameMode.NoReplace)]
    [InlineData(RenameMode.Exchange)]
    [Rule("errors.unsupported")]
    public void Without_renameat2_a_rename_that_needs_it_says_what_to_use_instead(RenameMode mode)
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        var platform = new ScriptedPlatform("renameat2", Errno.ENOSYS, occurrence: 0);
        using (Platform.Substitute(platform))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(() => SharedMemoryObject.Rename(from, to, mode));
            Assert.Contains("RenameMode.Replace", refusal.Message, StringComparison.Ordinal);
            Assert.True(platform.Fired);
            Assert.True(from.Exists);
            SharedMemoryObject.Rename(from, to);
        }

        Assert.False(from.Exists);
        Assert.True(to.Exists);
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void Without_open_file_description_locks_a_lease_says_what_to_use_instead()
    {
        using var name = new TemporaryName();
        var leased = new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose };
        var platform = new ScriptedPlatform("fcntl", Errno.EINVAL, occurrence: 0);
        using (Platform.Substitute(platform))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(() => SharedMemoryObject.Create(name, 5000, leased));
            Assert.Contains("UnlinkOnDispose", refusal.Message, StringComparison.Ordinal);
            Assert.True(platform.Fired);
            Assert.False(name.Exists);
            SharedMemoryObject.Create(name, 5000, new() { Lifetime = Lifetime.UnlinkOnDispose }).Dispose();
        }

        Assert.False(name.Exists);
    }
}
