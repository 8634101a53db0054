namespace Posix.SharedMemory.Tests.Objects;

public sealed class Transferring
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("read.short")]
    public void Read_is_short_at_the_end_and_0_past_it()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        memory.Write(Pattern.Of(100), 0);
        var buffer = new byte[30];
        Assert.Equal(30, memory.Read(buffer, 70));
        Assert.Equal(Pattern.Of(100)[70..], buffer);
        Assert.Equal(29, memory.Read(buffer, 71));
        Assert.Equal(1, memory.Read(buffer, 99));
        Assert.Equal(0, memory.Read(buffer, 100));
        Assert.Equal(0, memory.Read(buffer, long.MaxValue - 30));
        Assert.Equal(0, memory.Read([], 0));
        using var empty = SharedMemoryObject.CreateUnpublished(0);
        Assert.Equal(0, empty.Read(buffer, 0));
    }

    [Fact]
    [Rule("read.short")]
    public void Read_is_short_at_the_largest_offset()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        var bytes = new byte[10];
        foreach (var behind in (long[])[3, 0, 10, 9])
        {
            Assert.Equal(0, memory.Read(bytes, long.MaxValue - behind));
        }

        memory.SetLength(long.MaxValue, Backing.Sparse);
        memory.Write([7, 8], long.MaxValue - 2);
        Assert.Equal(3, memory.Read(bytes, long.MaxValue - 3));
        Assert.Equal([0, 7, 8, 0, 0, 0, 0, 0, 0, 0], bytes);
    }

    [Fact]
    [Rule("read.short")]
    public void Read_does_not_fault_while_another_process_truncates()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 64 * s_page);
        using var stop = new CancellationTokenSource();
        var truncating = Task.Run(() =>
        {
            using var other = SharedMemoryObject.Open(name);
            while (!stop.IsCancellationRequested)
            {
                other.SetLength(s_page, Backing.Sparse);
                other.SetLength(64 * s_page, Backing.Sparse);
            }
        });
        var buffer = new byte[64 * s_page];
        int shortReads = 0, wholeReads = 0;
        Watchdog.Until(
            () =>
            {
                var count = memory.Read(buffer, 0);
                Assert.InRange(count, s_page, buffer.Length);
                _ = count < buffer.Length ? shortReads++ : wholeReads++;
                return (shortReads > 0 && wholeReads > 0) || truncating.IsCompleted;
            },
            "short and whole reads");
        stop.Cancel();
        Watchdog.Run(() => truncating.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the other");
        Assert.Null(truncating.Exception);
    }

    [Fact]
    [Rule("write.inside")]
    public void A_write_that_would_cross_the_end_stores_nothing()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        foreach (var (offset, length) in ((long, int)[])[(100, 1), (99, 2), (0, 101), (101, 0), (-1, 1), (long.MaxValue, 1), (long.MaxValue, 0)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(Pattern.Of(length), offset));
        }

        Assert.Equal(100, memory.Length);
        var content = new byte[100];
        memory.Read(content, 0);
        Assert.Equal(new byte[100], content);

        memory.Write([], 100);
        memory.Write(Pattern.Of(100), 0);
        memory.Write([9], 99);
        memory.Read(content, 0);
        Assert.Equal([.. Pattern.Of(100)[..99], 9], content);
        Assert.Equal(100, memory.Length);
    }

    [Fact]
    [Rule("write.inside")]
    public void Writes_into_a_sparse_object_arrive()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(1L << 36, new() { Backing = Backing.Sparse });
        var content = Pattern.Of(10 * s_page);
        memory.Write(content, (1L << 35) + 17);
        var back = new byte[content.Length];
        Assert.Equal(back.Length, memory.Read(back, (1L << 35) + 17));
        Assert.Equal(content, back);
        Assert.Equal(1L << 36, memory.Length);
    }

    [Fact]
    [Rule("bytes.position")]
    public void No_operation_moves_the_file_offset()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(10_000);
        using var target = SharedMemoryObject.CreateUnpublished(10_000);
        foreach (var position in (long[])[0, 1234, 20_000])
        {
            Native.Seek(memory.SafeFileHandle, position);
            memory.Write(Pattern.Of(5000), 10);
            memory.Read(new byte[6000], 5);
            memory.CopyTo(target.SafeFileHandle, 3, 100);
            Assert.Equal(position, Native.Seek(memory.SafeFileHandle, 0, fromHere: true));
        }

        // The destination's is moved: bytes go to where it stands.
        Assert.Equal(300, Native.Seek(target.SafeFileHandle, 0, fromHere: true));

        // Also on the way through a buffer.
        using var host = new SubstitutedObject(new ScriptedPlatform("sendfile", Errno.EINVAL, 0));
        host.Memory.CopyTo(target.SafeFileHandle, 3, 100);
        Assert.Equal(0, Native.Seek(host.Memory.SafeFileHandle, 0, fromHere: true));
    }
}
