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
        for (var round = 0; round < 1000; round++)
        {
            var name = PublishingName.Make();
            Assert.True(PublishingName.IsOne(name), name);
            var at = 13 + (round % 16);
            var changed = name[..at] + (name[at] == '0' ? '1' : '0') + name[(at + 1)..];
            Assert.False(PublishingName.IsOne(changed), changed);
        }

        Assert.False(PublishingName.IsOne(PublishingName.Make() + "0"));
    }

    [Fact]
    [Rule("publish.abandoned")]
    public void A_directory_that_is_missing_is_ENOENT() =>
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => MappedRegion.RemoveAbandonedTemporaries("/dev/shm/missing-directory")).Errno);
}
