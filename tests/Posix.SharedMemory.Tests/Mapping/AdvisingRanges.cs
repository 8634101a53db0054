namespace Posix.SharedMemory.Tests.Mapping;

/// <summary>What is done to a range of a mapping reaches the pages around it, and no other.</summary>
public sealed class AdvisingRanges
{
    private static readonly int s_page = Environment.SystemPageSize;

    public static TheoryData<string> Acts => [.. Ranged.Keys];

    private static Dictionary<string, (string Call, Action<MemoryMapping> Whole, Action<MemoryMapping, long, long> Part)> Ranged => new(StringComparer.Ordinal)
    {
        ["Flush"] = ("msync", mapping => mapping.Flush(), (mapping, offset, length) => mapping.Flush(offset, length)),
        ["Advise"] = ("madvise", mapping => mapping.Advise(MemoryAdvice.WillNeed), (mapping, offset, length) => mapping.Advise(MemoryAdvice.WillNeed, offset, length)),
        ["Prefault"] = ("madvise", mapping => mapping.Prefault(), (mapping, offset, length) => mapping.Prefault(offset, length)),
        ["LockInMemory"] = ("mlock", mapping => mapping.LockInMemory(), (mapping, offset, length) => mapping.LockInMemory(offset, length)),
        ["UnlockFromMemory"] = ("munlock", mapping => mapping.UnlockFromMemory(), (mapping, offset, length) => mapping.UnlockFromMemory(offset, length)),
        ["CollapseToHugePages"] = ("madvise", mapping => mapping.CollapseToHugePages(), (mapping, offset, length) => mapping.CollapseToHugePages(offset, length)),
    };

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("range.checked")]
    public void A_range_outside_the_mapping_is_refused_before_the_system_is_called(string act)
    {
        using var name = new TemporaryName();
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, 4 * s_page);
        var mapping = memory.Map(0, 100);
        foreach (var (offset, length) in ((long, long)[])[(0, 101), (-1, 1), (101, 0), (1, -1), (long.MaxValue, 1), (1, long.MaxValue), (100, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Ranged[act].Part(mapping, offset, length));
        }

        Assert.Equal(0, platform.CountOf(Ranged[act].Call));
        Ranged[act].Part(mapping, 0, 0);
        Ranged[act].Part(mapping, 100, 0);

        // A refusal takes no lease.
        mapping.Dispose();
        Assert.Empty(Held.Mappings(memory));
        Assert.Throws<ObjectDisposedException>(() => Ranged[act].Part(mapping, 0, 1));
        Assert.Throws<ObjectDisposedException>(() => Ranged[act].Whole(mapping));
    }

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("range.checked")]
    public void A_range_that_the_system_refuses_leaves_no_lease(string act)
    {
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, 4 << 20);
        var mapping = memory.Map();
        foreach (var part in (bool[])[false, true])
        {
            platform.Arm(Ranged[act].Call, Errno.ENOMEM);
            var thrown = Record.Exception(() =>
            {
                if (part)
                {
                    Ranged[act].Part(mapping, 0, mapping.Length);
                }
                else
                {
                    Ranged[act].Whole(mapping);
                }
            });
            Assert.Equal(act == "CollapseToHugePages" ? null : Errno.ENOMEM, (thrown as SharedMemoryException)?.Errno);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.Advise((MemoryAdvice)99));
        mapping.Dispose();
        Assert.Empty(Held.Mappings(memory));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("prefault.missing")]
    public void Prefault_brings_in_the_pages_of_its_range_alone(bool byLooking)
    {
        var platform = byLooking ? new ScriptedPlatform("madvise", Errno.EINVAL, occurrence: 0) : new ScriptedPlatform();
        using var memory = Create(platform, 16 * s_page);
        using var mapping = memory.Map();
        mapping.Prefault(s_page + 1, s_page);
        Assert.Equal(2L * s_page, memory.GetStatus().AllocatedBytes);
        mapping.Prefault(5 * s_page, 1);
        mapping.Prefault(7 * s_page, 0);
        Assert.Equal(3L * s_page, memory.GetStatus().AllocatedBytes);

        // A part that is gone outside the range does not matter; inside the range it is EFAULT.
        Platform.Linux(SystemCalls.Real).Backing.Shrink(memory.Target, 4 * s_page);
        mapping.Prefault(2 * s_page, 2 * s_page);
        Assert.Equal(Errno.EFAULT, Assert.Throws<SharedMemoryException>(() => mapping.Prefault(2 * s_page, (2 * s_page) + 1)).Errno);
    }

    /// <remarks>Reading brings in what is shared memory for writing too; private pages, and files on disk, must be asked for with the intent to write.</remarks>
    [Theory]
    [InlineData(false, false, "READ")]
    [InlineData(true, false, "WRITE")]
    [InlineData(false, true, "WRITE")]
    [Rule("prefault.reads")]
    public void Prefault_reads_shared_memory_and_writes_private_pages(bool isPrivate, bool isDisposed, string how)
    {
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, 4 * s_page);
        using var mapping = memory.Map(new() { Private = isPrivate });
        if (isDisposed)
        {
            memory.Dispose();
        }

        // The message names what was asked of the kernel.
        platform.Arm("madvise", Errno.ENOMEM);
        Assert.Equal($"madvise(MADV_POPULATE_{how})", Assert.Throws<SharedMemoryException>(mapping.Prefault).Operation);
        platform.Arm(null);
        mapping.Prefault();
        Assert.Equal(1, platform.CountOf("madvise"));
        mapping.GetSpan().Fill(1);
    }

    [Fact]
    [Rule("pin.limit")]
    public unsafe void Locking_a_range_does_not_lock_other_pages()
    {
        using var memory = Create(Platform.Linux(SystemCalls.Real), 8 * s_page);
        using var mapping = memory.Map();
        var address = (nint)mapping.DangerousGetPointer();
        mapping.LockInMemory(s_page + 1, s_page);
        Assert.Equal([false, true, true, false], Locked());
        mapping.UnlockFromMemory(s_page, 1);
        Assert.Equal([false, false, true, false], Locked());
        mapping.LockInMemory();
        mapping.UnlockFromMemory(0, 1);
        Assert.Equal([false, true, true, true], Locked());
        mapping.UnlockFromMemory();
        Assert.Equal([false, false, false, false], Locked());

        bool[] Locked() => [.. Enumerable.Range(0, 4).Select(page => Held.HasFlag(address + (page * s_page), "lo"))];
    }

    [SkippableFact]
    [Rule("huge.collapse")]
    public void Huge_pages_that_lie_wholly_inside_a_range_are_merged()
    {
        const int Huge = 2 << 20;
        using var memory = Create(Platform.Linux(SystemCalls.Real), 3 * Huge);
        using var mapping = memory.Map();
        mapping.GetSpan().Fill(6);

        // No whole huge page lies inside.
        Assert.False(mapping.CollapseToHugePages(1, Huge));
        Assert.False(mapping.CollapseToHugePages(0, Huge - 1));
        Skip.IfNot(mapping.CollapseToHugePages(Huge - 1, Huge + 2), "This kernel cannot put huge pages together, or has none free.");
        Assert.False(mapping.GetReadOnlySpan().ContainsAnyExcept((byte)6));
    }

    [Fact]
    [Rule("advise.all")]
    public unsafe void Advice_without_a_range_applies_to_all_pages()
    {
        using var memory = Create(Platform.Linux(SystemCalls.Real), 3 * s_page);
        using var mapping = memory.Map(10);
        var address = (nint)mapping.DangerousGetPointer();
        mapping.Advise(MemoryAdvice.Sequential);
        Assert.True(Held.HasFlag(address, "sr") && Held.HasFlag(address + (2 * s_page), "sr"));
        mapping.Advise(MemoryAdvice.Normal);
        Assert.False(Held.HasFlag(address, "sr"));
    }

    private static SharedMemoryObject Create(Platform platform, long length)
    {
        using (Platform.Substitute(platform))
        {
            return SharedMemoryObject.CreateUnpublished(length, new() { Backing = Backing.Sparse });
        }
    }
}
