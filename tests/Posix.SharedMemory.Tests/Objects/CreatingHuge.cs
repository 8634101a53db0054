namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Objects of huge pages: tests that fill the machine's pool, one after the other.</summary>
public sealed class CreatingHuge
{
    private const long Page = 2 << 20;

    private static readonly AnonymousMemoryOptions s_huge = new() { HugePages = HugePageSize.Size2MiB };
    private static readonly AnonymousMemoryOptions s_sparse = s_huge with { Backing = Backing.Sparse };

    [SkippableFact]
    [Rule("anonymous.huge")]
    public void An_object_of_huge_pages_works_like_any_other()
    {
        using var pool = HugePagePool.TryAdd(8, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var memory = SharedMemoryObject.CreateAnonymous(2 * Page, s_huge);
        Assert.Equal(2 * Page, memory.GetStatus().AllocatedBytes);
        Assert.Equal([new(0, 2 * Page)], memory.GetAllocatedRanges());

        // Across the border of two pages, at an offset that suits no page.
        var written = new byte[10_000];
        Random.Shared.NextBytes(written);
        memory.Write(written, Page - 5000);
        var read = new byte[10_000];
        Assert.Equal(read.Length, memory.Read(read, Page - 5000));
        Assert.True(read.AsSpan().SequenceEqual(written));
        using (var part = memory.Map(Page - 5000, 10_000))
        {
            Assert.True(part.GetReadOnlySpan().SequenceEqual(written));
            part.GetSpan()[0] ^= 1;
            Assert.True(part.TryRead(0, read.AsSpan(0, 1)));
            Assert.Equal(written[0] ^ 1, read[0]);
        }

        Assert.Empty(Held.Mappings(memory));
        using (var whole = memory.Map())
        {
            Assert.Equal(2 * Page, whole.Length);
            Assert.Equal(written[^1], whole.GetReadOnlySpan()[(int)Page + 4999]);
            Assert.Throws<InvalidOperationException>(() => memory.SetLength(Page));
        }

        using (var copy = SharedMemoryObject.CreateAnonymous())
        {
            Assert.Equal(2 * Page, memory.CopyTo(copy.SafeFileHandle));
        }

        memory.SetLength(4 * Page);
        memory.Discard(0, Page);
        Assert.Equal(3 * Page, memory.GetStatus().AllocatedBytes);
        Assert.Throws<PlatformNotSupportedException>(() => memory.GetAllocatedRanges());
        Assert.Throws<PlatformNotSupportedException>(() => memory.Map(new() { AddressSpace = 1 << 30 }));
        memory.SetLength(Page);
        memory.AddSeals(MemorySeals.Shrink | MemorySeals.Write);
    }

    [SkippableFact]
    [Rule("seals.huge")]
    public void The_seal_Exec_is_neither_reported_nor_added_where_the_kernel_does_not_enforce_it()
    {
        using var pool = HugePagePool.TryAdd(1, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var memory = SharedMemoryObject.CreateAnonymous(Page, s_sparse);
        Assert.False(memory.Seals.HasFlag(MemorySeals.Exec));
        var refusal = Assert.Throws<PlatformNotSupportedException>(() => memory.AddSeals(MemorySeals.Exec | MemorySeals.Shrink));
        Assert.Contains("huge pages", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(MemorySeals.None, memory.Seals & MemorySeals.Shrink);
        memory.AddSeals(MemorySeals.Shrink);
        Assert.True(memory.Seals.HasFlag(MemorySeals.Shrink));
    }

    [SkippableFact]
    [Rule("seals.stable")]
    public void A_range_that_a_peer_discards_while_the_pool_is_empty_is_not_stable_and_TryRead_is_false()
    {
        using var pool = HugePagePool.TryAdd(1, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var memory = SharedMemoryObject.CreateAnonymous(Page, s_huge);
        using var before = memory.Map(new() { Access = FileAccess.Read });
        memory.AddSeals(MemorySeals.Shrink);
        using var after = memory.Map(new() { Access = FileAccess.Read });
        Assert.False(before.IsStable || after.IsStable);
        memory.Discard(0, Page);
        using var rest = SharedMemoryObject.CreateAnonymous(HugePagePool.Free * Page, s_huge);
        Assert.False(before.TryRead(0, new byte[1]));
        Assert.False(after.TryRead(Page - 1, new byte[1]));
    }

    [SkippableFact]
    [Rule("anonymous.huge")]
    public void FromHandle_finds_the_page_size()
    {
        using var pool = HugePagePool.TryAdd(2, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var memory = SharedMemoryObject.CreateAnonymous(2 * Page, s_huge with { HugePages = HugePageSize.Default });
        using var same = SharedMemoryObject.FromHandle(Native.Open($"/proc/self/fd/{memory.SafeFileHandle.DangerousGetHandle()}", Native.O_RDWR));
        using (var part = same.Map(Page + 77, 100))
        {
            part.GetSpan().Fill(3);
        }

        Assert.Empty(Held.Mappings(memory));
        Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => same.SetLength(4096)).Errno);
    }

    [SkippableFact]
    [Rule("anonymous.huge")]
    public void A_part_of_huge_pages_can_be_protected_and_locked()
    {
        using var pool = HugePagePool.TryAdd(3, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var memory = SharedMemoryObject.CreateAnonymous(3 * Page, s_huge);
        using var part = memory.Map(Page + 100, 5000);
        part.GetSpan()[0] = 5;
        part.Protect(FileAccess.Read);
        Assert.Throws<InvalidOperationException>(() => part.GetSpan());
        Assert.Equal(5, part.GetReadOnlySpan()[0]);
        part.Protect(FileAccess.ReadWrite);
        part.GetSpan()[4999] = 6;
        part.LockInMemory();
        part.UnlockFromMemory();
    }

    [SkippableFact]
    [Rule("region.huge")]
    public void A_region_of_huge_pages_maps_whole_ones_and_leaves_nothing_mapped()
    {
        using var pool = HugePagePool.TryAdd(2, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var memory = SharedMemoryObject.CreateAnonymous(Page, s_huge);
        var path = $"/proc/self/fd/{memory.SafeFileHandle.DangerousGetHandle()}";
        Assert.Throws<PlatformNotSupportedException>(() => MappedRegion.Attach(path, new() { AddressSpace = 1 << 30 }));
        Assert.Equal(Page, memory.Length);
        using (var part = MappedRegion.Attach(Native.Open(path, Native.O_RDWR), 100))
        {
            part.Mapping.GetSpan().Fill(1);
        }

        using (var region = MappedRegion.Attach(path))
        {
            Assert.Equal(100, region.Mapping.GetReadOnlySpan(0, 200).Count((byte)1));
            Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(() => region.Resize(Page + 4096)).Errno);
            Assert.Equal((Page, Page), (region.Length, memory.Length));
            region.Resize(2 * Page);
            region.Mapping.GetSpan().Fill(2);
        }

        Assert.Equal(2 * Page, memory.Length);
        Assert.Empty(Held.Mappings(memory));
    }

    [SkippableFact]
    [Rule("region.huge")]
    public void A_region_is_created_on_a_file_system_of_huge_pages()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var pool = HugePagePool.TryAdd(2, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var directory = TemporaryDirectory.InMemory();
        using var peer = Peer.Run(
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            $"mount -t hugetlbfs -o pagesize=2M none '{directory.Path}' && exec '{Peer.Program}' region-act '{directory.File()}'");
        Assert.Equal("ready", peer.ReadLine());
        Assert.Equal("SharedMemoryException EINVAL", peer.Ask("create 5000 OnDispose"));
        Assert.Equal("SharedMemoryException EINVAL", peer.Ask("create 5000 OnDispose 600"));
        Assert.Equal("SharedMemoryException ENOENT", peer.Ask("attach"));
        Assert.Equal("ok", peer.Ask($"create {Page} OnDispose 600"));
        Assert.Equal("ok", peer.Ask($"resize {2 * Page}"));
        Assert.Equal("ok", peer.Ask("fill 3"));
        Assert.Equal("yes", peer.Ask("sees 3"));
        Assert.Equal("ok", peer.Ask("dispose"));
        Assert.Equal("SharedMemoryException ENOENT", peer.Ask("attach"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("anonymous.hugelack")]
    public void Says_what_the_machine_lacks()
    {
        using var pool = HugePagePool.TryAdd(2, out var obstacle);
        Skip.If(pool is null, obstacle);
        var tooMany = (HugePagePool.Free + 1) * Page;
        ExpectTooFew(Errno.ENOSPC, () => SharedMemoryObject.CreateAnonymous(tooMany, s_huge));
        using (var sparse = SharedMemoryObject.CreateAnonymous(tooMany, s_sparse))
        {
            ExpectTooFew(Errno.ENOMEM, () => sparse.Map());
            ExpectTooFew(Errno.ENOSPC, () => sparse.Reserve(0, tooMany));
            sparse.Write("x"u8, 0);
        }

        foreach (var odd in new[] { 1, Page - 1, Page + 4096 })
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.CreateAnonymous(odd, s_sparse));
            Assert.Equal(Errno.EINVAL, refusal.Errno);
            Assert.Contains("2097152", refusal.Message, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    [Rule("anonymous.hugelack")]
    public void Says_that_the_machine_has_no_pages_of_a_size()
    {
        Skip.If(Directory.Exists("/sys/kernel/mm/hugepages/hugepages-64kB"), "This machine has huge pages of 64 KiB.");
        var refusal = Assert.Throws<SharedMemoryException>(
            () => SharedMemoryObject.CreateAnonymous(1 << 20, s_huge with { HugePages = HugePageSize.Size64KiB }));
        Assert.Equal(Errno.ENODEV, refusal.Errno);
        Assert.Contains("Size64KiB", refusal.Message, StringComparison.Ordinal);
    }

    private static void ExpectTooFew(Errno errno, Func<IDisposable> act) => ExpectTooFew(errno, () => act().Dispose());

    private static void ExpectTooFew(Errno errno, Action act)
    {
        var refusal = Assert.Throws<SharedMemoryException>(act);
        Assert.Equal(errno, refusal.Errno);
        Assert.Contains("free_hugepages", refusal.Message, StringComparison.Ordinal);
    }
}
