using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Measuring
{
    private static readonly int s_page = Environment.SystemPageSize;

    public static TheoryData<Backing> Backings => [Backing.Reserved, Backing.Sparse];

    [Theory]
    [InlineData("CreateAnonymous")]
    [InlineData("Create")]
    [InlineData("SetLength")]
    [InlineData("Reserve")]
    [Rule("length.check")]
    public void The_estimate_of_free_memory_is_skipped_at_the_callers_request(string act)
    {
        const long MoreThanThereIs = 1L << 46;
        using var name = new TemporaryName();
        foreach (var check in Enum.GetValues<MemoryCheck>())
        {
            // The kernel, were it asked, would say ENOSPC here: asking it in earnest takes all the memory that the machine has.
            var platform = new ScriptedPlatform();
            using (Platform.Substitute(platform))
            {
                using var memory = act is "CreateAnonymous" or "Create" ? null
                    : SharedMemoryObject.CreateAnonymous(act == "Reserve" ? MoreThanThereIs : 0, new() { Backing = Backing.Sparse, MemoryCheck = check });
                platform.Arm("fallocate", Errno.ENOSPC, occurrence: 0);
                var refusal = Assert.Throws<SharedMemoryException>(() =>
                {
                    switch (act)
                    {
                        case "CreateAnonymous":
                            SharedMemoryObject.CreateAnonymous(MoreThanThereIs, new() { MemoryCheck = check }).Dispose();
                            break;
                        case "Create":
                            SharedMemoryObject.Create(name, MoreThanThereIs, new() { MemoryCheck = check }).Dispose();
                            break;
                        case "SetLength":
                            memory!.SetLength(MoreThanThereIs);
                            break;
                        default:
                            memory!.Reserve(0, MoreThanThereIs);
                            break;
                    }
                });
                Assert.True(refusal.Errno is Errno.ENOMEM or Errno.ENOSPC);
                Assert.Equal(check == MemoryCheck.None, platform.Fired);
            }
        }
    }

    [Fact]
    [Rule("length.sparse")]
    public void Sparse_allocates_no_memory_except_the_last_page_of_the_new_part()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1L << 40, new() { Backing = Backing.Sparse });
        Assert.Equal((1L << 40, 0), (memory.Length, memory.GetStatus().AllocatedBytes));
        memory.SetLength(1L << 41, Backing.Sparse);
        Assert.Equal((1L << 41, s_page), (memory.Length, memory.GetStatus().AllocatedBytes));
        var platform = new ScriptedPlatform();
        using var watched = new SubstitutedObject(platform, 100);
        platform.Arm(null);
        watched.Memory.SetLength(8192, Backing.Sparse);
        // Setting the length as such could cut off what another process adds meanwhile.
        Assert.DoesNotContain("ftruncate", platform.Calls);
    }

    [Theory]
    [MemberData(nameof(Backings))]
    [Rule("length.zeros")]
    public unsafe void Growing_exposes_zeros_even_where_a_mapping_stored_past_the_end(Backing backing)
    {
        foreach (var length in (int[])[1, 64, 100, s_page / 2, s_page - 1, s_page + 1, (2 * s_page) - 1])
        {
            using var memory = SharedMemoryObject.CreateUnpublished(length);
            using var mapping = memory.Map();
            var rest = s_page - (length % s_page);
            // SAFETY: the mapping's last page is whole in memory, and the bytes past the end lie in it.
            new Span<byte>(mapping.DangerousGetPointer() + length, rest).Fill(0x51);
            mapping.GetSpan().Fill(1);

            memory.SetLength(3 * s_page, backing);

            var content = new byte[3 * s_page];
            Assert.Equal(content.Length, memory.Read(content, 0));
            Assert.All(content[..length], value => Assert.Equal(1, value));
            Assert.Equal(-1, content.AsSpan(length).IndexOfAnyExcept((byte)0));
        }
    }

    [Theory]
    [MemberData(nameof(Backings))]
    [Rule("length.zeros")]
    public void Bytes_removed_by_shrinking_are_zero_after_growing_again(Backing backing)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(3 * s_page);
        memory.Write(Pattern.Of(3 * s_page), 0);
        memory.SetLength(100);
        Assert.Equal(100, memory.Length);
        memory.SetLength(3 * s_page, backing);
        var content = new byte[3 * s_page];
        memory.Read(content, 0);
        Assert.Equal(Pattern.Of(100), content[..100]);
        Assert.Equal(-1, content.AsSpan(100).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    [Rule("length.sparse")]
    public void Grows_up_to_the_largest_possible_offset()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(1, new() { Backing = Backing.Sparse });
        foreach (var length in (long[])[long.MaxValue - 4096, long.MaxValue - 4095, long.MaxValue - 100, long.MaxValue])
        {
            memory.SetLength(length, Backing.Sparse);
            Assert.Equal(length, memory.Length);
        }
    }

    [Fact]
    [Rule("length.mapped")]
    public void Shrinking_below_a_live_mapping_is_refused()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4 * s_page);
        var first = memory.Map(0, s_page);
        var second = memory.Map(s_page, 5);
        var third = memory.Map(10, 20, new() { Private = true });
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(s_page + 4));
        memory.SetLength(s_page + 5);
        Assert.Equal(s_page + 5, memory.Length);
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(s_page));
        second.Dispose();
        memory.SetLength(s_page);
        first.Dispose();
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(29));
        memory.SetLength(30);
        third.Dispose();
        memory.SetLength(0);
        Assert.Equal(0, memory.Length);
    }

    [Fact]
    [Rule("length.mapped")]
    public void A_mapping_of_another_object_of_the_name_does_not_count()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 2 * s_page);
        using var other = SharedMemoryObject.Open(name);
        using var mapping = other.Map();
        memory.SetLength(s_page);
        Assert.Equal(s_page, other.Length);
        Assert.Throws<InvalidOperationException>(() => other.SetLength(1));
    }

    [Fact]
    [Rule("length.readonly")]
    public void Changing_an_object_opened_for_reading_is_refused()
    {
        using var name = new TemporaryName();
        using var writable = SharedMemoryObject.Create(name, 100);
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(200));
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(50));
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(200, Backing.Sparse));
        Assert.Throws<InvalidOperationException>(() => memory.Reserve(0, 100));
        Assert.Throws<InvalidOperationException>(() => memory.Discard(0, 100));
        Assert.Throws<InvalidOperationException>(() => memory.Write("a"u8, 0));
        Assert.Equal(100, memory.Length);
        Assert.Equal(FileAccess.Read, memory.Access);
    }

    [Fact]
    [Rule("length.range")]
    public void Negative_numbers_and_parts_past_the_length_are_refused()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.SetLength(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.SetLength(long.MinValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.SetLength(1, (Backing)5));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(new byte[1], -1));
        (long Offset, long Length)[] outside =
            [(-1, 1), (0, -1), (0, 101), (100, 1), (101, 0), (1, 100), (long.MaxValue, long.MaxValue), (1, long.MaxValue), (long.MinValue, 1)];
        foreach (var (offset, length) in outside)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Reserve(offset, length));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Discard(offset, length));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.CopyTo(memory.SafeFileHandle, offset, length));
        }

        memory.Reserve(0, 0);
        memory.Reserve(100, 0);
        memory.Discard(100, 0);
        Assert.Equal(100, memory.Length);
    }

    [Fact]
    [Rule("discard.zero")]
    public void Discard_gives_whole_pages_back_and_the_part_reads_as_zero()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(8 * s_page);
        var content = Pattern.Of(8 * s_page);
        memory.Write(content, 0);
        using var mapping = memory.Map();

        memory.Discard(s_page + 10, 3 * s_page);

        Assert.Equal(8 * s_page, memory.Length);
        Assert.Equal(6 * s_page, memory.GetStatus().AllocatedBytes);
        content.AsSpan(s_page + 10, 3 * s_page).Clear();
        Assert.Equal(content, mapping.GetReadOnlySpan().ToArray());
        memory.Discard(0, 8 * s_page);
        Assert.Equal((8L * s_page, 0), (memory.Length, memory.GetStatus().AllocatedBytes));
    }

    [SkippableFact]
    [Rule("allocated.ranges")]
    public void Allocated_ranges_are_the_ranges_that_have_memory()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 5), "Before Linux 6.5 the kernel does not report reserved memory.");
        using var memory = SharedMemoryObject.CreateUnpublished((64L * s_page) + 1, new() { Backing = Backing.Sparse });
        Assert.Empty(memory.GetAllocatedRanges());
        memory.Write([1], 3L * s_page);
        Assert.Equal([Pages(3, 1)], memory.GetAllocatedRanges());
        memory.Reserve(4L * s_page, 1);
        memory.Reserve(10L * s_page, 6L * s_page);
        memory.Write([1], 64L * s_page);
        ByteRange tail = new(64L * s_page, 1);
        Assert.Equal([Pages(3, 2), Pages(10, 6), tail], memory.GetAllocatedRanges());

        memory.Discard(12L * s_page, s_page);
        Assert.Equal([Pages(3, 2), Pages(10, 2), Pages(13, 3), tail], memory.GetAllocatedRanges());
        memory.Reserve(0, memory.Length);
        Assert.Equal([new(0, (64L * s_page) + 1)], memory.GetAllocatedRanges());
        // The last page is not discarded whole: it is cleared and stays.
        memory.Discard(0, memory.Length);
        Assert.Equal([tail], memory.GetAllocatedRanges());
        memory.SetLength(0);
        Assert.Empty(memory.GetAllocatedRanges());

        using var reserved = SharedMemoryObject.CreateUnpublished(100);
        Assert.Equal([new(0, 100)], reserved.GetAllocatedRanges());
        Assert.Equal(300, reserved.GetAllocatedRanges()[0] with { Offset = 200 } is var range ? range.End : 0);
    }

    [SkippableFact]
    [Rule("allocated.ranges")]
    [Rule("write.whole")]
    public void Memory_past_the_end_is_not_reported_as_memory_inside()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 5), "Before Linux 6.5 the kernel does not report reserved memory.");
        var platform = new ScriptedPlatform("fallocate", Errno.ENOSPC, 0);
        using var host = new SubstitutedObject(platform, 8L * s_page);
        var memory = host.Memory;
        Platform.Linux(SystemCalls.Real).Backing.Reserve(memory.Target, Pages(8, 8));
        Assert.Equal(8L * s_page, memory.GetStatus().AllocatedBytes);
        Assert.Empty(memory.GetAllocatedRanges());
        // It asks for the memory first, so that nothing is stored where there is none.
        Assert.Equal(Errno.ENOSPC, Assert.Throws<SharedMemoryException>(() => memory.Write(new byte[2 * s_page], s_page)).Errno);
        Assert.Empty(memory.GetAllocatedRanges());
    }

    [Fact]
    [Rule("allocated.ranges")]
    public void Allocated_ranges_are_the_written_ones_if_the_kernel_cannot_count_pages()
    {
        var platform = new ScriptedPlatform("cachestat", Errno.ENOSYS, 0);
        using var host = new SubstitutedObject(platform, 64L * s_page);
        var memory = host.Memory;
        Assert.Empty(memory.GetAllocatedRanges());
        memory.Write([1], 0);
        memory.Write([1], 63L * s_page);
        memory.Write(new byte[2 * s_page], 5L * s_page);
        Native.Seek(memory.SafeFileHandle, 77);
        Assert.Equal([Pages(0, 1), Pages(5, 2), Pages(63, 1)], memory.GetAllocatedRanges());
        Assert.Equal(77, Native.Seek(memory.SafeFileHandle, 0, fromHere: true));
        Assert.True(platform.Fired);
        memory.Reserve(0, memory.Length);
        Assert.Equal([Pages(0, 64)], memory.GetAllocatedRanges());
    }

    [SkippableFact]
    [Rule("allocated.ranges")]
    public void Searching_for_written_ranges_keeps_the_record_locks_of_this_process_and_the_file_position()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        const string Probe =
            "import fcntl,struct,sys; f=open(sys.argv[1],'r+b'); r=fcntl.fcntl(f,fcntl.F_GETLK,struct.pack('hhqqi4x',fcntl.F_WRLCK,0,0,100,0)); print('free' if struct.unpack('hhqqi4x',r)[0]==fcntl.F_UNLCK else 'locked')";
        using var host = new SubstitutedObject(new ScriptedPlatform("cachestat", Errno.ENOSYS, 0), 64L * s_page);
        host.Memory.Write([1], 5L * s_page);
        using var stream = new FileStream(host.Memory.SafeFileHandle, FileAccess.ReadWrite, 1);
#pragma warning disable CA1416 // Only macOS lacks it, and this test needs /proc.
        stream.Lock(0, 100);
#pragma warning restore CA1416
        Native.Seek(host.Memory.SafeFileHandle, 77);
        Assert.Equal([Pages(5, 1)], host.Memory.GetAllocatedRanges());
        Assert.Equal(3, host.Memory.GetPageStates().Count);
        Assert.Equal(77, Native.Seek(host.Memory.SafeFileHandle, 0, fromHere: true));
        using var probe = Peer.Run("python3", "-c", Probe, $"/proc/{Environment.ProcessId}/fd/{host.Memory.SafeFileHandle.DangerousGetHandle()}");
        Assert.Equal("locked", probe.ReadLine());
    }

    [Fact]
    [Rule("allocated.ranges")]
    [Rule("pages.states")]
    public void Reserved_memory_is_not_a_hole_where_the_file_system_is_not_known()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform("fstatfs", Errno.EPERM, 0), 8L * s_page);
        host.Memory.Reserve(2L * s_page, 3L * s_page);
        Assert.Equal([Pages(2, 3)], host.Memory.GetAllocatedRanges());
        Assert.Equal([PageState.Absent, PageState.Resident, PageState.Absent], host.Memory.GetPageStates().Select(run => run.State));
    }

    [Fact]
    [Rule("length.reserved")]
    public void The_message_names_a_quota_that_is_used_up()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform("fallocate", Errno.EDQUOT, 0), 0);
        var refusal = Assert.Throws<SharedMemoryException>(() => host.Memory.SetLength(50_000));
        Assert.Equal(Errno.EDQUOT, refusal.Errno);
        Assert.Contains("50000 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("quota", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("errors.exception")]
    public void The_message_says_that_a_quota_leaves_no_room_for_a_name()
    {
        using var name = new TemporaryName();
        using (Platform.Substitute(new ScriptedPlatform("open", Errno.EDQUOT)))
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 5000));
            Assert.Equal(Errno.EDQUOT, refusal.Errno);
            Assert.Contains("a quota of the file system of shared memory", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("status.truth")]
    public void GetStatus_returns_what_stat_returns()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 10_000_000, new() { Permissions = (UnixFileMode)0x9A0, Backing = Backing.Sparse });
        memory.Write(new byte[5000], 4_000_000);
        File.SetLastAccessTimeUtc(name.Path, new(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        Native.Link(name.Path, name.Path + "-second");
        try
        {
            CompareWithStat(name.Path, memory.GetStatus());
            CompareWithStat(name.Path, SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == name.Name).Status);
            Assert.Equal(2, memory.GetStatus().NameCount);
        }
        finally
        {
            File.Delete(name.Path + "-second");
        }
    }

    [Theory]
    [InlineData(-9_999_999_999)]
    [InlineData(-1)]
    [InlineData(9_999_999_999)]
    [Rule("status.truth")]
    public void GetStatus_returns_times_before_1970_and_far_in_the_future(long seconds)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        using var touch = Process.Start("touch", ["-m", "-d", $"@{seconds.ToString(CultureInfo.InvariantCulture)}.25", name.Path]);
        touch.WaitForExit();
        CompareWithStat(name.Path, memory.GetStatus());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0x1FF)]
    [InlineData(0xFFF)]
    [InlineData(0x180)]
    [Rule("permissions.set")]
    public void Permissions_are_set_exactly(int bits)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        memory.Permissions = (UnixFileMode)bits;
        Assert.Equal((UnixFileMode)bits, memory.Permissions);
        Assert.Equal((UnixFileMode)bits, File.GetUnixFileMode(name.Path));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Permissions = (UnixFileMode)0x1000);
    }

    private static ByteRange Pages(long first, long count) => new(first * s_page, count * s_page);

    private static void CompareWithStat(string path, SharedMemoryStatus status)
    {
        using var stat = Peer.Run("stat", "-c", "%s %b %B %a %u %g %d %i %h %.9X %.9Y %.9Z %.9W", path);
        var fields = stat.ReadLine().Split(' ');
        long Number(int at) => long.Parse(fields[at], CultureInfo.InvariantCulture);
        Assert.Equal(Number(0), status.Length);
        Assert.Equal(Number(1) * Number(2), status.AllocatedBytes);
        Assert.Equal((UnixFileMode)Convert.ToInt32(fields[3], 8), status.Permissions);
        Assert.Equal((Number(4), Number(5)), (status.UserId, status.GroupId));
        Assert.Equal(new((ulong)Number(6), (ulong)Number(7)), status.Identity);
        Assert.Equal(Number(8), status.NameCount);
        DateTimeOffset[] times = [status.LastAccessTime, status.LastWriteTime, status.LastChangeTime, status.CreationTime];
        for (var at = 0; at < times.Length; at++)
        {
            // stat shows nanoseconds; .NET keeps hundreds of them.
            var text = fields[9 + at];
            var shown = decimal.Parse(text, CultureInfo.InvariantCulture);
            Assert.Equal((long)decimal.Floor(shown * TimeSpan.TicksPerSecond), (times[at] - DateTimeOffset.UnixEpoch).Ticks);
        }
    }
}
