using System.Globalization;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class CopyingSafely
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Theory]
    [InlineData(null, null)]
    [InlineData("process_vm_readv", "EPERM")]
    [InlineData("process_vm_readv", "ENOSYS")]
    [InlineData("process_vm_writev", "EPERM")]
    [InlineData("process_vm_writev", "ENOSYS")]
    [Rule("try.cut")]
    [Rule("try.fallback")]
    public void Copies_bytes_that_exist_and_refuses_a_part_that_was_cut(string? call, string? error)
    {
        // Otherwise the bytes are read from the object itself.
        var platform = call is null ? new ScriptedPlatform { Forbidden = "pread" }
            : new ScriptedPlatform(call, error == "EPERM" ? Errno.EPERM : Errno.ENOSYS, occurrence: 0) { Forbidden = "pread" };
        using var memory = Create(platform, 8 * s_page);
        using var mapping = memory.Map(7, (7 * s_page) + 100);
        var bytes = new byte[(5 * s_page) + 33];
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] = (byte)(at * 31);
        }

        Assert.True(mapping.TryWrite(1001, bytes));
        Assert.Equal(bytes, mapping.GetReadOnlySpan(1001, bytes.Length).ToArray());
        Assert.False(mapping.GetReadOnlySpan(0, 1001).ContainsAnyExcept((byte)0));
        Assert.False(mapping.GetReadOnlySpan()[(1001 + bytes.Length)..].ContainsAnyExcept((byte)0));
        var read = new byte[bytes.Length];
        Assert.True(mapping.TryRead(1001, read));
        Assert.Equal(bytes, read);
        Assert.True(mapping.TryRead(mapping.Length, []));
        Assert.True(mapping.TryWrite(mapping.Length, []));

        Platform.Linux(SystemCalls.Real).Backing.SetLength(memory.Target, 3 * s_page);
        Assert.False(mapping.TryRead(1001, read));
        Assert.False(mapping.TryWrite(1001, read));
        Assert.False(mapping.TryRead(mapping.Length - 1, read.AsSpan(0, 1)));
        Assert.False(mapping.TryWrite(mapping.Length - 1, [1]));
        Assert.True(mapping.TryRead(0, read.AsSpan(0, (3 * s_page) - 7)));
        Assert.True(mapping.TryWrite((3 * s_page) - 8, [9]));
        Assert.False(mapping.TryRead((3 * s_page) - 8, read.AsSpan(0, 2)));
        Assert.False(mapping.TryWrite((3 * s_page) - 8, [9, 9]));
        Platform.Linux(SystemCalls.Real).Backing.SetLength(memory.Target, 8 * s_page);
        Assert.True(mapping.TryRead(0, new byte[mapping.Length]));
        Assert.True(mapping.TryWrite(0, new byte[mapping.Length]));
        Assert.Equal(call is not null, platform.Fired);
        Assert.Equal(call is not null, platform.Calls.Contains("pipe2", StringComparer.Ordinal));
    }

    [Fact]
    [Rule("try.cut")]
    [Rule("try.object")]
    public void Reads_from_the_object_while_it_is_not_disposed_and_from_the_mapping_afterwards()
    {
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, 8 * s_page);
        memory.Write(Pattern.Of(8 * s_page), 0);
        using var mapping = memory.Map(7, (7 * s_page) + 100);
        using var copy = memory.Map(new() { Private = true });
        var read = new byte[2 * s_page];
        platform.Arm(null);
        Assert.True(mapping.TryRead(1001, read));
        Assert.Equal(Pattern.Of(8 * s_page)[1008..(1008 + read.Length)], read);
        Assert.Equal((1, 0), (platform.CountOf("pread"), platform.CountOf("process_vm_readv")));

        // What only this process sees is not in the object.
        copy.GetSpan(1008, read.Length).Fill(9);
        Assert.True(copy.TryRead(1008, read));
        Assert.False(read.AsSpan().ContainsAnyExcept((byte)9));
        Assert.Equal((1, 1), (platform.CountOf("pread"), platform.CountOf("process_vm_readv")));

        // An interrupted or refused read reads nothing.
        platform.Arm("pread", Errno.EINTR);
        Assert.True(mapping.TryRead(1001, read));
        platform.Arm("pread", Errno.EIO);
        Assert.True(mapping.TryRead(1001, read));
        Assert.Equal(Pattern.Of(8 * s_page)[1008..(1008 + read.Length)], read);

        // To the byte, also inside a page.
        Platform.Linux(SystemCalls.Real).Backing.SetLength(memory.Target, (3 * s_page) - 50);
        platform.Arm(null);
        Assert.True(mapping.TryRead(0, new byte[(3 * s_page) - 57]));
        Assert.False(mapping.TryRead(0, new byte[(3 * s_page) - 56]));
        Assert.False(mapping.TryRead(5 * s_page, new byte[1]));
        Assert.True(mapping.TryRead(5 * s_page, []));
        Assert.Equal(0, platform.CountOf("process_vm_readv"));
        memory.Dispose();
        Assert.True(mapping.TryRead(1001, read));
        Assert.False(mapping.TryRead(5 * s_page, new byte[1]));
        Assert.Equal(2, platform.CountOf("process_vm_readv"));
    }

    [Fact]
    [Rule("try.object")]
    public void A_hole_is_read_as_zeros_and_stays_a_hole()
    {
        using var memory = Create(Platform.Linux(SystemCalls.Real), 16 * s_page);
        using var mapping = memory.Map();
        var read = new byte[16 * s_page];
        read.AsSpan().Fill(1);
        Assert.True(mapping.TryRead(0, read));
        Assert.False(read.AsSpan().ContainsAnyExcept((byte)0));
        Assert.Equal(0, memory.GetStatus().AllocatedBytes);
    }

    [Fact]
    [Rule("try.object")]
    public void Reads_need_no_descriptor_under_a_filter_while_the_object_is_not_disposed()
    {
        var platform = new ScriptedPlatform("process_vm_readv", Errno.EPERM, occurrence: 0) { Forbidden = "pipe2" };
        using var memory = Create(platform, s_page);
        using var mapping = memory.Map();
        Assert.True(mapping.TryRead(1, new byte[100]));
        memory.Dispose();
        Assert.Equal("pipe2", Assert.Throws<SharedMemoryException>(() => mapping.TryRead(1, new byte[100])).Operation);
    }

    [Fact]
    [Rule("try.object")]
    public async Task Reads_go_on_while_another_thread_disposes_the_object()
    {
        for (var round = 0; round < 300; round++)
        {
            using var memory = Create(Platform.Linux(SystemCalls.Real), s_page);
            memory.Write([5], 3);
            using var mapping = memory.Map();
            using var ready = new ManualResetEventSlim();
            var disposing = Task.Run(() =>
            {
                ready.Wait();
                memory.Dispose();
            });
            var read = new byte[1];
            ready.Set();
            do
            {
                Assert.True(mapping.TryRead(3, read));
                Assert.Equal(5, read[0]);
            }
            while (!disposing.IsCompleted);
            await disposing;
        }
    }

    [Fact]
    [Rule("try.cut")]
    public void Checks_bounds_and_access_first()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        using var mapping = memory.Map();
        using var reader = memory.Map(new() { Access = FileAccess.Read });
        foreach (var (offset, length) in ((long, int)[])[(0, 101), (-1, 1), (101, 0), (100, 1), (long.MaxValue, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.TryRead(offset, new byte[length]));
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.TryWrite(offset, new byte[length]));
        }

        Assert.Throws<InvalidOperationException>(() => reader.TryWrite(0, [1]));
        Assert.True(reader.TryRead(0, new byte[100]));
    }

    [Fact]
    [Rule("try.cut")]
    [Rule("grow.withdrawn")]
    public void A_process_lives_while_another_cuts_the_object_thousands_of_times()
    {
        // It has to meet both, the bytes and their absence; otherwise nothing was tried. On a busy machine one of the two may be done before the other begins.
        Watchdog.Until(() => Cut().All(count => count > 0), "both at work at the same time");
    }

    /// <summary>How often a survivor has read or written, was refused, and refreshed, while another process cut the object.</summary>
    private static long[] Cut()
    {
        const int Length = 1 << 20, Rounds = 10_000;
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, Length, new() { Backing = Backing.Sparse });
        using var survivor = Peer.Start("map-survive", name);
        Assert.Equal("ready", survivor.ReadLine());
        using var cutter = Peer.Start("map-cut", name, $"{Length}", $"{Rounds}");
        Assert.Equal("ready", cutter.ReadLine());
        cutter.Tell("go");
        Assert.Equal("done", cutter.ReadLine());
        survivor.Tell("stop");
        var counts = survivor.ReadLine().Split(' ').Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        var (exitCode, _, errors) = survivor.Finish();
        Assert.Equal((0, ""), (exitCode, errors));
        return counts;
    }

    private static SharedMemoryObject Create(Platform platform, long length)
    {
        using (Platform.Substitute(platform))
        {
            return SharedMemoryObject.CreateUnpublished(length, new() { Backing = Backing.Sparse });
        }
    }
}
