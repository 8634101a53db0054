namespace Posix.SharedMemory.Tests.Objects;

public sealed class CopyingFrom
{
    private const int Length = FilledObject.Length;

    [Theory]
    [InlineData(0L, null, 1_000_003L)]
    [InlineData(70_000L, 5L, 5L)]
    [InlineData(0L, 0L, 0L)]
    [InlineData(1_000_003L, null, 0L)]
    [Rule("copy.from")]
    public void Copies_from_a_file_at_its_position(long offset, long? count, long expected)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Length, new() { Backing = Backing.Sparse });
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, [1, 2, 3, .. Pattern.Of(Length + 100)]);
        using var source = Native.Open(file.Path, Native.O_RDONLY);
        Native.Seek(source, 3);
        Assert.Equal(expected, memory.CopyFrom(source, offset, count));
        var copied = new byte[Length];
        Assert.Equal(Length, memory.Read(copied, 0));
        Assert.Equal([.. new byte[offset], .. Pattern.Of(Length).Take((int)expected), .. new byte[Length - offset - expected]], copied);
        Assert.Equal(Length, memory.Length);
    }

    [Theory]
    [InlineData("copy_file_range", "EPERM")]
    [InlineData("copy_file_range", "ENOSYS")]
    [Rule("copy.fallback")]
    public void The_bytes_arrive_unchanged_where_a_filter_refuses_the_fast_call(string call, string errno)
    {
        using var host = new SubstitutedObject(new ScriptedPlatform(call, Enum.Parse<Errno>(errno), 0), Length);
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, Pattern.Of(Length));
        using var source = Native.Open(file.Path, Native.O_RDONLY);
        Assert.Equal(Length, host.Memory.CopyFrom(source));
        var copied = new byte[Length];
        Assert.Equal(Length, host.Memory.Read(copied, 0));
        Assert.Equal(Pattern.Of(Length), copied);
    }

    [SkippableTheory]
    [InlineData("", "", 0)]
    [InlineData("copy_file_range", "EPERM", 0)]
    [InlineData("pipe2", "EMFILE", 1)]
    [InlineData("pipe2", "EPERM", 1)]
    [InlineData("splice", "EINVAL", 1)]
    [InlineData("splice", "EPERM", 2)]
    [InlineData("splice", "ENOSPC", 2)]
    [InlineData("splice", "ENOSYS", 5)]
    [InlineData("splice", "EINTR", 4)]
    [InlineData("splice", "EPERM", 0)]
    [Rule("copy.fallback")]
    public void A_file_of_another_file_system_is_copied_through_a_pipe_and_arrives_unchanged_where_that_fails(string call, string errno, int occurrence)
    {
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "There is no disk here.");
        var path = Path.Combine(directory!.Path, "source");
        File.WriteAllBytes(path, [1, 2, 3, .. Pattern.Of(Length - 10)]);
        using var source = Native.Open(path, Native.O_RDONLY);
        Native.Seek(source, 3);
        var platform = call.Length == 0 ? new ScriptedPlatform() : new ScriptedPlatform(call, Enum.Parse<Errno>(errno), occurrence);
        using var host = new SubstitutedObject(platform, Length);
        Assert.Equal(Length - 10, host.Memory.CopyFrom(source, 5));
        var copied = new byte[Length];
        Assert.Equal(Length, host.Memory.Read(copied, 0));
        Assert.Equal([.. new byte[5], .. Pattern.Of(Length - 10), .. new byte[5]], copied);
        Assert.Equal(call.Length > 0, platform.Fired);
        if (platform.CountOf("splice") > 0)
        {
            // Whatever fails, only what was in the pipe, or follows, goes through the buffer.
            Assert.Equal(call.Length == 0 || errno == "EINTR", platform.CountOf("pwrite") == 0);
        }
    }

    [SkippableFact]
    [Rule("copy.fallback")]
    [Rule("length.reserved")]
    public void If_memory_runs_out_meanwhile_the_error_says_how_much_is_missing()
    {
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "There is no disk here.");
        var path = Path.Combine(directory!.Path, "source");
        File.WriteAllBytes(path, Pattern.Of(Length));
        using var source = Native.Open(path, Native.O_RDONLY);
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform, Length);
        // The fourth splice would store the second piece. The bytes in the pipe are written, and that fails too.
        platform.ArmAll(("splice", Errno.ENOSPC, 4), ("pwrite", Errno.ENOSPC, 1), ("fallocate", Errno.ENOSPC, 1));
        var failure = Assert.Throws<SharedMemoryException>(() => host.Memory.CopyFrom(source));
        Skip.If(platform.CountOf("splice") == 0, "Here the kernel copies between these file systems directly.");
        Assert.Equal(Errno.ENOSPC, failure.Errno);
        Assert.Contains("bytes requested", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("splice")]
    [Rule("copy.from")]
    public void Bytes_that_a_nonblocking_pipe_took_are_counted_and_EAGAIN_means_that_it_took_none(string? forbidden)
    {
        using var host = new SubstitutedObject(forbidden is null ? new ScriptedPlatform() : new ScriptedPlatform(forbidden, Errno.EINVAL, 0));
        var (reader, writer) = Native.Pipe(Native.O_NONBLOCK);
        using (reader)
        using (var into = new FileStream(writer, FileAccess.Write, bufferSize: 0))
        {
            Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => host.Memory.CopyFrom(reader)).Errno);
            into.Write(Pattern.Of(100));
            Assert.Equal(100, host.Memory.CopyFrom(reader, 7));
            Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => host.Memory.CopyFrom(reader)).Errno);
        }

        var copied = new byte[100];
        Assert.Equal(100, host.Memory.Read(copied, 7));
        Assert.Equal(Pattern.Of(100), copied);
    }

    [Fact]
    [Rule("copy.from")]
    public void Bytes_copied_in_an_earlier_step_are_counted_too()
    {
        const int Longer = 40 << 20;
        var platform = ScriptedPlatform.InTurn("copy_file_range", default, Errno.EAGAIN);
        using var host = new SubstitutedObject(platform, Longer);
        using var source = SharedMemoryObject.CreateUnpublished(Longer, new() { Backing = Backing.Sparse });
        source.Write(Pattern.Of(5000), 0);
        Native.Seek(source.SafeFileHandle, 0);
        var copied = host.Memory.CopyFrom(source.SafeFileHandle);
        Assert.Equal(2, platform.CountOf("copy_file_range"));
        Assert.InRange(copied, 5000, Longer - 1);
        var first = new byte[5000];
        Assert.Equal(5000, host.Memory.Read(first, 0));
        Assert.Equal(Pattern.Of(5000), first);
    }

    [Fact]
    [Rule("copy.from")]
    public void Copies_from_memory_pipes_and_files_that_the_kernel_generates()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Length + 10);
        using (var source = FilledObject.Create())
        {
            Native.Seek(source.SafeFileHandle, 0);
            Assert.Equal(Length, memory.CopyFrom(source.SafeFileHandle, 10));
            Assert.Equal(0, memory.CopyFrom(source.SafeFileHandle));
        }

        var copied = new byte[Length];
        Assert.Equal(Length, memory.Read(copied, 10));
        Assert.Equal(Pattern.Of(Length), copied);

        var (reader, writer) = Native.Pipe(0);
        using (reader)
        {
            using (writer)
            {
                using var into = new FileStream(writer, FileAccess.Write);
                into.Write(Pattern.Of(5000));
            }

            Assert.Equal(5000, memory.CopyFrom(reader, 100));
        }

        Assert.Equal(5000, memory.Read(copied.AsSpan(0, 5000), 100));
        Assert.Equal(Pattern.Of(5000), copied[..5000]);

        using var status = Native.Open("/proc/self/status", Native.O_RDONLY);
        Assert.InRange(memory.CopyFrom(status), 100, 100_000);
        Assert.Equal("Name:"u8.Length, memory.Read(copied.AsSpan(0, 5), 0));
        Assert.Equal("Name:"u8.ToArray(), copied[..5]);
    }

    [Fact]
    [Rule("copy.from")]
    public void A_source_that_cannot_be_read_and_an_object_that_cannot_be_written_are_refused()
    {
        using var memory = FilledObject.Create();
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 10).Dispose();
        using var readOnly = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var file = new TemporaryFile();
        File.WriteAllText(file.Path, "text");
        using var writable = Native.Open(file.Path, Native.O_WRONLY);
        using var directory = Native.Open("/", Native.O_RDONLY);
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => memory.CopyFrom(writable)).Errno);
        Assert.Equal(Errno.EISDIR, Assert.Throws<SharedMemoryException>(() => memory.CopyFrom(directory)).Errno);
        Assert.Throws<InvalidOperationException>(() => readOnly.CopyFrom(memory.SafeFileHandle));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.CopyFrom(directory, 1, Length));
        Assert.Throws<ArgumentNullException>(() => memory.CopyFrom(null!));
        writable.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.CopyFrom(writable));
    }

    [Theory]
    [InlineData(3 << 20, 10)]
    [InlineData(70_000, 1_000_003)]
    [Rule("copy.from")]
    public void Copies_a_source_that_fits_even_if_the_object_is_longer_than_the_available_memory(long available, int bytes)
    {
        using var host = new SubstitutedObject(new ScriptedPlatform { AvailableMemory = available }, 8 << 20);
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, Pattern.Of(bytes));
        using var source = Native.Open(file.Path, Native.O_RDONLY);
        Assert.Equal(bytes, host.Memory.CopyFrom(source));
        var copied = new byte[bytes];
        Assert.Equal(bytes, host.Memory.Read(copied, 0));
        Assert.Equal(Pattern.Of(bytes), copied);
    }

    [Fact]
    [Rule("copy.from")]
    public void Copies_nothing_if_the_machine_has_no_memory_left()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform { AvailableMemory = 1000 }, 8 << 20);
        using var source = FilledObject.Create();
        Native.Seek(source.SafeFileHandle, 0);
        Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => host.Memory.CopyFrom(source.SafeFileHandle)).Errno);
        Assert.Equal(0, host.Memory.GetStatus().AllocatedBytes);
    }
}
