namespace Posix.SharedMemory.Tests.Mapping;

public sealed class Huge
{
    private const int HugePage = 2 << 20;

    [SkippableFact]
    [Rule("huge.collapse")]
    public unsafe void Collapse_merges_pages_for_every_process()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 1), "This kernel has no MADV_COLLAPSE: it came with Linux 6.1.");
        Skip.IfNot(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "This kernel has no transparent huge pages.");
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4 * HugePage);
        using var mapping = memory.Map();
        Fill(mapping.GetSpan());
        var address = (nint)mapping.DangerousGetPointer();
        Assert.Equal(0, Huges(address));
        Assert.True(mapping.CollapseToHugePages());
        Assert.Equal(4L * HugePage / 1024, Huges(address));
        Assert.True(IsFilled(mapping.GetReadOnlySpan()));

        // Another mapping of the same object gets huge pages by touching them.
        using var other = memory.Map();
        Assert.True(IsFilled(other.GetReadOnlySpan()));
        Assert.Equal(4L * HugePage / 1024, Huges((nint)other.DangerousGetPointer()));
    }

    [SkippableFact]
    [Rule("huge.collapse")]
    public unsafe void Collapse_works_inside_a_part_and_with_address_space()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 1), "This kernel has no MADV_COLLAPSE: it came with Linux 6.1.");
        Skip.IfNot(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "This kernel has no transparent huge pages.");
        using var memory = SharedMemoryObject.CreateUnpublished((3 * HugePage) + 4096);
        using var part = memory.Map(4096 + 7, (2 * HugePage) + 100_000, new() { AddressSpace = 1L << 34 });
        Fill(part.GetSpan());
        Assert.True(part.CollapseToHugePages());
        // Whole huge pages of the object inside the part: from 2 MiB to 4 MiB.
        Assert.Equal(HugePage / 1024, Huges((nint)part.DangerousGetPointer()));
        Assert.True(IsFilled(part.GetReadOnlySpan()));
    }

    [Fact]
    [Rule("huge.collapse")]
    public unsafe void Collapse_is_false_and_changes_nothing_where_the_kernel_cannot_merge()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(2 * HugePage, new() { Backing = Backing.Sparse });
        using (var untouched = memory.Map())
        {
            Assert.False(untouched.CollapseToHugePages());
            Assert.Equal(0, memory.GetStatus().AllocatedBytes);
        }

        using (var small = memory.Map(0, HugePage - 4096))
        {
            Fill(small.GetSpan());
            Assert.False(small.CollapseToHugePages());
            Assert.Equal(0, Huges((nint)small.DangerousGetPointer()));
            Assert.True(IsFilled(small.GetReadOnlySpan()));
        }

        foreach (var errno in (Errno[])[Errno.EINVAL, Errno.EAGAIN, Errno.ENOMEM, Errno.EBUSY])
        {
            SharedMemoryObject faulty;
            var platform = new ScriptedPlatform("madvise", errno, occurrence: 0);
            using (Platform.Substitute(platform))
            {
                faulty = SharedMemoryObject.CreateUnpublished(2 * HugePage);
            }

            using (faulty)
            using (var mapping = faulty.Map())
            {
                Assert.False(mapping.CollapseToHugePages());
                Assert.True(platform.Fired);
                mapping.GetSpan().Fill(1);
            }
        }
    }

    [SkippableFact]
    [Rule("advise.all")]
    public unsafe void Advice_for_huge_pages_also_covers_what_the_mapping_grows_to()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4096, new() { Backing = Backing.Sparse });
        using var mapping = memory.Map(new() { AdviseHugePages = true, AddressSpace = 8 * HugePage });
        memory.SetLength(6 * HugePage, Backing.Sparse);
        Assert.True(mapping.Refresh());
        var start = (nint)mapping.DangerousGetPointer();
        Skip.IfNot(Held.HasFlag(start, "hg"), "This kernel has no huge pages.");
        Assert.True(Held.HasFlag(start + (5 * HugePage), "hg"));
    }

    private static long Huges(nint address) =>
        Held.RangeAt(address) is var fields ? Held.Kibibytes(fields, "ShmemPmdMapped") + Held.Kibibytes(fields, "FilePmdMapped") : 0;

    private static void Fill(Span<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] = (byte)(at * 31 / 7);
        }
    }

    private static bool IsFilled(ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at++)
        {
            if (bytes[at] != (byte)(at * 31 / 7))
            {
                return false;
            }
        }

        return true;
    }
}
