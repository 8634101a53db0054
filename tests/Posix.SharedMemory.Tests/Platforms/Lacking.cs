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
    public void Without_unnamed_files_objects_are_created_under_a_temporary_name(string answer)
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

    [Theory]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [InlineData("EINVAL")]
    [Rule("status.lacking")]
    public void Without_statx_the_older_call_finds_the_same(string answer)
    {
        using var name = new TemporaryName();
        using var file = new TemporaryFile();
        using var memory = SharedMemoryObject.Create(name, 5000);
        memory.Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        var platform = new ScriptedPlatform("statx", Enum.Parse<Errno>(answer), occurrence: 0);
        var expected = memory.GetStatus() with { CreationTime = DateTimeOffset.UnixEpoch };
        using (Platform.Substitute(platform))
        {
            using var opened = SharedMemoryObject.Open(name);
            Assert.Equal(expected, opened.GetStatus());
            var entry = SharedMemoryDirectory.Find(name)!;
            Assert.Equal(expected, entry.Status);
            Assert.Contains(SharedMemoryDirectory.Enumerate(), each => each.Name == name.Name);
            Assert.Contains(entry.GetHolders(), holder => holder.ProcessId == Environment.ProcessId && holder.Descriptors.Count >= 2);
            Assert.True(entry.IsHeld());
            opened.SetLength(9000);
            entry.Open().Dispose();
            opened.Unlink();
            Assert.True(opened.IsUnlinked);
            SharedMemoryObject.Create(name, 100).Dispose();
            File.WriteAllBytes(file.Path, new byte[10]);
            MappedRegion.Attach(file.Path).Dispose();
        }

        Assert.True(platform.Fired);
        Assert.Equal(9000, memory.Length);
        // What is not refused, but wrong, is the same error by either call.
        using (Platform.Substitute(new ScriptedPlatform("statx", Enum.Parse<Errno>(answer), occurrence: 0)))
        {
            SharedMemoryObject.Unlink(name);
            Assert.Null(SharedMemoryDirectory.Find(name));
            Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.GetHolders(name)).Errno);
        }
    }

    [Theory]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [InlineData("EINVAL")]
    [Rule("status.lacking")]
    public void Where_both_calls_are_refused_the_error_is_that_of_the_first(string answer)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 5000);
        var platform = new ScriptedPlatform("statx", Enum.Parse<Errno>(answer), occurrence: 0) { Forbidden = "newfstatat" };
        using (Platform.Substitute(platform))
        {
            var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.Find(name));
            Assert.Equal((Enum.Parse<Errno>(answer), "statx"), (failure.Errno, failure.Operation));
        }
    }

    [Theory]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [InlineData("EINVAL")]
    [Rule("create.lacking")]
    public void Without_linkat_of_a_descriptor_a_new_object_gets_its_name_through_proc(string answer)
    {
        using var name = new TemporaryName();
        var refusal = Enum.Parse<Errno>(answer);
        // The probe and the link each ask twice; the second ways are really gone.
        using (Platform.Substitute(ScriptedPlatform.InTurn("linkat", refusal, default, refusal, default)))
        {
            using var memory = SharedMemoryObject.Create(name, 5000);
            Assert.Equal((5000, 1), (memory.Length, memory.GetStatus().NameCount));
        }

        Assert.True(name.Exists);
    }

    [Theory]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [InlineData("EINVAL")]
    [InlineData("ENOENT")]
    [Rule("create.lacking")]
    public void Without_any_linkat_objects_and_files_are_created_under_a_temporary_name(string answer)
    {
        using TemporaryName name = new(), other = new();
        using var directory = TemporaryDirectory.InMemory();
        var platform = new ScriptedPlatform("linkat", Enum.Parse<Errno>(answer), occurrence: 0);
        using (Platform.Substitute(platform))
        {
            SharedMemoryObject.Create(name, 5000).Dispose();
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 5000)).Errno);
            using var unpublished = SharedMemoryObject.CreateUnpublished(77);
            unpublished.Publish(other);
            Assert.Equal(1, unpublished.GetStatus().NameCount);
            SharedMemoryObject.CreateUnpublished(78).Dispose();
            MappedRegion.Create(directory.File(), 50, FileCleanup.Keep).Dispose();
            Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), 60, FileCleanup.Keep));
            MappedRegion.Create(directory.File(), 100, FileCleanup.Keep, new() { OnConflict = NameConflict.Replace }).Dispose();
        }

        Assert.True(platform.Fired);
        Assert.Single(directory.List());
        Assert.Equal(100, new FileInfo(directory.File()).Length);
    }

    [Theory]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [InlineData("EINVAL")]
    [Rule("rename.lacking")]
    public void Without_renameat2_and_linkat_a_move_that_replaces_nothing_says_what_to_use_instead(string answer)
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        var platform = new ScriptedPlatform("renameat2", Enum.Parse<Errno>(answer), occurrence: 0) { Forbidden = "linkat" };
        using (Platform.Substitute(platform))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(() => SharedMemoryObject.Rename(from, to, RenameMode.NoReplace));
            Assert.Contains("RenameMode.Replace", refusal.Message, StringComparison.Ordinal);
            Assert.Equal((true, false), (from.Exists, to.Exists));
            SharedMemoryObject.Rename(from, to);
        }

        Assert.Equal((false, true), (from.Exists, to.Exists));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("process_vm_writev")]
    [Rule("length.zeros")]
    public void Growing_from_inside_a_page_opens_nothing(string? forbidden)
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 5000).Dispose();
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Open(name);
            using var mapping = memory.Map(0, 5000);
            unsafe
            {
                mapping.DangerousGetPointer()[6000] = 7;
            }

            platform.Arm("open", Errno.EMFILE, occurrence: 0);
            using (Platform.Substitute(forbidden is null ? platform : new ScriptedPlatform("open", Errno.EMFILE, occurrence: 0) { Forbidden = forbidden }))
            {
                memory.SetLength(9000);
            }

            Assert.Equal(0, platform.CountOf("open"));
            var bytes = new byte[4000];
            memory.Read(bytes, 5000);
            Assert.All(bytes, value => Assert.Equal(0, value));
        }
    }

    [Theory]
    [InlineData("EOPNOTSUPP")]
    [InlineData("ENOSYS")]
    [InlineData("EPERM")]
    [InlineData("EINVAL")]
    [Rule("length.written")]
    public void Without_fallocate_a_new_object_is_filled_and_the_rest_works_or_says_what_to_use_instead(string answer)
    {
        using var name = new TemporaryName();
        var platform = new ScriptedPlatform("fallocate", Enum.Parse<Errno>(answer), occurrence: 0);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Create(name, 600_000);
            Assert.Equal((600_000, 602_112), (memory.Length, memory.GetStatus().AllocatedBytes));
            Assert.Contains("Backing.Sparse", Assert.Throws<PlatformNotSupportedException>(() => memory.SetLength(700_000)).Message, StringComparison.Ordinal);
            Assert.Contains("Backing.Sparse", Assert.Throws<PlatformNotSupportedException>(() => memory.Reserve(0, 100)).Message, StringComparison.Ordinal);
            Assert.Contains("Write zeros", Assert.Throws<PlatformNotSupportedException>(() => memory.Discard(0, 4096)).Message, StringComparison.Ordinal);
            Assert.Equal(600_000, memory.Length);
            memory.SetLength(700_000, Backing.Sparse);
            memory.Write(Pattern.Of(50_000), 640_000);
            Assert.Equal(Pattern.Of(50_000), memory.Map().GetReadOnlySpan(640_000, 50_000).ToArray());
            using var anonymous = SharedMemoryObject.CreateAnonymous(600_000);
            Assert.Equal(602_112, anonymous.GetStatus().AllocatedBytes);
            // What a seal refuses is not missing.
            anonymous.AddSeals(MemorySeals.Grow);
            Assert.Equal(Errno.EPERM, Assert.Throws<SharedMemoryException>(() => anonymous.SetLength(700_000, Backing.Sparse)).Errno);
        }

        Assert.True(platform.Fired);
    }

    [Fact]
    [Rule("create.lacking")]
    public void Without_unnamed_files_a_region_still_replaces_a_file()
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
