using System.IO.Pipes;

namespace Posix.SharedMemory.Tests.Portable;

/// <summary>What every system has of objects. Lengths are whole pages: macOS rounds up to them.</summary>
public sealed class PortableObjects
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("create.default")]
    [Rule("open.missing")]
    public void An_object_is_opened_by_its_name_until_it_is_unlinked()
    {
        using var name = new PortableName();
        using (var memory = SharedMemoryObject.Create(name, 2 * s_page))
        {
            Assert.Equal((name.Name, FileAccess.ReadWrite, 2L * s_page), (memory.Name, memory.Access, memory.Length));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, memory.Permissions);
            Assert.False(memory.IsUnlinked);
        }

        Assert.True(SharedMemoryObject.TryOpen("/" + name, FileAccess.Read, out var opened));
        using (opened)
        {
            Assert.Equal((FileAccess.Read, 2L * s_page), (opened.Access, opened.Length));
            SharedMemoryObject.Unlink(name);
            Assert.True(opened.IsUnlinked);
        }

        Assert.False(SharedMemoryObject.TryOpen(name, FileAccess.Read, out _));
        Assert.False(SharedMemoryObject.TryUnlink(name));
    }

    [Fact]
    [Rule("errors.exception")]
    public void Failures_name_the_call_the_object_and_the_reason()
    {
        using PortableName missing = new(), taken = new();
        using var there = SharedMemoryObject.Create(taken, s_page);
        (Action Act, Errno Errno, string Operation, string Name)[] failures =
        [
            (() => SharedMemoryObject.Open(missing), Errno.ENOENT, "shm_open", missing),
            (() => SharedMemoryObject.Create(taken, s_page), Errno.EEXIST, "shm_open", taken),
            (() => SharedMemoryObject.Open(taken, FileMode.CreateNew), Errno.EEXIST, "shm_open", taken),
            (() => SharedMemoryObject.Unlink(missing), Errno.ENOENT, "shm_unlink", missing),
            (() => SharedMemoryObject.Open(new('n', 256)), Errno.ENAMETOOLONG, "shm_open", new('n', 256)),
        ];
        foreach (var (act, errno, operation, name) in failures)
        {
            var failure = Assert.Throws<SharedMemoryException>(act);
            Assert.Equal((errno, operation, name), (failure.Errno, failure.Operation, failure.ObjectName));
            Assert.Contains(errno.ToString(), failure.Message, StringComparison.Ordinal);
        }

        Assert.Throws<ArgumentException>(() => SharedMemoryObject.Open("a/b"));
        Assert.Throws<ArgumentException>(() => SharedMemoryObject.Open(taken, FileMode.Append));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.Create(missing, -1));
        Assert.False(missing.Exists);
    }

    [Fact]
    [Rule("names.unique")]
    public void A_unique_name_and_the_longest_that_every_system_takes_are_names()
    {
        var longest = SharedMemoryObject.CreateUniqueName("p").PadRight(30, 'x');
        foreach (var name in new[] { SharedMemoryObject.CreateUniqueName("a-prefix-that-is-far-too-long-for-it"), longest })
        {
            Assert.InRange(name.Length, 1, 30);
            try
            {
                SharedMemoryObject.Create(name, s_page).Dispose();
            }
            finally
            {
                Assert.True(SharedMemoryObject.TryUnlink(name));
            }
        }
    }

    [Fact]
    [Rule("openorcreate.keeps")]
    public void OpenOrCreate_creates_once_and_then_opens_with_length_and_content_kept()
    {
        using var name = new PortableName();
        using var first = SharedMemoryObject.OpenOrCreate(name, s_page, out var created);
        Assert.True(created);
        first.Write("kept"u8, 10);
        using var second = SharedMemoryObject.OpenOrCreate(name, 3 * s_page, out created);
        Assert.False(created);
        Assert.Equal(s_page, second.Length);
        var read = new byte[4];
        Assert.Equal(4, second.Read(read, 10));
        Assert.Equal("kept"u8.ToArray(), read);
    }

    [Fact]
    [Rule("open.empty")]
    [Rule("length.readonly")]
    public void A_new_object_of_Open_has_no_length_until_it_is_given_one()
    {
        using var name = new PortableName();
        using var memory = SharedMemoryObject.Open(name, FileMode.CreateNew);
        Assert.Equal(0, memory.Length);
        memory.SetLength(2 * s_page);
        using var reader = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        Assert.Equal(2L * s_page, reader.Length);
        Assert.Throws<InvalidOperationException>(() => reader.SetLength(3 * s_page));
        Assert.Throws<InvalidOperationException>(() => reader.Write([1], 0));
        Assert.Equal(2L * s_page, memory.Length);
    }

    [Fact]
    [Rule("read.short")]
    [Rule("write.inside")]
    public void Bytes_are_read_and_written_at_any_place_and_never_past_the_end()
    {
        using var name = new PortableName();
        using var memory = SharedMemoryObject.Create(name, 2 * s_page);
        var bytes = Pattern.Of(s_page);
        memory.Write(bytes, s_page - 7);
        var read = new byte[2 * s_page];
        Assert.Equal(s_page + 7, memory.Read(read, s_page - 7));
        Assert.Equal(bytes, read[..s_page]);
        Assert.Equal(new byte[7], read[s_page..(s_page + 7)]);
        Assert.Equal(0, memory.Read(read, 2 * s_page));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write([1, 2], (2 * s_page) - 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(read, -1));
        Assert.Equal(1, memory.Read(read, (2 * s_page) - 1));
        Assert.Equal(0, read[0]);
    }

    [Fact]
    [Rule("map.offset")]
    [Rule("map.outlives")]
    public void A_mapping_from_any_offset_shows_the_object_and_outlives_it()
    {
        using var name = new PortableName();
        var memory = SharedMemoryObject.Create(name, 2 * s_page);
        using var reader = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var seen = reader.Map();
        using var mapping = memory.Map(s_page - 3, 10);
        memory.Dispose();
        SharedMemoryObject.Unlink(name);
        Pattern.Of(10).CopyTo(mapping.GetSpan());
        Assert.Equal((s_page - 3, 10, FileAccess.ReadWrite), (mapping.Offset, mapping.Length, mapping.Access));
        Assert.Equal(Pattern.Of(10), seen.GetReadOnlySpan(s_page - 3, 10).ToArray());
        Assert.Throws<InvalidOperationException>(() => seen.GetSpan());

        var copy = new byte[10];
        Assert.True(mapping.TryWrite(4, [200]));
        Assert.True(mapping.TryRead(0, copy));
        Assert.Equal(200, copy[4]);
        using (var lease = mapping.Acquire())
        {
            Assert.Equal(200, lease.Span[4]);
        }

        mapping.Flush(0, 10);
        mapping.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mapping.GetSpan());
    }

    [Fact]
    [Rule("copy.kernel")]
    public void CopyTo_writes_the_requested_bytes_to_a_pipe()
    {
        using var name = new PortableName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var bytes = Pattern.Of(3000);
        memory.Write(bytes, 100);
        using var writer = new AnonymousPipeServerStream(PipeDirection.Out);
        using var reader = new AnonymousPipeClientStream(PipeDirection.In, writer.ClientSafePipeHandle);
        Assert.Equal(3000, memory.CopyTo(writer.SafePipeHandle, 100, 3000));
        var read = new byte[3000];
        reader.ReadExactly(read);
        Assert.Equal(bytes, read);
    }

    [Fact]
    [Rule("lifetime.dispose")]
    [Rule("lifetime.attached")]
    public void The_creators_Dispose_removes_the_name_where_its_lifetime_says_so_and_an_openers_does_not()
    {
        using var name = new PortableName();
        using (SharedMemoryObject.Create(name, s_page, new() { Lifetime = Lifetime.UnlinkOnDispose }))
        {
            SharedMemoryObject.Open(name).Dispose();
            Assert.True(name.Exists);
        }

        Assert.False(name.Exists);
        using var memory = SharedMemoryObject.Create(name, s_page);
        new NameOwner(memory).Dispose();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("open.handle")]
    public void A_descriptor_of_memory_becomes_an_object_again()
    {
        using var name = new PortableName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        using var wrong = new Microsoft.Win32.SafeHandles.SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Assert.Throws<ArgumentException>(() => SharedMemoryObject.FromHandle(wrong));
        using var same = new Microsoft.Win32.SafeHandles.SafeFileHandle(memory.SafeFileHandle.DangerousGetHandle(), ownsHandle: false);
        using var handed = SharedMemoryObject.FromHandle(same, name);
        handed.Write([5], 0);
        var read = new byte[1];
        Assert.Equal(1, memory.Read(read, 0));
        Assert.Equal(5, read[0]);
        Assert.Equal((FileAccess.ReadWrite, s_page), (handed.Access, handed.Length));
    }
}
