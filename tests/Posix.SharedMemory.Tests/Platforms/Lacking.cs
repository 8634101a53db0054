namespace Posix.SharedMemory.Tests.Platforms;

/// <summary>Linux kernels, and sandboxes that say they are one, which lack a call.</summary>
public sealed class Lacking
{
    [Theory]
    [InlineData("ENOSYS")]
    [InlineData("EINVAL")]
    [InlineData("EPERM")]
    [Rule("rename.lacking")]
    public void Without_renameat2_a_name_moves_without_replacing_another_and_Exchange_says_what_to_use_instead(string answer)
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        var platform = new ScriptedPlatform("renameat2", Enum.Parse<Errno>(answer), occurrence: 0);
        using (Platform.Substitute(platform))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(() => SharedMemoryObject.Rename(from, to, RenameMode.Exchange));
            Assert.Contains("RenameMode.Replace", refusal.Message, StringComparison.Ordinal);
            Assert.True(platform.Fired);
            Assert.True(from.Exists);
            SharedMemoryObject.Rename(from, to, RenameMode.NoReplace);
            Assert.Equal((false, true), (from.Exists, to.Exists));
            SharedMemoryObject.Create(from, 2).Dispose();
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Rename(from, to, RenameMode.NoReplace)).Errno);
            SharedMemoryObject.Rename(from, to);
        }

        Assert.False(from.Exists);
        using var moved = SharedMemoryObject.Open(to);
        Assert.Equal(2, moved.Length);
    }

    [Theory]
    [InlineData("EOPNOTSUPP")]
    [InlineData("EISDIR")]
    [InlineData("EINVAL")]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [Rule("create.lacking")]
    public void Without_files_that_have_no_name_objects_are_created_under_a_temporary_one(string answer)
    {
        using TemporaryName name = new(), other = new();
        // Only the open with O_TMPFILE is refused: each operation makes it first.
        var refusal = Enum.Parse<Errno>(answer);
        var identities = new List<ObjectIdentity>();
        using (Platform.Substitute(new ScriptedPlatform("open", refusal)))
        {
            using var memory = SharedMemoryObject.Create(name, 5000, new() { Lifetime = Lifetime.UnlinkOnDispose });
            Assert.Equal((5000, name.Name, UnixFileMode.UserRead | UnixFileMode.UserWrite), (memory.Length, memory.Name, memory.Permissions));
            identities.Add(memory.GetStatus().Identity);
            using (Platform.Substitute(new ScriptedPlatform("open", refusal)))
            {
                Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1)).Errno);
            }

            using (Platform.Substitute(new ScriptedPlatform("open", refusal)))
            {
                using var unpublished = SharedMemoryObject.CreateUnpublished(77);
                identities.Add(unpublished.GetStatus().Identity);
                // While its maker lives, its temporary name is not abandoned.
                _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
                Assert.Equal(1, unpublished.GetStatus().NameCount);
                unpublished.Publish(name, RenameMode.Replace);
            }

            using (Platform.Substitute(new ScriptedPlatform("open", refusal)))
            {
                SharedMemoryObject.CreateUnpublished(78).Dispose();
            }

            using var published = SharedMemoryObject.Open(name);
            Assert.Equal(77, published.Length);
        }

        SharedMemoryObject.Unlink(name);
        Assert.DoesNotContain(SharedMemoryDirectory.Enumerate(), entry => PublishingName.IsOne(entry.Name) && identities.Contains(entry.Identity));
    }

    [Fact]
    [Rule("create.lacking")]
    public void Without_files_that_have_no_name_a_region_replaces_a_file_all_the_same()
    {
        using var directory = TemporaryDirectory.InMemory();
        using (Platform.Substitute(new ScriptedPlatform("open", Errno.EOPNOTSUPP)))
        {
            MappedRegion.Create(directory.File(), 100, FileCleanup.Keep).Dispose();
        }

        using (Platform.Substitute(new ScriptedPlatform("open", Errno.EOPNOTSUPP)))
        {
            MappedRegion.Create(directory.File(), 300, FileCleanup.Keep, new() { OnConflict = NameConflict.Replace }).Dispose();
        }

        Assert.Single(directory.List());
        Assert.Equal(300, new FileInfo(directory.File()).Length);
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void A_temporary_name_that_is_removed_before_its_maker_has_the_lock_is_replaced_by_another()
    {
        using var directory = TemporaryDirectory.InMemory();
        var removed = 0;
        var platform = ScriptedPlatform.Before(
            "fcntl(F_OFD_SETLK)", 1, () => removed += MappedRegion.RemoveAbandonedTemporaries(Path.GetDirectoryName(directory.File())!).Count);
        platform.Arm("open", Errno.EOPNOTSUPP);
        using (Platform.Substitute(platform))
        {
            MappedRegion.Create(directory.File(), 300, FileCleanup.Keep).Dispose();
        }

        Assert.Equal(1, removed);
        Assert.Single(directory.List());
        Assert.Equal(300, new FileInfo(directory.File()).Length);
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void Without_open_file_description_locks_a_membership_says_what_to_use_instead()
    {
        using var name = new TemporaryName();
        var membership = new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose };
        var platform = new ScriptedPlatform("fcntl", Errno.EINVAL, occurrence: 0);
        using (Platform.Substitute(platform))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(() => SharedMemoryObject.Create(name, 5000, membership));
            Assert.Contains("UnlinkOnDispose", refusal.Message, StringComparison.Ordinal);
            Assert.True(platform.Fired);
            Assert.False(name.Exists);
            SharedMemoryObject.Create(name, 5000, new() { Lifetime = Lifetime.UnlinkOnDispose }).Dispose();
        }

        Assert.False(name.Exists);
    }
}
