namespace Posix.SharedMemory.Tests.Regions;

public sealed class Abandoned
{
    [Fact]
    [Rule("publish.abandoned")]
    public void Only_names_that_this_library_makes_are_removed_and_only_when_their_maker_is_gone()
    {
        using var directory = TemporaryDirectory.InMemory();
        string[] others = [".shm-publish-notes.txt", ".shm-publish-0123456789abcdef", ".shm-publish-", "region"];
        foreach (var name in others)
        {
            File.WriteAllText(Path.Combine(directory.Path, name), "mine");
        }

        var abandoned = PublishingName.Make();
        File.WriteAllText(Path.Combine(directory.Path, abandoned), "left");
        MappedRegion.Create(directory.File(), 100, FileCleanup.Keep, new() { OnConflict = NameConflict.Replace }).Dispose();
        MappedRegion.Create(directory.File(), 100, FileCleanup.Keep, new() { OnConflict = NameConflict.Replace }).Dispose();
        Assert.True(File.Exists(Path.Combine(directory.Path, abandoned)));
        Assert.Equal([abandoned], MappedRegion.RemoveAbandonedTemporaries(directory.Path));
        Assert.All(others, name => Assert.True(File.Exists(Path.Combine(directory.Path, name)), name));
        Assert.Empty(MappedRegion.RemoveAbandonedTemporaries(directory.Path));
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void Temporary_names_have_one_form_and_are_recognized_by_all_of_it()
    {
        // Four digits tell names apart but for one in 65,536: of 1000 that were changed, more than five are as likely as one in 10^13.
        var taken = 0;
        for (var round = 0; round < 1000; round++)
        {
            var name = PublishingName.Make();
            Assert.True(PublishingName.IsOne(name), name);
            var at = 13 + (round % 16);
            var changed = name[..at] + (name[at] == '0' ? '1' : '0') + name[(at + 1)..];
            taken += PublishingName.IsOne(changed) ? 1 : 0;
        }

        Assert.InRange(taken, 0, 5);
        Assert.False(PublishingName.IsOne(PublishingName.Make() + "0"));
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void A_directory_that_is_missing_is_ENOENT() =>
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => MappedRegion.RemoveAbandonedTemporaries("/dev/shm/missing-directory")).Errno);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("publish.abandoned")]
    [Rule("publish.links")]
    public void A_link_that_held_a_name_is_removed_once_the_temporary_name_that_it_leads_to_is_gone(bool isMade)
    {
        using var directory = TemporaryDirectory.InMemory();
        string At(string name) => Path.Combine(directory.Path, name);
        var temporary = PublishingName.Make();
        File.CreateSymbolicLink(At("left"), ".//" + temporary);
        // A missing object may come again under its name; other programs' links, and names that only look like it, are not ours.
        (string Name, string Target)[] others =
        [
            ("moved", ".//region"), ("missing", ".//none"), ("single", "./" + temporary), ("plain", temporary), ("notes", ".//.shm-publish-notes.txt"), ("digits", ".//.shm-publish-0123456789abcdef"),
            ("longer", $".//{temporary}0"), ("slash", $".//{temporary}/"), ("short", "."), ("root", "/"),
        ];
        foreach (var (name, target) in others)
        {
            File.CreateSymbolicLink(At(name), target);
        }

        File.WriteAllText(At("region"), "mine");
        if (isMade)
        {
            // It is moved at this moment: its maker has the lock.
            using (var maker = new FileStream(At(temporary), FileMode.CreateNew))
            {
                Assert.True(LinuxLocks.Try(new(maker.SafeFileHandle, default), RecordLock.Publishing, exclusive: true).IsSuccess);
                Assert.Empty(MappedRegion.RemoveAbandonedTemporaries(directory.Path));
            }

            Assert.Equal([temporary, "left"], MappedRegion.RemoveAbandonedTemporaries(directory.Path));
        }
        else
        {
            Assert.Equal(["left"], MappedRegion.RemoveAbandonedTemporaries(directory.Path));
        }

        Assert.All(others, other => Assert.Equal(other.Target, new FileInfo(At(other.Name)).LinkTarget));
        Assert.Empty(MappedRegion.RemoveAbandonedTemporaries(directory.Path));
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void An_object_that_replaces_the_link_between_the_looks_stays()
    {
        using var directory = TemporaryDirectory.InMemory();
        var temporary = PublishingName.Make();
        var (from, to) = (Path.Combine(directory.Path, temporary), Path.Combine(directory.Path, "new"));
        File.WriteAllText(from, "new");
        File.CreateSymbolicLink(to, ".//" + temporary);
        using var maker = new FileStream(from, FileMode.Open);
        Assert.True(LinuxLocks.Try(new(maker.SafeFileHandle, default), RecordLock.Publishing, exclusive: true).IsSuccess);
        var platform = ScriptedPlatform.Before("statx", 1, () => File.Move(from, to, overwrite: true));
        using (Platform.Substitute(platform))
        {
            Assert.Empty(MappedRegion.RemoveAbandonedTemporaries(directory.Path));
        }

        Assert.True(platform.Fired);
        Assert.Equal("new", File.ReadAllText(to));
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void A_maker_that_cannot_have_the_lock_is_not_taken_for_gone()
    {
        const string Lock = "fcntl(F_OFD_SETLK)";
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        // Without nameless files an object has a temporary name until it is published; with them, for an instant, as it replaces another.
        using (Platform.Substitute(new ScriptedPlatform("open", Errno.EOPNOTSUPP) { Forbidden = Lock }))
        {
            using var unpublished = SharedMemoryObject.CreateUnpublished(77);
            using (Platform.Substitute(new ScriptedPlatform()))
            {
                _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
            }

            Assert.Equal(1, unpublished.GetStatus().NameCount);
            unpublished.Publish(name, RenameMode.Replace);
        }

        Assert.Equal(77, SharedMemoryDirectory.Find(name)!.Length);
        var platform = ScriptedPlatform.Before("rename", 1, () => _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm")) with { Forbidden = Lock };
        using (Platform.Substitute(platform))
        {
            SharedMemoryObject.Create(name, 78, new() { OnConflict = NameConflict.Replace }).Dispose();
        }

        Assert.True(platform.Fired);
        Assert.Equal(78, SharedMemoryDirectory.Find(name)!.Length);
    }

    [Theory]
    [InlineData("readlink", 1)]
    [InlineData("readlink", 2)]
    [InlineData("statx", 0)]
    [InlineData("unlink", 0)]
    [Rule("publish.abandoned")]
    public void A_link_about_which_a_call_fails_stays(string call, int occurrence)
    {
        using var directory = TemporaryDirectory.InMemory();
        var left = Path.Combine(directory.Path, "left");
        File.CreateSymbolicLink(left, ".//" + PublishingName.Make());
        var platform = new ScriptedPlatform(call, Errno.EACCES, occurrence);
        using (Platform.Substitute(platform))
        {
            Assert.Empty(MappedRegion.RemoveAbandonedTemporaries(directory.Path));
        }

        Assert.True(platform.Fired);
        Assert.NotNull(new FileInfo(left).LinkTarget);
    }

    private static LinuxMembership LinuxLocks => new(SystemCalls.Real, new(SystemCalls.Real));
}
