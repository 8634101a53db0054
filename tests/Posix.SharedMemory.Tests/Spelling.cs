using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests;

/// <summary>Uses each member once, spelled with the names and left to the defaults that the contract promises: what compiles here keeps compiling.</summary>
public sealed class Spelling
{
    [Fact]
    [Rule("errors.surface")]
    public void Opening_creating_and_naming()
    {
        using TemporaryName name = new(), second = new(), third = new();

        using (SharedMemoryObject opened = SharedMemoryObject.Open(
            name: name, mode: FileMode.CreateNew, access: FileAccess.ReadWrite, permissions: UnixFileMode.UserRead | UnixFileMode.UserWrite))
        {
            Assert.Equal(0, opened.Length);
        }

        using SharedMemoryObject byDefault = SharedMemoryObject.Open(name);
        Assert.Equal(FileAccess.ReadWrite, byDefault.Access);
        Assert.True(SharedMemoryObject.TryOpen(name: name, access: FileAccess.Read, memory: out SharedMemoryObject? tried));
        tried.Dispose();

        var options = new SharedMemoryOptions
        {
            Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            Backing = Backing.Reserved,
            Lifetime = Lifetime.Keep,
        };
        Assert.Equal(options, new SharedMemoryOptions());
        Assert.Equal([Lifetime.Keep, Lifetime.UnlinkOnDispose, Lifetime.UnlinkOnLastDispose], Enum.GetValues<Lifetime>());
        Assert.Equal([Backing.Reserved, Backing.Sparse], Enum.GetValues<Backing>().Order());
        using SharedMemoryObject memory = SharedMemoryObject.Create(name: second, length: 8192, options: options);
        using SharedMemoryObject same = SharedMemoryObject.OpenOrCreate(name: second, length: 1, created: out bool created, options: null);
        Assert.False(created);
        using SharedMemoryObject unpublished = SharedMemoryObject.CreateUnpublished(length: 10, options: null);
        unpublished.Publish(name: third, mode: RenameMode.NoReplace);
        using (var handle = new SafeFileHandle(memory.SafeFileHandle.DangerousGetHandle(), ownsHandle: false))
        using (SharedMemoryObject adopted = SharedMemoryObject.FromHandle(handle: handle, name: second))
        {
            Assert.Equal(8192, adopted.Length);
        }

        SharedMemoryObject.Rename(from: third, to: name, mode: RenameMode.Replace);
        SharedMemoryObject.Rename(name, third);
        SharedMemoryObject.Unlink(name: third);
        bool wasThere = SharedMemoryObject.TryUnlink(name: third);
        Assert.False(wasThere);
    }

    [Fact]
    [Rule("errors.surface")]
    public void Properties_and_methods_of_an_object()
    {
        using var second = new TemporaryName();
        using SharedMemoryObject memory = SharedMemoryObject.Create(second, 8192);
        string? ofName = memory.Name;
        ReadOnlySpan<byte> utf8 = memory.Utf8Name;
        Assert.Equal(ofName!.Length, utf8.Length);
        SafeFileHandle descriptor = memory.SafeFileHandle;
        long length = memory.Length;
        bool unlinked = memory.IsUnlinked;
        SharedMemoryStatus status = memory.GetStatus();
        UnixFileMode permissions = memory.Permissions;
        memory.Permissions = permissions;
        Assert.Equal((8192L, false, descriptor), (length, unlinked, memory.SafeFileHandle));
        Assert.Equal((length, permissions), (status.Length, status.Permissions));
        _ = (status.AllocatedBytes, status.UserId, status.GroupId, status.Identity, status.LastAccessTime, status.LastWriteTime, status.LastChangeTime, status.CreationTime);

        memory.SetLength(length: 9000, backing: Backing.Reserved);
        memory.SetLength(9001);
        memory.Reserve(offset: 0, length: 10);
        memory.Discard(offset: 0, length: 10);
        IReadOnlyList<ByteRange> ranges = memory.GetAllocatedRanges();
        Assert.NotEmpty(ranges);

        memory.Write(source: "abc"u8, offset: 0);
        Span<byte> destination = stackalloc byte[3];
        int read = memory.Read(destination: destination, offset: 0);
        Assert.Equal(3, read);
        Assert.True(destination.SequenceEqual("abc"u8));
    }

    [Fact]
    [Rule("errors.surface")]
    public void The_directory_and_errors()
    {
        using var second = new TemporaryName();
        using SharedMemoryObject memory = SharedMemoryObject.Create(second, 8192);
        foreach (SharedMemoryEntry entry in SharedMemoryDirectory.Enumerate())
        {
            _ = (entry.Name, entry.Length, entry.AllocatedBytes, entry.Permissions, entry.UserId, entry.GroupId, entry.LastWriteTime, entry.Identity);
        }

        SharedMemoryUsage usage = SharedMemoryDirectory.GetUsage();
        _ = (usage.TotalBytes, usage.UsedBytes, usage.AvailableBytes);
        IReadOnlyList<SharedMemoryHolder> holders = SharedMemoryDirectory.GetHolders(name: second);
        Assert.Contains(holders, holder => holder.ProcessId == Environment.ProcessId && holder.Command.Length > 0);
        string unique = SharedMemoryObject.CreateUniqueName(prefix: "frames");
        Assert.StartsWith("frames", unique, StringComparison.Ordinal);

        using (var owner = new NameOwner(memory: memory))
        {
            Assert.False(memory.IsUnlinked);
        }

        SharedMemoryException missing = Assert.Throws<SharedMemoryException>(memory.Unlink);
        Errno errno = missing.Errno;
        string operation = missing.Operation;
        string? objectName = missing.ObjectName;
        Assert.Equal((Errno.ENOENT, "shm_unlink", second.Name), (errno, operation, objectName));
        Assert.Equal([RenameMode.Replace, RenameMode.NoReplace, RenameMode.Exchange], Enum.GetValues<RenameMode>());
        _ = (Errno.EEXIST, Errno.EACCES, Errno.ENOSPC, Errno.EINVAL, Errno.EPERM);
    }

    [Fact]
    [Rule("errors.surface")]
    public unsafe void Mappings()
    {
        using SharedMemoryObject memory = SharedMemoryObject.CreateUnpublished(9001);
        var options = new MappingOptions { Access = FileAccess.ReadWrite, Private = false, Populate = false, AdviseHugePages = false };
        Assert.Equal(new MappingOptions { Access = FileAccess.ReadWrite }, options);
        using MemoryMapping whole = memory.Map(options: options), byDefault = memory.Map(), part = memory.Map(offset: 1, length: 100, options: null), rest = memory.Map(5000);
        Assert.Equal((1L, 100L, FileAccess.ReadWrite), (part.Offset, part.Length, part.Access));
        Span<byte> all = whole.GetSpan();
        Span<byte> some = whole.GetSpan(offset: 0, length: 3);
        ReadOnlySpan<byte> read = byDefault.GetReadOnlySpan(offset: 0, length: 3);
        Assert.Equal(memory.Length, all.Length);
        Assert.True(some.SequenceEqual(read));
        Assert.Equal(memory.Length, byDefault.GetReadOnlySpan().Length);
        Span<int> typed = whole.GetSpan<int>(offset: 4, count: 2);
        ref int reference = ref whole.GetReference<int>(offset: 4);
        reference = 7;
        Assert.Equal(7, typed[0]);
        byte* pointer = whole.DangerousGetPointer();
        // SAFETY: byte 4 is inside the mapping, which is alive.
        Assert.Equal(BitConverter.IsLittleEndian ? 7 : 0, pointer[4]);
        Assert.Equal(memory.Length - 5000, rest.Length);
    }

    [Fact]
    [Rule("errors.surface")]
    public async Task Copies()
    {
        using SharedMemoryObject memory = SharedMemoryObject.CreateUnpublished(9001);
        using var sink = Native.Open("/dev/null", Native.O_WRONLY);
        long copied = memory.CopyTo(destination: sink, offset: 0, count: 10);
        Assert.Equal((10, memory.Length), (copied, memory.CopyTo(sink)));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndPoint!);
        ValueTask<long> copying = memory.CopyToAsync(destination: socket, offset: 0, count: 5, cancellationToken: CancellationToken.None);
        Assert.Equal(5, await copying);
    }
}
