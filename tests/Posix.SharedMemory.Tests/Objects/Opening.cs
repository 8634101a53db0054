using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Opening
{
    [Theory]
    [InlineData(FileMode.Open)]
    [InlineData(FileMode.Truncate)]
    [Rule("open.missing")]
    public void Fails_with_ENOENT_when_no_object_has_the_name(FileMode mode)
    {
        using var name = new TemporaryName();
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Open(name, mode)).Errno);
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("open.missing")]
    public void TryOpen_is_false_for_a_missing_name_only()
    {
        using var name = new TemporaryName();
        Assert.False(SharedMemoryObject.TryOpen(name, FileAccess.ReadWrite, out var memory));
        Assert.Null(memory);

        using (SharedMemoryObject.Create(name, 5))
        {
            Assert.True(SharedMemoryObject.TryOpen("/" + name, FileAccess.Read, out memory));
            Assert.Equal((5, FileAccess.Read, "/" + name), (memory.Length, memory.Access, memory.Name));
            memory.Dispose();
        }

        SharedMemoryObject.Unlink(name);
        Directory.CreateDirectory(name.Path);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.TryOpen(name, FileAccess.ReadWrite, out _)).Errno);
        foreach (var errno in (Errno[])[Errno.EACCES, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM])
        {
            using (Platform.Substitute(new ScriptedPlatform("open", errno)))
            {
                Assert.Equal(errno, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.TryOpen(name, FileAccess.Read, out _)).Errno);
            }
        }
    }

    [Fact]
    [Rule("open.taken")]
    public void CreateNew_fails_with_EEXIST_on_a_taken_name_and_leaves_the_object_alone()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 100);
        foreach (var access in (FileAccess[])[FileAccess.Read, FileAccess.ReadWrite])
        {
            var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Open(name, FileMode.CreateNew, access));
            Assert.Equal(Errno.EEXIST, failure.Errno);
        }

        Assert.Equal(100, memory.Length);
        Assert.False(memory.IsUnlinked);
    }

    [Fact]
    [Rule("open.illegal")]
    public void Refuses_illegal_combinations_before_any_system_call()
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            foreach (var access in (FileAccess[])[FileAccess.Write, 0, (FileAccess)4, (FileAccess)7])
            {
                Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.Open("a", FileMode.Open, access));
                Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.TryOpen("a", access, out _));
            }

            foreach (var mode in (FileMode[])[FileMode.Append, 0, (FileMode)7, (FileMode)(-1)])
            {
                Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.Open("a", mode));
            }

            Assert.Throws<ArgumentException>(() => SharedMemoryObject.Open("a", FileMode.Create, FileAccess.Read));
            Assert.Throws<ArgumentException>(() => SharedMemoryObject.Open("a", FileMode.Truncate, FileAccess.Read));
            foreach (var permissions in (int[])[0x1000, 0x1180, -1, 0x8000])
            {
                Assert.Throws<ArgumentOutOfRangeException>(
                    () => SharedMemoryObject.Open("a", FileMode.OpenOrCreate, FileAccess.ReadWrite, (UnixFileMode)permissions));
            }
        }

        Assert.Empty(platform.Calls);
    }

    [Theory]
    [InlineData(FileMode.OpenOrCreate)]
    [InlineData(FileMode.CreateNew)]
    [InlineData(FileMode.Create)]
    [Rule("open.empty")]
    public void A_new_object_has_length_0(FileMode mode)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Open(name, mode);
        Assert.Equal(0, memory.Length);
        Assert.Equal(0, memory.GetStatus().AllocatedBytes);
        Assert.Equal(0, memory.Read(new byte[1], 0));
        Assert.Throws<InvalidOperationException>(() => memory.Map());
    }

    [Fact]
    [Rule("open.cloexec")]
    public void Every_descriptor_is_close_on_exec()
    {
        using TemporaryName name = new(), second = new();
        using var created = SharedMemoryObject.Create(name, 1);
        using var opened = SharedMemoryObject.Open(name);
        using var read = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var made = SharedMemoryObject.Open(second, FileMode.CreateNew);
        using var unpublished = SharedMemoryObject.CreateUnpublished(1);
        using var entry = SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == name.Name).Open();
        foreach (var memory in (SharedMemoryObject[])[created, opened, read, made, unpublished, entry])
        {
            Assert.Equal(Native.FD_CLOEXEC, Native.Flags(memory.SafeFileHandle, Native.F_GETFD));
            Assert.Equal(0, Native.Flags(memory.SafeFileHandle, Native.F_GETFL) & Native.O_NONBLOCK);
        }
    }

    [Fact]
    [Rule("errors.clean")]
    public void Leaves_nothing_open_if_the_kernel_does_not_report_the_type_of_the_file()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        using (Platform.Substitute(new ScriptedPlatform("statx", Errno.EIO, 0) { Forbidden = "fcntl(F_GET_SEALS)" }))
        {
            Assert.Equal(Errno.EIO, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Open(name)).Errno);
        }

        Assert.DoesNotContain(SharedMemoryDirectory.GetHolders(name), holder => holder.ProcessId == Environment.ProcessId);
        // A file system without seals: the second way shows that it is a file.
        using (Platform.Substitute(new ScriptedPlatform { Forbidden = "fcntl(F_GET_SEALS)" }))
        {
            SharedMemoryObject.Open(name).Dispose();
        }
    }

    [Theory]
    [InlineData("directory", "EINVAL")]
    [InlineData("fifo", "EINVAL")]
    [InlineData("link to a file", "ELOOP")]
    [InlineData("link to an object", "ELOOP")]
    [InlineData("dangling link", "ELOOP")]
    [InlineData("link to itself", "ELOOP")]
    [InlineData("socket", "ENXIO")]
    [Rule("open.squatting")]
    public void Refuses_anything_but_a_regular_file_that_another_user_planted_under_the_name(string what, string expected)
    {
        using TemporaryName name = new(), target = new();
        using var victim = SharedMemoryObject.Create(target, 10);
        var outside = Path.GetTempFileName();
        try
        {
            Plant(what, name, target, outside);
            foreach (var access in (FileAccess[])[FileAccess.Read, FileAccess.ReadWrite])
            {
                Assert.Equal(expected, ErrorOf(() => SharedMemoryObject.Open(name, FileMode.Open, access)));
                Assert.Equal(expected, ErrorOf(() => SharedMemoryObject.Open(name, FileMode.OpenOrCreate, access)));
                Assert.Equal(expected, ErrorOf(() => SharedMemoryObject.TryOpen(name, access, out _)));
                Assert.Equal("EEXIST", ErrorOf(() => SharedMemoryObject.Open(name, FileMode.CreateNew, access)));
            }

            Assert.Equal(expected, ErrorOf(() => SharedMemoryObject.Open(name, FileMode.Truncate)));
            Assert.Equal(expected, ErrorOf(() => SharedMemoryObject.Open(name, FileMode.Create)));
            Assert.Equal(expected, ErrorOf(() => SharedMemoryObject.OpenOrCreate(name, 1, out _)));
            Assert.Equal("EEXIST", ErrorOf(() => SharedMemoryObject.Create(name, 1)));
            Assert.True(name.Exists);
            Assert.Equal(10, victim.Length);
            Assert.False(File.Exists(target.Path + "-made"));
        }
        finally
        {
            File.Delete(outside);
        }
    }

    [SkippableFact]
    [Rule("open.squatting")]
    public void Refuses_a_device()
    {
        using var name = new TemporaryName();
        using var mknod = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("mknod", [name.Path, "c", "1", "5"])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        mknod.WaitForExit();
        Skip.If(mknod.ExitCode != 0, "This user may not make a device.");
        var error = ErrorOf(() => SharedMemoryObject.Open(name));
        // /dev/shm is usually mounted nodev: then the kernel refuses first.
        Assert.True(error is "EINVAL" or "EACCES", error);
        Assert.True(name.Exists);
    }

    [Theory]
    [InlineData(FileAccess.Read)]
    [InlineData(FileAccess.ReadWrite)]
    [Rule("open.handle")]
    public void FromHandle_accepts_memory(FileAccess access)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 3);
        memory.Write("abc"u8, 0);
        var handle = Native.Open(name.Path, access == FileAccess.Read ? Native.O_RDONLY : Native.O_RDWR);
        using (var adopted = SharedMemoryObject.FromHandle(handle, "/" + name))
        {
            Assert.Equal((access, 3, "/" + name), (adopted.Access, adopted.Length, adopted.Name));
            Assert.Same(handle, adopted.SafeFileHandle);
            Assert.False(adopted.IsUnlinked);
            using var mapping = adopted.Map();
            Assert.Equal("abc"u8, mapping.GetReadOnlySpan());
        }

        Assert.True(handle.IsClosed);
        using var nameless = SharedMemoryObject.FromHandle(Native.Open(name.Path, Native.O_RDWR));
        Assert.Null(nameless.Name);
        Assert.True(nameless.IsUnlinked);
        Assert.Throws<InvalidOperationException>(nameless.Unlink);
        Assert.Throws<InvalidOperationException>(() => nameless.Publish(name));
        Assert.Throws<ArgumentException>(() => SharedMemoryObject.FromHandle(memory.SafeFileHandle, "a/b"));
        Assert.False(memory.SafeFileHandle.IsClosed);
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("socket")]
    [InlineData("directory")]
    [InlineData("directory of objects")]
    [InlineData("file on disk")]
    [InlineData("device")]
    [InlineData("write-only")]
    [InlineData("path only")]
    [Rule("open.handle")]
    public void FromHandle_refuses_everything_else_and_leaves_the_descriptor_to_the_caller(string what)
    {
        using var name = new TemporaryName();
        File.WriteAllText(name.Path, "a");
        var onDisk = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.dll");
        const int PathOnly = 0x200000;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var (reader, writer) = Native.Pipe();
        using (reader)
        using (writer)
        {
            using var handle = what switch
            {
                "pipe" => reader,
                "socket" => new SafeFileHandle(socket.Handle, ownsHandle: false),
                "directory" => Native.Open("/", Native.O_RDONLY),
                "directory of objects" => Native.Open("/dev/shm", Native.O_RDONLY),
                "file on disk" => Native.Open(onDisk, Native.O_RDONLY),
                "device" => Native.Open("/dev/zero", Native.O_RDWR),
                "path only" => Native.Open(name.Path, PathOnly),
                _ => Native.Open(name.Path, Native.O_WRONLY),
            };
            Assert.Throws<ArgumentException>(() => SharedMemoryObject.FromHandle(handle));
            Assert.False(handle.IsClosed);
            Assert.NotEqual(-1, Native.Flags(handle, Native.F_GETFD));
        }
    }

    [Fact]
    [Rule("open.handle")]
    public void FromHandle_of_a_closed_descriptor_is_EBADF()
    {
        using var handle = new SafeFileHandle(1_000_000, ownsHandle: false);
        Assert.Equal("EBADF", ErrorOf(() => SharedMemoryObject.FromHandle(handle)));
    }

    [Fact]
    [Rule("open.giveup")]
    public void A_caller_can_take_over_the_descriptor()
    {
        using var name = new TemporaryName();
        var memory = SharedMemoryObject.Create(name, 4, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var kept = new SafeFileHandle(memory.SafeFileHandle.DangerousGetHandle(), ownsHandle: true);
        memory.SafeFileHandle.SetHandleAsInvalid();

        Assert.Throws<ObjectDisposedException>(() => memory.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Map());
        memory.Dispose();
        Assert.NotEqual(-1, Native.Flags(kept, Native.F_GETFD));
        using var again = SharedMemoryObject.FromHandle(kept, name);
        Assert.Equal(4, again.Length);
    }

    private static void Plant(string what, TemporaryName name, TemporaryName target, string outside)
    {
        switch (what)
        {
            case "directory":
                Directory.CreateDirectory(name.Path);
                break;
            case "fifo":
                Native.MakeFifo(name.Path);
                break;
            case "socket":
                using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
                {
                    socket.Bind(new UnixDomainSocketEndPoint(name.Path));
                    // .NET removes the path when the socket is disposed: a second name stays.
                    Native.Link(name.Path, target.Path + "-kept");
                }

                File.Move(target.Path + "-kept", name.Path);
                break;
            default:
                File.CreateSymbolicLink(name.Path, what switch
                {
                    "link to a file" => outside,
                    "link to an object" => target.Path,
                    "link to itself" => name.Path,
                    _ => target.Path + "-made",
                });
                break;
        }
    }

    private static string ErrorOf(Action act) => Watchdog.Run(() => Assert.Throws<SharedMemoryException>(act).Errno.ToString(), "the refusal");
}
