using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Regions;

public sealed class Attaching
{
    private static readonly int s_page = Environment.SystemPageSize;

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("region.attach")]
    [Rule("region.durable")]
    public void Maps_the_whole_file_at_a_path(bool onDisk)
    {
        using var directory = Directories.Make(onDisk);
        var content = Enumerable.Range(0, (2 * s_page) + 7).Select(at => (byte)at).ToArray();
        File.WriteAllBytes(directory.File(), content);
        using (var region = MappedRegion.Attach(directory.File()))
        {
            Assert.Equal((directory.File(), (long)content.Length, false), (region.Path, region.Length, region.OwnsFile));
            Assert.Equal(content, region.Mapping.GetReadOnlySpan().ToArray());
            region.Mapping.GetSpan()[^1] = 99;
        }

        // It stays, with what was stored.
        Assert.Equal([.. content[..^1], 99], File.ReadAllBytes(directory.File()));
    }

    [Fact]
    [Rule("region.attach")]
    [Rule("region.zero")]
    public void Refuses_paths_that_lead_to_no_file()
    {
        using var directory = TemporaryDirectory.InMemory();
        using (var fifo = Peer.Run("mkfifo", directory.File("fifo")))
        {
            Assert.Equal(0, fifo.Finish().ExitCode);
        }

        File.WriteAllText(directory.File("empty"), "");
        Assert.Throws<InvalidDataException>(() => MappedRegion.Attach(directory.File("empty")));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach(directory.File("missing"))).Errno);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach(directory.File("fifo"))).Errno);
        Assert.Equal(Errno.EISDIR, Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach(directory.Path)).Errno);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach("/dev/null")).Errno);
        Assert.Empty(Held.Descriptors(directory.Path));
    }

    [SkippableFact]
    [Rule("region.attach")]
    [Rule("region.create")]
    public void Another_user_attaches_what_the_permissions_allow()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var directory = TemporaryDirectory.InMemory();
        using var copy = new ReadableCopy();
        using var secret = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose);
        using (var stranger = Privileged.StartAsStranger(copy, "region-act", directory.File()))
        {
            Assert.Equal("ready", stranger.ReadLine());
            Assert.Equal("SharedMemoryException EACCES", stranger.Ask("attach"));
            Assert.Equal(0, stranger.Finish().ExitCode);
        }

        using var shared = MappedRegion.Create(
            directory.File("shared"), 10, FileCleanup.OnDispose, new() { Permissions = (UnixFileMode)Convert.ToInt32("666", 8) });
        using (var stranger = Privileged.StartAsStranger(copy, "region-act", directory.File("shared")))
        {
            Assert.Equal("ready", stranger.ReadLine());
            Assert.Equal("ok", stranger.Ask("attach"));
            Assert.Equal("ok", stranger.Ask("resize 5000"));
            Assert.Equal("ok", stranger.Ask("fill 8"));
            Assert.Equal(0, stranger.Finish().ExitCode);
        }

        Assert.True(shared.CheckAndRemap());
        Assert.False(shared.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)8));
    }

    [Fact]
    [Rule("region.attach")]
    public void Maps_the_requested_length_of_a_descriptor_and_closes_it()
    {
        using var directory = TemporaryDirectory.InMemory();
        File.WriteAllBytes(directory.File(), new byte[3 * s_page]);
        var handle = Descriptors.Open(directory.File());
        using (var region = MappedRegion.Attach(handle, s_page + 1))
        {
            Assert.Equal((null, s_page + 1L, false), (region.Path, region.Length, region.OwnsFile));
            Assert.Same(handle, region.SafeFileHandle);
            region.Mapping.GetSpan().Fill(1);
            Assert.Throws<InvalidOperationException>(region.TakeOwnership);
            Assert.True(region.CheckAndRemap());
            Assert.Equal(3L * s_page, region.Length);
        }

        Assert.True(handle.IsClosed);
        Assert.Equal(s_page + 1, File.ReadAllBytes(directory.File()).Sum(value => value));
    }

    [Fact]
    [Rule("region.attach")]
    public void Refuses_descriptors_that_are_too_short_or_no_files_and_leaves_them_open()
    {
        using var directory = TemporaryDirectory.InMemory();
        File.WriteAllBytes(directory.File(), new byte[100]);
        using var handle = Descriptors.Open(directory.File());
        foreach (var length in (long[])[0, -1, 101, s_page, long.MaxValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Attach(handle, length));
        }

        Assert.False(handle.IsClosed);
        using (var region = MappedRegion.Attach(Descriptors.Open(directory.File()), 100))
        {
            Assert.Equal(100, region.Length);
        }

        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var reader = new SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Attach(reader, 1));
        using var device = Descriptors.Open("/dev/null");
        Assert.Throws<ArgumentOutOfRangeException>(() => MappedRegion.Attach(device, 1));
        using var readOnly = Descriptors.Open(directory.File(), writable: false);
        Assert.Equal(Errno.EACCES, Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach(readOnly, 100)).Errno);
        using var none = new SafeFileHandle(1_000_000, ownsHandle: false);
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => MappedRegion.Attach(none, 1)).Errno);
        var closed = Descriptors.Open(directory.File());
        closed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => MappedRegion.Attach(closed, 1));
        Assert.Equal(2, Held.Descriptors(directory.Path).Count);
    }
}
