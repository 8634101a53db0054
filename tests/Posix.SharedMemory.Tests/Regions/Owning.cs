namespace Posix.SharedMemory.Tests.Regions;

public sealed class Owning
{
    private static readonly MappedRegionOptions s_restarting = new() { OnConflict = NameConflict.ReplaceAbandoned };

    [Fact]
    [Rule("region.own")]
    public void Ownership_can_be_transferred_and_only_the_owner_removes_the_file()
    {
        using var directory = TemporaryDirectory.InMemory();
        var creator = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose);
        var second = MappedRegion.Attach(directory.File());
        MappedRegion.Attach(directory.File()).Dispose();
        Assert.Equal(["region"], directory.List());
        creator.ReleaseOwnership();
        creator.ReleaseOwnership();
        Assert.False(creator.OwnsFile);
        creator.Dispose();
        Assert.Equal(["region"], directory.List());
        second.TakeOwnership();
        second.TakeOwnership();
        Assert.True(second.OwnsFile);
        second.Dispose();
        Assert.False(second.OwnsFile);
        Assert.Empty(directory.List());
    }

    [Fact]
    [Rule("region.own")]
    public void Ownership_can_be_transferred_between_processes()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var owner = Peer.Start("region-act", directory.File());
        Assert.Equal("ready", owner.ReadLine());
        Assert.Equal("ok", owner.Ask("create 10 OnDispose"));
        using var region = MappedRegion.Attach(directory.File());
        region.TakeOwnership();
        Assert.Equal("ok", owner.Ask("release"));
        Assert.Equal("ok", owner.Ask("dispose"));
        Assert.Equal(["region"], directory.List());
        region.Dispose();
        Assert.Empty(directory.List());
        Assert.Equal(0, owner.Finish().ExitCode);
    }

    [Theory]
    [InlineData("replaced")]
    [InlineData("moved")]
    [InlineData("link")]
    [InlineData("gone")]
    [InlineData("directory")]
    [Rule("region.own")]
    public void A_file_that_took_its_path_is_left_alone(string what)
    {
        using var directory = TemporaryDirectory.InMemory();
        var region = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose);
        switch (what)
        {
            case "replaced":
                File.WriteAllText(directory.File("new"), "kept");
                File.Move(directory.File("new"), directory.File(), overwrite: true);
                break;
            case "moved":
                File.Move(directory.File(), directory.File("elsewhere"));
                break;
            case "link":
                // A link that leads to the file is not the file.
                File.Move(directory.File(), directory.File("elsewhere"));
                File.CreateSymbolicLink(directory.File(), directory.File("elsewhere"));
                break;
            case "gone":
                File.Delete(directory.File());
                break;
            default:
                File.Delete(directory.File());
                Directory.CreateDirectory(directory.File());
                break;
        }

        var before = directory.List();
        region.Dispose();
        Assert.Equal(before, directory.List());
        Assert.Empty(Held.Descriptors(directory.Path));
    }

    [Fact]
    [Rule("region.own")]
    public void A_forked_child_removes_nothing()
    {
        using var directory = TemporaryDirectory.InMemory();
        var platform = ScriptedPlatform.Forking();
        using (Platform.Substitute(platform))
        {
            var region = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose);
            platform.IsChild = true;
            region.Dispose();
            Assert.Equal(["region"], directory.List());
            platform.IsChild = false;
            region = MappedRegion.Attach(directory.File());
            region.TakeOwnership();
            region.Dispose();
            Assert.Empty(directory.List());
        }
    }

    [Fact]
    [Rule("region.keep")]
    public void A_kept_file_stays_whichever_process_disposes_it()
    {
        using var directory = TemporaryDirectory.InMemory();
        using (var region = MappedRegion.Create(directory.File(), 10, FileCleanup.Keep))
        {
            Assert.False(region.OwnsFile);
            MappedRegion.Attach(directory.File()).Dispose();
        }

        Assert.Equal(["region"], directory.List());
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), 10, FileCleanup.Keep, s_restarting)).Errno);
    }

    [Fact]
    [Rule("region.taken")]
    [Rule("region.abandoned")]
    public void Only_a_file_whose_owner_was_killed_is_replaced()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var owner = Peer.Start("region-act", directory.File());
        Assert.Equal("ready", owner.ReadLine());
        Assert.Equal("ok", owner.Ask("create 10 OnDispose"));
        using var user = MappedRegion.Attach(directory.File());
        AssertTaken(10);
        owner.Kill();
        using (var region = MappedRegion.Create(directory.File(), 20, FileCleanup.OnDispose, s_restarting))
        {
            Assert.Equal((20, 10), (new FileInfo(directory.File()).Length, user.Length));
            Assert.Equal(["region"], directory.List());
            AssertTaken(20);

            // Who releases the file leaves it for good: its end leaves nothing behind that may be replaced.
            region.ReleaseOwnership();
        }

        AssertTaken(20);
        using (var again = MappedRegion.Attach(directory.File()))
        {
            again.TakeOwnership();
            AssertTaken(20);
            again.SafeFileHandle.Dispose();
            again.Mapping.Dispose();
            MappedRegion.Create(directory.File(), 30, FileCleanup.Keep, s_restarting).Dispose();
        }

        Assert.Equal(30, new FileInfo(directory.File()).Length);

        void AssertTaken(long length)
        {
            foreach (var options in (MappedRegionOptions[])[new(), s_restarting])
            {
                var failure = Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), 99, FileCleanup.OnDispose, options));
                Assert.Equal(Errno.EEXIST, failure.Errno);
                Assert.Contains("OnConflict", failure.Message, StringComparison.Ordinal);
            }

            Assert.Equal(length, new FileInfo(directory.File()).Length);
        }
    }

    [Fact]
    [Rule("region.own")]
    public void A_path_that_was_relative_leads_to_the_same_file_later()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var peer = Peer.Run("sh", "-c", "cd \"$1\" && exec \"$0\" region-act region", Peer.Program, directory.Path);
        Assert.Equal("ready", peer.ReadLine());
        Assert.Equal("ok", peer.Ask("create 10 OnDispose"));
        Assert.Equal(["region"], directory.List());
        Assert.Equal("ok", peer.Ask("leave"));
        Assert.Equal("ok", peer.Ask("dispose"));
        Assert.Empty(directory.List());
        Assert.Equal(0, peer.Finish().ExitCode);
    }
}
