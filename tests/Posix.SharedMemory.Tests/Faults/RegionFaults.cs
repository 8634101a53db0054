namespace Posix.SharedMemory.Tests.Faults;

[Collection(Alone.Name)]
public sealed class RegionFaults
{
    private const long Reserve = 16L << 40;

    private static readonly int s_page = Environment.SystemPageSize;

    [Theory]
    [InlineData(FileCleanup.OnDispose, false)]
    [InlineData(FileCleanup.OnDispose, true)]
    [InlineData(FileCleanup.Immediate, false)]
    [InlineData(FileCleanup.Immediate, true)]
    [Rule("region.failed")]
    [Rule("region.over")]
    public void A_creation_that_fails_leaves_what_was_there(FileCleanup cleanup, bool over)
    {
        foreach (var options in (MappedRegionOptions[])
            [new() { OnConflict = NameConflict.Replace }, new() { OnConflict = over ? NameConflict.Replace : NameConflict.ReplaceAbandoned, Backing = Backing.Sparse, AddressSpace = Reserve, Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead }])
        {
            FaultWalk.Each(platform => InDirectory(directory =>
            {
                if (over)
                {
                    File.WriteAllText(directory.File(), "kept");
                }

                MappedRegion? region = null;
                var thrown = platform.Try(() => region = MappedRegion.Create(directory.File(), (2 * s_page) + 1, cleanup, options));
                FaultWalk.AssertExpected(thrown);
                Assert.Equal(region is null, thrown is not null);
                if (region is not null && cleanup == FileCleanup.OnDispose)
                {
                    Assert.Equal((2 * s_page) + 1, new FileInfo(directory.File()).Length);
                }
                else
                {
                    Assert.Equal(over ? ["region"] : [], directory.List());
                    Assert.True(!over || File.ReadAllText(directory.File()) == "kept", "The file that was there has changed.");
                }

                region?.Mapping.GetSpan().Fill(1);
                region?.Dispose();
            }));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("region.attach")]
    public void An_attachment_that_fails_leaves_the_file_and_the_callers_descriptor(bool byDescriptor) => FaultWalk.Each(platform => InDirectory(directory =>
    {
        File.WriteAllBytes(directory.File(), new byte[(2 * s_page) + 1]);
        using var handle = byDescriptor ? Regions.Descriptors.Open(directory.File()) : null;
        MappedRegion? region = null;
        var thrown = platform.Try(() => region = handle is null
            ? MappedRegion.Attach(directory.File(), new() { AddressSpace = Reserve })
            : MappedRegion.Attach(handle, s_page));
        FaultWalk.AssertExpected(thrown);
        Assert.Equal(region is null, thrown is not null);
        Assert.True(handle is null || !handle.IsClosed, "The caller's descriptor is closed.");
        region?.Mapping.GetSpan().Fill(1);
        region?.Dispose();
        Assert.Equal((2 * s_page) + 1, new FileInfo(directory.File()).Length);
    }));

    [Theory]
    [InlineData(0, Backing.Reserved, false)]
    [InlineData(0, Backing.Sparse, false)]
    [InlineData(Reserve, Backing.Reserved, false)]
    [InlineData(Reserve, Backing.Sparse, true)]
    [Rule("region.resize")]
    [Rule("region.fixed")]
    public void A_failed_Resize_leaves_a_usable_region(long addressSpace, Backing backing, bool reserves) => FaultWalk.Each(
        platform => InDirectory(directory =>
        {
            using var region = Create(platform, directory, new() { AddressSpace = addressSpace, Backing = backing });
            region.Mapping.GetSpan().Fill(1);
            var thrown = platform.Try(() => region.Resize(7 * s_page));
            FaultWalk.AssertExpected(thrown);
            var length = new FileInfo(directory.File()).Length;
            Assert.True(length is 100 || length == 7 * s_page, $"The file has {length} bytes.");
            Assert.Equal(thrown is null ? 7 * s_page : 100, region.Length);
            Assert.False(region.Mapping.GetReadOnlySpan(0, 100).ContainsAnyExcept((byte)1));
            // Once more, and it does.
            region.Resize(8 * s_page);
            region.Mapping.GetSpan()[^1] = 1;
            Assert.Equal(8L * s_page, new FileInfo(directory.File()).Length);
        }),
        reserves);

    [Theory]
    [InlineData(0, false)]
    [InlineData(Reserve, false)]
    [InlineData(Reserve, true)]
    [Rule("region.follow")]
    public void A_failed_CheckAndRemap_leaves_a_usable_region(long addressSpace, bool reserves) => FaultWalk.Each(
        platform => InDirectory(directory =>
        {
            using var region = Create(platform, directory, new() { AddressSpace = addressSpace });
            using var other = MappedRegion.Attach(directory.File());
            other.Resize(50 * s_page);
            var thrown = platform.Try(() => region.CheckAndRemap());
            FaultWalk.AssertExpected(thrown);
            Assert.Equal(thrown is null ? 50 * s_page : 100, region.Length);
            region.Mapping.GetSpan().Fill(1);
            Assert.Equal(thrown is not null, region.CheckAndRemap());
            region.Mapping.GetSpan().Fill(2);
            Assert.False(other.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)2));
        }),
        reserves);

    [Fact]
    [Rule("region.own")]
    public void Disposing_never_throws_and_always_closes() => FaultWalk.Each(platform => InDirectory(directory =>
    {
        var region = Create(platform, directory, new() { AddressSpace = Reserve });
        Assert.Null(platform.Try(region.Dispose));
        // A file that could not be identified or removed is left; it is the same file. An interrupted call is made again, a refused statx gone around.
        Assert.True(directory.List() is [] || new FileInfo(directory.File()).Length == 100);
        var isLeft = platform.Fired && platform.Fault is not ({ Call: "unlink", Errno: Errno.EINTR } or { Call: "statx", Errno: Errno.EPERM or Errno.EINVAL });
        Assert.Equal(isLeft, directory.List() is not []);
    }));

    [Fact]
    [Rule("region.own")]
    public void A_region_does_not_own_its_file_if_taking_ownership_failed() => FaultWalk.Each(platform => InDirectory(directory =>
    {
        var region = Create(platform, directory, new());
        region.ReleaseOwnership();
        var thrown = platform.Try(region.TakeOwnership);
        FaultWalk.AssertExpected(thrown);
        Assert.Equal(thrown is null, region.OwnsFile);
        region.Dispose();
        Assert.Equal(thrown is null, directory.List() is []);
    }));

    private static MappedRegion Create(Platform platform, TemporaryDirectory directory, MappedRegionOptions options)
    {
        using (Platform.Substitute(platform))
        {
            return MappedRegion.Create(directory.File(), 100, FileCleanup.OnDispose, options);
        }
    }

    /// <summary>Acts in a directory, and checks that nothing of it stays open or mapped, and no address space taken.</summary>
    private static void InDirectory(Action<TemporaryDirectory> act)
    {
        using var directory = TemporaryDirectory.InMemory();
        act(directory);
        Assert.Empty(Held.Descriptors(directory.Path));
        Assert.DoesNotContain(Held.Lines("maps"), line => line.Contains(directory.Path, StringComparison.Ordinal));
        Assert.Equal(0, Held.Reserves(Reserve / 2));
    }
}
