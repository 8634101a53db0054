
namespace Posix.SharedMemory.Tests.Regions;

public sealed class Creating
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly int s_page = Environment.SystemPageSize;

    private static readonly MappedRegionOptions s_replacing = new() { OnConflict = NameConflict.Replace };

    [SkippableTheory]
    [InlineData(false, Backing.Reserved)]
    [InlineData(false, Backing.Sparse)]
    [InlineData(true, Backing.Reserved)]
    [InlineData(true, Backing.Sparse)]
    [Rule("region.create")]
    public void Makes_a_file_of_zeros_and_maps_it(bool onDisk, Backing backing)
    {
        using var directory = Directories.Make(onDisk);
        var length = (3 * s_page) + 5;
        using var region = MappedRegion.Create(directory.File(), length, FileCleanup.OnDispose, new() { Backing = backing });
        Assert.Equal((directory.File(), (long)length, true), (region.Path, region.Length, region.OwnsFile));
        Assert.Equal(["region"], directory.List());
        Assert.False(region.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)0));
        Assert.Equal((length, OwnerOnly), (new FileInfo(directory.File()).Length, File.GetUnixFileMode(directory.File())));
        region.Mapping.GetSpan()[^1] = 9;
        Assert.Equal(9, File.ReadAllBytes(directory.File())[^1]);
        Assert.Equal(1, Descriptors.Flags(region.SafeFileHandle));
    }

    [SkippableTheory]
    [InlineData(false, "666")]
    [InlineData(false, "640")]
    [InlineData(true, "666")]
    [Rule("region.create")]
    public void Sets_exactly_the_requested_permissions_whatever_the_umask(bool onDisk, string octal)
    {
        var permissions = (UnixFileMode)Convert.ToInt32(octal, 8);
        using var directory = Directories.Make(onDisk);
        using (MappedRegion.Create(directory.File(), 1, FileCleanup.OnDispose, new() { Permissions = permissions }))
        {
            Assert.Equal(permissions, File.GetUnixFileMode(directory.File()));
        }

        // The umask is the process's: another process has the strictest one.
        using var peer = Peer.Run("sh", "-c", "umask 077; exec \"$0\" \"$@\"", Peer.Program, "region-act", directory.File());
        Assert.Equal("ready", peer.ReadLine());
        Assert.Equal("ok", peer.Ask($"create 1 OnDispose {octal}"));
        Assert.Equal(permissions, File.GetUnixFileMode(directory.File()));
        Assert.Equal(0, peer.Finish().ExitCode);
        Assert.Empty(directory.List());
    }

    [Fact]
    [Rule("region.zero")]
    [Rule("region.create")]
    public void Refuses_lengths_and_paths_that_cannot_be_a_region()
    {
        using var directory = TemporaryDirectory.InMemory();
        foreach (var length in (long[])[0, -1, long.MinValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Create(directory.File(), length, FileCleanup.OnDispose));
            Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Create(directory.File(), length, FileCleanup.Immediate));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Create(directory.File(), 1, FileCleanup.OnDispose, new() { AddressSpace = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Create(directory.File(), 1, (FileCleanup)7));
        Assert.ThrowsAny<ArgumentException>(() => MappedRegion.Create("", 1, FileCleanup.OnDispose));
        Assert.ThrowsAny<ArgumentException>(() => MappedRegion.Create(directory.File("a\0b"), 1, FileCleanup.OnDispose));
        Assert.ThrowsAny<ArgumentException>(() => MappedRegion.Create(directory.Path + "/", 1, FileCleanup.OnDispose));
        Assert.Empty(directory.List());
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("region.over")]
    public void Replacing_a_file_in_use_leaves_the_old_one_to_the_processes_that_use_it(bool onDisk)
    {
        using var directory = Directories.Make(onDisk);
        using var user = Peer.Start("region-act", directory.File());
        Assert.Equal("ready", user.ReadLine());
        using var former = MappedRegion.Create(directory.File(), 3 * s_page, FileCleanup.OnDispose);
        former.Mapping.GetSpan().Fill(1);
        Assert.Equal("ok", user.Ask("attach"));
        var formerFile = Identity(directory.File());

        var taken = Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), s_page, FileCleanup.OnDispose));
        Assert.Equal((Errno.EEXIST, directory.File()), (taken.Errno, taken.ObjectName));
        Assert.Equal(formerFile, Identity(directory.File()));
        using var region = MappedRegion.Create(directory.File(), s_page, FileCleanup.OnDispose, s_replacing);
        Assert.NotEqual(formerFile, Identity(directory.File()));
        Assert.Equal(["region"], directory.List());
        Assert.False(region.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)0));
        region.Mapping.GetSpan().Fill(2);
        Assert.Equal("yes", user.Ask("sees 1"));
        Assert.Equal($"{3 * s_page}", user.Ask("length"));
        Assert.Equal("ok", user.Ask("fill 3"));
        Assert.False(former.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)3));
        Assert.False(region.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)2));

        // The former owner removes nothing: the path leads to another file.
        former.Dispose();
        Assert.Equal(s_page, new FileInfo(directory.File()).Length);
        Assert.Equal("yes", user.Ask("sees 3"));
        Assert.Equal(0, user.Finish().ExitCode);
        region.Dispose();
        Assert.Empty(directory.List());
    }

    [Fact]
    [Rule("region.over")]
    public void Replaces_a_symbolic_link_and_leaves_its_target_alone()
    {
        using var directory = TemporaryDirectory.InMemory();
        File.WriteAllText(directory.File("target"), "kept");
        File.CreateSymbolicLink(directory.File(), directory.File("target"));
        Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose)).Errno);
        using var region = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose, s_replacing);
        Assert.Null(new FileInfo(directory.File()).LinkTarget);
        Assert.Equal("kept", File.ReadAllText(directory.File("target")));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("region.failed")]
    public void A_creation_that_fails_leaves_nothing(bool onDisk)
    {
        using var directory = Directories.Make(onDisk);
        File.WriteAllText(directory.File("file"), "kept");
        Directory.CreateDirectory(directory.File("directory"));
        Refused(Errno.ENOENT, directory.File("missing/region"), 1);
        Refused(Errno.ENOTDIR, directory.File("file/region"), 1);
        Refused(Errno.EEXIST, directory.File("directory"), 1);
        Assert.Equal(
            Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File("directory"), 1, FileCleanup.OnDispose, s_replacing)).Errno);
        Refused(Errno.ENAMETOOLONG, directory.File(new string('x', 256)), 1);
        // More than any file system has, and more than any has address space for.
        var error = Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File("new"), 1L << 60, FileCleanup.OnDispose));
        Assert.Contains(error.Errno.ToString(), "ENOSPC EFBIG ENOMEM", StringComparison.Ordinal);
        error = Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File("new"), 100, FileCleanup.OnDispose, new() { AddressSpace = 1L << 60 }));
        Assert.Equal(Errno.ENOMEM, error.Errno);
        error = Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File("file"), 1L << 60, FileCleanup.OnDispose, s_replacing));
        Assert.Equal("kept", File.ReadAllText(directory.File("file")));
        Assert.Equal(["directory", "file"], directory.List());
        Assert.Empty(Held.Descriptors(directory.Path));
        Assert.DoesNotContain(Held.Lines("maps"), line => line.Contains(directory.Path, StringComparison.Ordinal));

        static void Refused(Errno errno, string path, long length) =>
            Assert.Equal(errno, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(path, length, FileCleanup.OnDispose)).Errno);
    }

    [SkippableFact]
    [Rule("region.failed")]
    public void In_a_directory_that_may_not_be_written_to_nothing_is_created()
    {
        using var directory = TemporaryDirectory.InMemory();
        File.WriteAllText(directory.File("file"), "kept");
        File.SetUnixFileMode(directory.Path, (UnixFileMode)Convert.ToInt32("555", 8));
        try
        {
            if (Environment.UserName == "root")
            {
                // Root may write everywhere.
                Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
                using var copy = new ReadableCopy();
                using var stranger = Privileged.StartAsStranger(copy, "region-act", directory.File());
                Assert.Equal("ready", stranger.ReadLine());
                Assert.Equal("SharedMemoryException EACCES", stranger.Ask("create 1 OnDispose"));
                Assert.Equal("SharedMemoryException EACCES", stranger.Ask("create 1 Immediate"));
                Assert.Equal(0, stranger.Finish().ExitCode);
            }
            else
            {
                Assert.Equal(Errno.EACCES, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), 1, FileCleanup.OnDispose)).Errno);
                Assert.Equal(Errno.EACCES, Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(directory.File(), 1, FileCleanup.Immediate)).Errno);
            }

            Assert.Equal(["file"], directory.List());
        }
        finally
        {
            File.SetUnixFileMode(directory.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        }
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("region.auto")]
    public void An_Immediate_region_has_no_path_and_lives_as_long_as_a_process_uses_it(bool onDisk)
    {
        using var directory = Directories.Make(onDisk);
        File.WriteAllText(directory.File(), "kept");
        using var owner = Peer.Start("region-act", directory.File());
        Assert.Equal("ready", owner.ReadLine());
        Assert.Equal("ok", owner.Ask($"create {2 * s_page} Immediate"));
        Assert.Equal("ok", owner.Ask("fill 6"));
        Assert.Equal("kept", File.ReadAllText(directory.File()));
        using var handle = Descriptors.Open($"/proc/{owner.ProcessId}/fd/{owner.Ask("descriptor")}");
        using var region = MappedRegion.Attach(handle, 2 * s_page);
        owner.Kill();

        // The bytes are there, as long as this user is: no path, so the kernel frees them with the last descriptor and mapping.
        Assert.False(region.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)6));
        region.Resize(4 * s_page);
        region.Mapping.GetSpan().Fill(7);
        var status = Platform.Current.Backing.GetStatus(new(handle, default));
        Assert.Equal((0, 4L * s_page), (status.NameCount, status.Length));

        region.Dispose();
        Assert.Equal("kept", File.ReadAllText(directory.File()));
        Assert.Equal(["region"], directory.List());
        Assert.Empty(Held.Descriptors(directory.Path));
    }

    [Fact]
    [Rule("region.auto")]
    public void An_Immediate_region_owns_no_path_and_never_deletes_another_file()
    {
        using var directory = TemporaryDirectory.InMemory();
        File.WriteAllText(directory.File(), "kept");
        using (var region = MappedRegion.Create(directory.File(), 10, FileCleanup.Immediate))
        {
            Assert.Equal((false, directory.File()), (region.OwnsFile, region.Path));
            region.TakeOwnership();
        }

        Assert.Equal("kept", File.ReadAllText(directory.File()));
    }

    [Fact]
    [Rule("region.manual")]
    public void The_creator_deletes_an_OnDispose_file_and_processes_that_use_it_keep_it()
    {
        using var directory = TemporaryDirectory.InMemory();
        var region = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose);
        using var other = MappedRegion.Attach(directory.File());
        Assert.False(other.OwnsFile);
        region.Dispose();
        Assert.Empty(directory.List());
        region.Dispose();
        other.Mapping.GetSpan().Fill(1);
        other.Resize(10_000);
        Assert.Equal(1, other.Mapping.GetSpan()[9]);
        Assert.Throws<ObjectDisposedException>(() => region.Resize(20));
        Assert.Throws<ObjectDisposedException>(() => region.CheckAndRemap());
        Assert.Throws<ObjectDisposedException>(() => region.Mapping.GetSpan());
        Assert.Throws<ObjectDisposedException>(region.TakeOwnership);
    }

    [Fact]
    [Rule("region.manual")]
    public void A_killed_creator_leaves_its_OnDispose_file()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var owner = Peer.Start("region-act", directory.File());
        Assert.Equal("ready", owner.ReadLine());
        Assert.Equal("ok", owner.Ask("create 100 OnDispose"));
        Assert.Equal("ok", owner.Ask("fill 4"));
        owner.Kill();
        using var region = MappedRegion.Attach(directory.File());
        Assert.False(region.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)4));
        region.TakeOwnership();
        region.Dispose();
        Assert.Empty(directory.List());
    }

    private static ObjectIdentity Identity(string path)
    {
        Assert.True(Platform.Linux(SystemCalls.Real).Names.FindFile(FilePath.Parse(path), out var identity).IsSuccess);
        return identity;
    }
}
