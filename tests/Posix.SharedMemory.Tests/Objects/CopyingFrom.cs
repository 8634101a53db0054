using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class CopyingFrom
{
    private const int Length = FilledObject.Length;

    private static readonly LinuxFiles s_files = new(SystemCalls.Real);
    private static readonly LinuxSeals s_seals = new(SystemCalls.Real, s_files);

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
    public void The_bytes_arrive_the_same_where_a_filter_refuses(string call, string errno)
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
    public void What_was_copied_in_an_earlier_step_is_counted_too()
    {
        var wire = new DryingWire();
        var platform = Platform.Linux(SystemCalls.Real) with { Wire = wire };
        using var host = new SubstitutedObject(platform, length: 100 << 20);
        using var source = Native.Open("/dev/zero", Native.O_RDONLY);
        var copied = host.Memory.CopyFrom(source);
        Assert.Equal(wire.Received, copied);
        Assert.InRange(copied, 1, host.Memory.Length - 1);
    }

    [Fact]
    [Rule("copy.from")]
    public void Copies_from_memory_pipes_and_files_that_the_kernel_makes_up()
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
    public void Copies_what_fits_although_the_object_has_room_for_more_than_the_machine(long available, int bytes)
    {
        using var host = new SubstitutedObject(NearlyFull(available), 8 << 20);
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
    public void Copies_nothing_where_the_machine_has_no_memory_left()
    {
        using var host = new SubstitutedObject(NearlyFull(1000), 8 << 20);
        using var source = FilledObject.Create();
        Native.Seek(source.SafeFileHandle, 0);
        Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => host.Memory.CopyFrom(source.SafeFileHandle)).Errno);
        Assert.Equal(0, host.Memory.GetStatus().AllocatedBytes);
    }

    /// <summary>Linux on a machine with little memory.</summary>
    private static Platform NearlyFull(long available) => Platform.Linux(SystemCalls.Real) with { Backing = new NearlyFullBacking(available) };

    private sealed class NearlyFullBacking(long available)
        : LinuxBacking(SystemCalls.Real, s_files, s_seals, new LinuxMapping(SystemCalls.Real, s_seals), new(SystemCalls.Real, s_files), new(SystemCalls.Real))
    {
        internal override SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent) =>
            range.Length > available ? new(Errno.ENOMEM, "fallocate", target.Name.Text) : null;
    }

    /// <summary>Linux with a source that has all that is asked once, and nothing afterwards.</summary>
    private sealed class DryingWire() : LinuxWire(SystemCalls.Real, s_seals, new LinuxFiles(SystemCalls.Real))
    {
        internal long Received { get; private set; }

        internal override Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received)
        {
            received = Received == 0 ? range.Length : 0;
            Received += received;
            return received == 0 ? Errno.EAGAIN : default;
        }
    }
}
