namespace Posix.SharedMemory.Tests.Objects;

public sealed class Paging
{
    private const int HugePage = 2 << 20;

    private static readonly int s_page = Environment.SystemPageSize;

    [SkippableFact]
    [Rule("pages.states")]
    public void States_show_which_pages_are_in_memory_and_which_do_not_exist()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 5), "Before Linux 6.5 the kernel does not count pages.");
        using var memory = SharedMemoryObject.CreateUnpublished((64L * s_page) + 1, new() { Backing = Backing.Sparse });
        Assert.Equal([new(new(0, memory.Length), PageState.Absent)], memory.GetPageStates());
        memory.Write([1], 3L * s_page);
        memory.Reserve(10L * s_page, 6L * s_page);
        memory.Write([1], 64L * s_page);
        PageRun[] expected =
        [
            Run(0, 3, PageState.Absent), Run(3, 1, PageState.Resident), Run(4, 6, PageState.Absent), Run(10, 6, PageState.Resident),
            Run(16, 48, PageState.Absent), new(new(64L * s_page, 1), PageState.Resident),
        ];
        var allocated = memory.GetStatus().AllocatedBytes;
        Assert.Equal(expected, memory.GetPageStates());
        Assert.Equal(allocated, memory.GetStatus().AllocatedBytes);
        memory.SetLength(0);
        Assert.Empty(memory.GetPageStates());
    }

    [Fact]
    [Rule("pages.states")]
    public void States_show_which_pages_are_swapped_out()
    {
        using var host = new SubstitutedObject(With(new HalfSwappedPages()), 8L * s_page);
        host.Memory.Write(new byte[8 * s_page], 0);
        Assert.Equal([Run(0, 4, PageState.Resident), Run(4, 4, PageState.Swapped)], host.Memory.GetPageStates());
    }

    [Fact]
    [Rule("pages.states")]
    public void States_show_no_more_than_the_kernel_reports()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform("cachestat", Errno.EPERM, 0), 8L * s_page);
        host.Memory.Write([1], 2L * s_page);
        Assert.Equal([Run(0, 2, PageState.Absent), Run(2, 1, PageState.Present), Run(3, 5, PageState.Absent)], host.Memory.GetPageStates());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [Rule("pages.states")]
    public void States_end_at_the_length_that_the_object_had_when_they_were_read(long written)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4L * s_page, new() { Backing = Backing.Sparse });
        memory.Write([1], 2L * s_page);
        var pages = new UncountedPages(() =>
        {
            memory.SetLength(16L * s_page, Backing.Sparse);
            memory.Write(new byte[written * s_page], 3L * s_page);
            memory.Write([1], 14L * s_page);
        });
        Assert.Equal(
            [Run(0, 2, PageState.Absent), Run(2, 2, PageState.Present)],
            With(pages).Inspection.GetPageStates(memory.Target));
    }

    [SkippableFact]
    [Rule("pages.huge")]
    public void Huge_pages_are_found_where_a_process_maps_them()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 7), "PAGEMAP_SCAN came with Linux 6.7.");
        Skip.IfNot(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "This kernel has no transparent huge pages.");
        using var memory = SharedMemoryObject.CreateUnpublished(4 * HugePage, new() { Backing = Backing.Sparse });
        Assert.Null(memory.FindHugePages());
        using var mapping = memory.Map();
        Assert.Empty(memory.FindHugePages()!);
        mapping.GetSpan(HugePage, 2 * HugePage).Fill(1);
        using (var part = memory.Map(HugePage, 2 * HugePage))
        {
            Assert.True(part.CollapseToHugePages());
        }

        // The kernel shows the huge pages in this mapping's page table as soon as they are touched.
        Assert.Equal(2, mapping.GetReadOnlySpan()[HugePage] + mapping.GetReadOnlySpan()[2 * HugePage]);
        Assert.Equal([new(HugePage, 2 * HugePage)], memory.FindHugePages());
        Assert.Equal(2L * HugePage, memory.GetStatus().AllocatedBytes);
    }

    [Fact]
    [Rule("pages.huge")]
    public void Huge_pages_are_unknown_where_the_kernel_does_not_report_them()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform("ioctl", Errno.ENOTTY, 0), 8L * s_page);
        using var mapping = host.Memory.Map();
        Assert.Null(host.Memory.FindHugePages());
    }

    private static PageRun Run(long first, long count, PageState state) => new(new(first * s_page, count * s_page), state);

    /// <summary>Linux that does not count pages, and where a neighbour acts when it is asked to.</summary>
    private static Platform With(LinuxPages pages)
    {
        var linux = Platform.Linux(SystemCalls.Real);
        return linux with { Inspection = new LinuxInspection(SystemCalls.Real, new(SystemCalls.Real), linux.Names, linux.Backing, (LinuxSeals)linux.Seals, (LinuxMembership)linux.Membership, pages, linux.Wire) };
    }

    private sealed class UncountedPages(Action neighbour) : LinuxPages(SystemCalls.Real)
    {
        private bool _isAsked;

        internal override Errno Count(in OpenObject target, ByteRange range, out PageCounts pages)
        {
            if (!_isAsked)
            {
                _isAsked = true;
                neighbour();
            }

            pages = default;
            return Errno.ENOSYS;
        }
    }

    /// <summary>Linux with the second half of every object in the swap, as far as it tells.</summary>
    private sealed class HalfSwappedPages() : LinuxPages(SystemCalls.Real)
    {
        internal override Errno Count(in OpenObject target, ByteRange range, out PageCounts pages)
        {
            var half = Platform.Linux(SystemCalls.Real).Backing.GetLength(target) / 2;
            var below = Math.Max(0, Math.Min(range.End, half) - range.Offset);
            pages = new(below / s_page, (range.Length - below) / s_page);
            return default;
        }
    }
}
