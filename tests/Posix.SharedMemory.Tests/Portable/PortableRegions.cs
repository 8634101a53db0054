namespace Posix.SharedMemory.Tests.Portable;

/// <summary>What every system has of regions: files in the directory of temporary files.</summary>
public sealed class PortableRegions : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("region").FullName;

    private string File => Path.Combine(_directory, "file");

    [Fact]
    [Rule("region.attach")]
    [Rule("region.resize")]
    [Rule("region.follow")]
    public void A_region_is_shared_with_processes_that_attach_and_grows_for_all()
    {
        using var creator = MappedRegion.Create(File, 5000, FileCleanup.OnDispose);
        using var user = MappedRegion.Attach(File);
        Assert.Equal((5000, 5000, true, false), (creator.Length, user.Length, creator.OwnsFile, user.OwnsFile));
        Pattern.Of(5000).CopyTo(creator.Mapping.GetSpan());
        Assert.Equal(Pattern.Of(5000), user.Mapping.GetReadOnlySpan().ToArray());

        Assert.False(user.CheckAndRemap());
        creator.Resize(100_001);
        Assert.Equal((100_001, 5000), (creator.Length, user.Length));
        creator.Mapping.GetSpan()[100_000] = 9;
        Assert.True(user.CheckAndRemap());
        Assert.Equal(100_001, user.Length);
        Assert.Equal(9, user.Mapping.GetReadOnlySpan()[100_000]);
        Assert.Equal(Pattern.Of(5000), user.Mapping.GetReadOnlySpan(0, 5000).ToArray());
        Assert.False(user.Mapping.GetReadOnlySpan(5000, 95_000).ContainsAnyExcept((byte)0));
        Assert.Throws<ArgumentOutOfRangeException>(() => creator.Resize(5000));
    }

    [Fact]
    [Rule("region.manual")]
    [Rule("region.auto")]
    public void The_owner_deletes_an_OnDispose_file_and_an_Immediate_one_has_no_path()
    {
        using (MappedRegion.Create(File, 10, FileCleanup.OnDispose))
        {
            MappedRegion.Attach(File).Dispose();
            Assert.True(System.IO.File.Exists(File));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
        using var automatic = MappedRegion.Create(File, 10, FileCleanup.Immediate);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
        automatic.Mapping.GetSpan()[9] = 1;
        automatic.Resize(70_000);
        Assert.Equal(1, automatic.Mapping.GetReadOnlySpan()[9]);
    }

    [Fact]
    [Rule("region.over")]
    public void Creating_over_a_file_leaves_the_former_file_to_its_users()
    {
        using var former = MappedRegion.Create(File, 10, FileCleanup.OnDispose);
        former.Mapping.GetSpan()[0] = 1;
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(File, 20, FileCleanup.OnDispose)).Errno);
        using var newer = MappedRegion.Create(File, 20, FileCleanup.OnDispose, new() { OnConflict = NameConflict.Replace });
        Assert.Equal(10, former.Length);
        Assert.Equal(1, former.Mapping.GetReadOnlySpan()[0]);
        using var attached = MappedRegion.Attach(File);
        Assert.Equal(20, attached.Length);
        Assert.Equal(0, attached.Mapping.GetReadOnlySpan()[0]);
        Assert.Single(Directory.EnumerateFileSystemEntries(_directory));
    }

    [Fact]
    [Rule("region.zero")]
    public void A_missing_or_empty_file_cannot_be_attached()
    {
        var failure = Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach(File));
        Assert.Equal((Errno.ENOENT, "open"), (failure.Errno, failure.Operation));
        System.IO.File.WriteAllBytes(File, []);
        Assert.Throws<InvalidDataException>(() => MappedRegion.Attach(File));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
