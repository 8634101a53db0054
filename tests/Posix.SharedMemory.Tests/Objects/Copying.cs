using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Copying
{
    private const int Length = FilledObject.Length;

    [Theory]
    [InlineData(0L, null)]
    [InlineData(0L, 0L)]
    [InlineData(1L, 70_000L)]
    [InlineData(999_999L, null)]
    [InlineData(1_000_003L, null)]
    [Rule("copy.kernel")]
    public void Copies_to_a_file(long offset, long? count)
    {
        using var memory = FilledObject.Create();
        var path = Path.GetTempFileName();
        try
        {
            var expected = Pattern.Of(Length).Skip((int)offset).Take((int)(count ?? Length - offset)).ToArray();
            using (var file = Native.Open(path, Native.O_WRONLY))
            {
                Assert.Equal(expected.Length, memory.CopyTo(file, offset, count));
            }

            Assert.Equal(expected, File.ReadAllBytes(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    [Rule("copy.kernel")]
    public void Copies_to_another_memory_object_at_its_position()
    {
        using var memory = FilledObject.Create();
        using var target = SharedMemoryObject.CreateUnpublished(100 + Length);
        Native.Seek(target.SafeFileHandle, 100);
        Assert.Equal(Length, memory.CopyTo(target.SafeFileHandle));
        using var mapping = target.Map();
        Assert.Equal(new byte[100], mapping.GetReadOnlySpan(0, 100).ToArray());
        Assert.Equal(Pattern.Of(Length), mapping.GetReadOnlySpan(100, Length).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Native.O_NONBLOCK)]
    [Rule("copy.kernel")]
    [Rule("copy.full")]
    public void Copies_to_a_pipe_blocking_or_not(int flags)
    {
        using var memory = FilledObject.Create();
        var (reader, writer) = Native.Pipe(flags);
        using (reader)
        {
            var copying = Task.Run(() =>
            {
                using (writer)
                {
                    return memory.CopyTo(writer);
                }
            });
            var received = Drain(reader, copying);
            Assert.Equal(Length, Watchdog.Run(() => copying.Result, "the copy"));
            Assert.Equal(Pattern.Of(Length), received);
        }
    }

    [Fact]
    [Rule("copy.full")]
    public void A_copy_waits_for_room_in_a_full_nonblocking_pipe()
    {
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        var (reader, writer) = Native.Pipe(Native.O_NONBLOCK);
        using (reader)
        {
            var copying = Task.Run(() =>
            {
                using (writer)
                {
                    return host.Memory.CopyTo(writer);
                }
            });
            Watchdog.Until(
                () =>
                {
                    lock (platform.Calls)
                    {
                        return platform.Calls[^1] == "poll";
                    }
                },
                "the copy to wait");
            Assert.False(copying.IsCompleted);
            Assert.Equal(Pattern.Of(Length), Drain(reader, copying));
            Assert.Equal(Length, Watchdog.Run(() => copying.Result, "the copy"));
        }
    }

    [Fact]
    [Rule("copy.fallback")]
    public void Copies_to_an_append_only_file_through_a_buffer()
    {
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "before");
            using (var file = Native.Open(path, Native.O_WRONLY | Native.O_APPEND))
            {
                Assert.Equal(Length - 1, host.Memory.CopyTo(file, 1));
            }

            Assert.Equal([.. "before"u8, .. Pattern.Of(Length)[1..]], File.ReadAllBytes(path));
            Assert.Contains("write", platform.Calls);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("EINVAL", 0)]
    [InlineData("EXDEV", 0)]
    [InlineData("ENOSYS", 0)]
    [InlineData("EOPNOTSUPP", 0)]
    [InlineData("EPERM", 0)]
    [InlineData("EINVAL", 2)]
    [InlineData("EXDEV", 3)]
    [Rule("copy.fallback")]
    public void The_bytes_arrive_unchanged_where_the_kernel_refuses_the_fast_call(string errno, int occurrence)
    {
        var number = Enum.Parse<Errno>(errno);
        var platform = new ScriptedPlatform("sendfile", number, occurrence);
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        var (reader, writer) = Native.Pipe(Native.O_NONBLOCK);
        using (reader)
        {
            var copying = Task.Run(() =>
            {
                using (writer)
                {
                    return host.Memory.CopyTo(writer, 3);
                }
            });
            Assert.Equal(Pattern.Of(Length)[3..], Drain(reader, copying));
            Assert.Equal(Length - 3, Watchdog.Run(() => copying.Result, "the copy"));
            Assert.True(platform.Fired);
        }
    }

    [Fact]
    [Rule("copy.kernel")]
    public void Copies_more_than_2_GiB()
    {
        var platform = new ScriptedPlatform();
        const long Long = (5L << 30) + 123;
        using var host = new SubstitutedObject(platform, Long);
        using var sink = Native.Open("/dev/null", Native.O_WRONLY);
        Assert.Equal(Long, host.Memory.CopyTo(sink));
        Assert.Equal(Long - 1, host.Memory.CopyTo(sink, 1));
        Assert.Equal(Long - 7, host.Memory.CopyTo(sink, 5, Long - 7));
        Assert.DoesNotContain("write", platform.Calls);

        // And from behind 2 and 4 GiB the right bytes come.
        using var target = SharedMemoryObject.CreateUnpublished(20);
        foreach (var place in (long[])[int.MaxValue - 5L, uint.MaxValue - 5L, Long - 10])
        {
            host.Memory.Write(Pattern.Of(10, (int)(place % 100)), place);
            Native.Seek(target.SafeFileHandle, 0);
            Assert.Equal(10, host.Memory.CopyTo(target.SafeFileHandle, place, 10));
            var copied = new byte[10];
            target.Read(copied, 0);
            Assert.Equal(Pattern.Of(10, (int)(place % 100)), copied);
        }
    }

    [SkippableFact]
    [Rule("copy.fallback")]
    public void Bytes_from_past_the_longest_file_of_the_disk_are_copied_to_a_file_on_it()
    {
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "No directory on a disk.");
        // ext4 has files of 16 TiB, and sendfile refuses positions past that of its source too (EOVERFLOW).
        const long Far = (16L << 40) + 5;
        using var memory = SharedMemoryObject.CreateUnpublished(Far + 5, new() { Backing = Backing.Sparse });
        memory.Write("bytes"u8, Far);
        using (var file = Native.Open(directory.File(), Native.O_WRONLY | Native.O_CREAT))
        {
            Assert.Equal(5, memory.CopyTo(file, Far));
        }

        Assert.Equal("bytes"u8, File.ReadAllBytes(directory.File()));
    }

    [Fact]
    [Rule("copy.kernel")]
    public void A_destination_that_is_not_open_for_writing_is_EBADF()
    {
        using var memory = FilledObject.Create();
        using var zero = Native.Open("/dev/zero", Native.O_RDONLY);
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => memory.CopyTo(zero)).Errno);
        zero.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.CopyTo(zero));
        Assert.Throws<ArgumentNullException>(() => memory.CopyTo(null!));
    }

    [Fact]
    [Rule("copy.broken")]
    public void A_pipe_whose_reader_is_gone_is_EPIPE()
    {
        using var memory = FilledObject.Create();
        var (reader, writer) = Native.Pipe();
        using (writer)
        {
            reader.Dispose();
            var failure = Assert.Throws<SharedMemoryException>(() => memory.CopyTo(writer));
            Assert.Equal((Errno.EPIPE, "sendfile"), (failure.Errno, failure.Operation));
        }

        using var host = new SubstitutedObject(new ScriptedPlatform("sendfile", Errno.EINVAL, 0));
        var (second, full) = Native.Pipe();
        using (full)
        {
            second.Dispose();
            // A process that another test forked just now has the reader until it executes its program.
            SharedMemoryException? failure = null;
            Watchdog.Until(() => (failure = Record.Exception(() => host.Memory.CopyTo(full)) as SharedMemoryException) is not null, "the reader's end");
            Assert.Equal((Errno.EPIPE, "write"), (failure!.Errno, failure.Operation));
        }
    }

    /// <summary>Reads a pipe to its end; gives up when the writer failed.</summary>
    private static byte[] Drain(SafeFileHandle reader, Task writing)
    {
        using var received = new MemoryStream();
        var buffer = new byte[10_000];
        Watchdog.Until(
            () =>
            {
                var ended = writing.IsCompleted;
                var count = Native.Read(reader, buffer);
                received.Write(buffer, 0, Math.Max(count, 0));
                return count == 0 || (count < 0 && ended);
            },
            "the end of the pipe");
        return received.ToArray();
    }
}
