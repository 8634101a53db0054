namespace Posix.SharedMemory.Tests.Regions;

public sealed class Owning
{
    [Fact]
    [Rule("region.own")]
    public void Ownership_moves_and_only_the_owner_removes_the_file()
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
    public void Ownership_moves_between_processes()
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
    public void What_is_not_its_own_file_is_left(string what)
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
