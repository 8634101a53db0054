using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class MappingObjects
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("map.bytes")]
    public void Every_mapping_and_Read_and_Write_see_the_same_bytes()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 3 * s_page);
        using var other = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using MemoryMapping first = memory.Map(), second = memory.Map(s_page + 1), reader = other.Map();
        Assert.Equal((0, 3L * s_page, FileAccess.ReadWrite), (first.Offset, first.Length, first.Access));
        Assert.Equal((s_page + 1L, (2L * s_page) - 1, FileAccess.ReadWrite), (second.Offset, second.Length, second.Access));
        Assert.Equal(FileAccess.Read, reader.Access);

        second.GetSpan()[0] = 1;
        first.GetSpan(s_page + 2, 1)[0] = 2;
        memory.Write([3], s_page + 3);
        Assert.Equal([1, 2, 3], reader.GetReadOnlySpan(s_page + 1, 3).ToArray());
        var read = new byte[3];
        other.Read(read, s_page + 1);
        Assert.Equal([1, 2, 3], read);
    }

    [Fact]
    [Rule("map.offset")]
    public void Any_offset_and_length_inside_maps()
    {
        var length = (3 * s_page) + 7;
        using var memory = SharedMemoryObject.CreateUnpublished(length);
        var content = Pattern.Of(length);
        memory.Write(content, 0);
        foreach (var offset in (int[])[0, 1, 7, s_page - 1, s_page, s_page + 1, 2 * s_page, 3 * s_page, (3 * s_page) + 6])
        {
            foreach (var count in (int?[])[null, 1, 2, s_page - 1, s_page, s_page + 1, length - offset])
            {
                if (count > length - offset)
                {
                    continue;
                }

                using var mapping = memory.Map(offset, count);
                Assert.Equal((offset, count ?? length - offset), (mapping.Offset, mapping.Length));
                Assert.Equal(content.AsSpan(offset, (int)mapping.Length), mapping.GetReadOnlySpan());
                mapping.GetSpan()[^1]++;
                content[offset + mapping.Length - 1]++;
            }
        }
    }

    [Fact]
    [Rule("map.range")]
    public void Refuses_parts_that_are_empty_or_outside()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        foreach (var (offset, length) in ((long, long?)[])
            [(0, 0), (0, -1), (0, 101), (1, 100), (99, 2), (100, null), (100, 0), (100, 1), (101, null), (-1, 1), (-1, null), (long.MaxValue, 1), (1, long.MaxValue)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Map(offset, length));
        }

        using var empty = SharedMemoryObject.CreateUnpublished(0);
        Assert.Throws<InvalidOperationException>(() => empty.Map());
        Assert.Throws<ArgumentOutOfRangeException>(() => empty.Map(0, 1));
        foreach (var access in (FileAccess[])[FileAccess.Write, 0, (FileAccess)9])
        {
            Assert.Throws<ArgumentException>(() => memory.Map(new() { Access = access }));
        }
    }

    [Fact]
    [Rule("map.readonly")]
    public void An_object_opened_for_reading_maps_read_only()
    {
        using var name = new TemporaryName();
        using var writer = SharedMemoryObject.Create(name, 100);
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        Assert.Throws<InvalidOperationException>(() => memory.Map(new() { Access = FileAccess.ReadWrite }));
        Assert.Throws<InvalidOperationException>(() => memory.Map(0, 1, new() { Access = FileAccess.ReadWrite }));
        using MemoryMapping mapping = memory.Map(), chosen = writer.Map(new() { Access = FileAccess.Read });
        foreach (var reader in (MemoryMapping[])[mapping, chosen])
        {
            Assert.Equal(FileAccess.Read, reader.Access);
            Assert.Throws<InvalidOperationException>(() => reader.GetSpan());
            Assert.Throws<InvalidOperationException>(() => reader.GetSpan(0, 1));
            Assert.Throws<InvalidOperationException>(() => reader.GetSpan<int>(0, 1));
            Assert.Throws<InvalidOperationException>(() => reader.GetReference<int>(0));
            Assert.Equal(100, reader.GetReadOnlySpan().Length);
        }

        // The pages themselves are read-only, not just the members.
        var held = SharedMemoryDirectory.GetHolders(name).Single(holder => holder.ProcessId == Environment.ProcessId);
        Assert.All(held.Mappings, range => Assert.Equal((FileAccess.Read, false), (range.Access, range.IsPrivate)));
    }

    [Theory]
    [InlineData(FileAccess.Read)]
    [InlineData(FileAccess.ReadWrite)]
    [Rule("map.private")]
    public void Stores_into_a_private_mapping_stay_in_this_process(FileAccess access)
    {
        using var name = new TemporaryName();
        using var writer = SharedMemoryObject.Create(name, 2 * s_page);
        writer.Write(Pattern.Of(2 * s_page), 0);
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, access);
        using var mapping = memory.Map(new() { Private = true, Access = FileAccess.ReadWrite });
        using var second = memory.Map(new() { Private = true, Access = FileAccess.ReadWrite });
        mapping.GetSpan().Clear();
        mapping.GetReference<int>(s_page) = -1;
        Assert.Equal(Pattern.Of(2 * s_page), second.GetReadOnlySpan().ToArray());
        var content = new byte[2 * s_page];
        writer.Read(content, 0);
        Assert.Equal(Pattern.Of(2 * s_page), content);
        Assert.Equal((FileAccess.ReadWrite, true), (mapping.Access, mapping.IsPrivate));
        using var plain = memory.Map(new() { Private = true });
        Assert.Equal(access, plain.Access);
    }

    [Fact]
    [Rule("map.bounds")]
    public void Spans_and_references_check_bounds()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map(8, 100);
        Assert.Equal(100, mapping.GetSpan().Length);
        Assert.Equal(100, mapping.GetReadOnlySpan().Length);
        Assert.Equal(0, mapping.GetSpan(100, 0).Length);
        Assert.Equal(1, mapping.GetSpan(99, 1).Length);
        Assert.Equal(25, mapping.GetSpan<int>(0, 25).Length);
        Assert.Equal(1, mapping.GetReadOnlySpan<int>(96, 1).Length);
        Assert.Equal(0, mapping.GetReadOnlySpan<int>(100, 0).Length);
        foreach (var (offset, count) in ((long, int)[])[(0, 101), (100, 1), (101, 0), (99, 2), (-1, 1), (0, -1), (long.MaxValue, 1), (long.MinValue, 0), (1, int.MaxValue), (50, int.MinValue)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetSpan(offset, count));
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetReadOnlySpan(offset, count));
        }

        foreach (var (offset, count) in ((long, int)[])[(0, 26), (100, 1), (104, 0), (96, 2), (-4, 1), (0, -1), (4, int.MaxValue), (long.MaxValue - 3, 1), (0, int.MinValue)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetSpan<int>(offset, count));
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetReadOnlySpan<int>(offset, count));
        }

        foreach (var offset in (long[])[97, 100, -4, long.MaxValue - 7, long.MinValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetReference<int>(offset));
        }
    }

    [Fact]
    [Rule("map.bounds")]
    public void Typed_access_checks_alignment()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        Aligned<byte>(mapping, 1);
        Aligned<short>(mapping, 2);
        Aligned<char>(mapping, 2);
        Aligned<int>(mapping, 4);
        Aligned<float>(mapping, 4);
        Aligned<Guid>(mapping, 4);
        Aligned<long>(mapping, 8);
        Aligned<double>(mapping, 8);
        Aligned<nint>(mapping, IntPtr.Size);
        Aligned<Int128>(mapping, 16);
        Aligned<Packed>(mapping, 1);
        Aligned<Mixed>(mapping, 8);

        // The address counts: in a mapping that starts inside a page the offsets shift.
        using var shifted = memory.Map(1);
        shifted.GetReference<int>(3) = 5;
        Assert.Equal(5, mapping.GetReference<int>(4));
        Assert.Throws<ArgumentException>(() => shifted.GetReference<int>(0));
        Assert.Throws<ArgumentException>(() => shifted.GetReference<int>(4));
    }

    [Fact]
    [Rule("map.bounds")]
    public unsafe void Maps_128_GiB_and_touches_both_ends()
    {
        const long Huge = 128L << 30;
        using var memory = SharedMemoryObject.CreateUnpublished(Huge, new() { Backing = Backing.Sparse });
        using var mapping = memory.Map();
        Assert.Equal(Huge, mapping.Length);
        mapping.GetReference<long>(0) = 1;
        mapping.GetReference<long>(Huge - 8) = 2;
        Pattern.Of(100).CopyTo(mapping.GetSpan(Huge / 2, 100));
        // SAFETY: the last byte is inside the mapping, which is alive.
        Assert.Equal(0, mapping.DangerousGetPointer()[Huge - 1]);
        Assert.Throws<InvalidOperationException>(() => mapping.GetSpan());
        Assert.Throws<InvalidOperationException>(() => mapping.GetReadOnlySpan());
        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetSpan(Huge - 7, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetSpan<long>(Huge - 8, 2));
        Assert.Equal(int.MaxValue, mapping.GetReadOnlySpan(Huge - int.MaxValue, int.MaxValue).Length);
        Assert.Equal(int.MaxValue, mapping.GetSpan<long>(0, int.MaxValue).Length);
        var ends = new byte[16];
        memory.Read(ends.AsSpan(0, 8), 0);
        memory.Read(ends.AsSpan(8), Huge - 8);
        Assert.Equal([1L, 2L], MemoryMarshal.Cast<byte, long>(ends).ToArray());
        Assert.Equal(3L * s_page, memory.GetStatus().AllocatedBytes);
    }

    [Fact]
    [Rule("map.outlives")]
    public void A_mapping_outlives_its_object_and_its_name()
    {
        using var name = new TemporaryName();
        var memory = SharedMemoryObject.Create(name, s_page);
        using var mapping = memory.Map();
        using var other = SharedMemoryObject.Open(name);
        memory.Unlink();
        memory.Dispose();
        mapping.GetSpan()[5] = 6;
        var read = new byte[1];
        other.Read(read, 5);
        Assert.Equal(6, read[0]);
        mapping.Dispose();
    }

    [Fact]
    [Rule("map.disposed")]
    public unsafe void Using_a_disposed_mapping_is_an_ObjectDisposedException()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 2 * s_page);
        var mapping = memory.Map(1, 100);
        var other = memory.Map(s_page);
        mapping.Dispose();
        mapping.Dispose();
        Assert.Equal(100, mapping.Length);
        Assert.Throws<ObjectDisposedException>(() => mapping.GetSpan());
        Assert.Throws<ObjectDisposedException>(() => mapping.GetSpan(0, 1));
        Assert.Throws<ObjectDisposedException>(() => mapping.GetReadOnlySpan());
        Assert.Throws<ObjectDisposedException>(() => mapping.GetReadOnlySpan(0, 1));
        Assert.Throws<ObjectDisposedException>(() => mapping.GetSpan<byte>(0, 1));
        Assert.Throws<ObjectDisposedException>(() => mapping.GetReadOnlySpan<byte>(0, 1));
        Assert.Throws<ObjectDisposedException>(() => mapping.GetReference<byte>(0));
        Assert.Throws<ObjectDisposedException>(() => (nint)mapping.DangerousGetPointer());

        // Disposing twice unmaps nothing of anybody else's.
        other.GetSpan()[0] = 1;
        Assert.Single(Assert.Single(Settled.Holders(name, Environment.ProcessId)).Mappings);
        other.Dispose();
        Assert.Empty(Assert.Single(Settled.Holders(name, Environment.ProcessId)).Mappings);
    }

    [Fact]
    [Rule("map.bytes")]
    public void Populate_brings_the_pages_in_and_huge_pages_are_advice()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(16 * s_page, new() { Backing = Backing.Sparse });
        using (memory.Map())
        {
            Assert.Equal(0, memory.GetStatus().AllocatedBytes);
        }

        using (memory.Map(new() { Populate = true }))
        {
            Assert.Equal(16L * s_page, memory.GetStatus().AllocatedBytes);
        }

        var platform = new ScriptedPlatform("madvise", Errno.EINVAL);
        using var host = new SubstitutedObject(platform);
        using var mapping = host.Memory.Map(new() { AdviseHugePages = true });
        Assert.True(platform.Fired);
        mapping.GetSpan()[0] = 1;
    }

    [Fact]
    [Rule("populate.map")]
    public void Threads_that_map_the_object_do_not_wait_until_it_is_populated()
    {
        SharedMemoryObject? memory = null;
        var platform = ScriptedPlatform.Before("madvise", 1, () => Watchdog.Run(
            () =>
            {
                memory!.Map().Dispose();
                return true;
            },
            "another mapping"));
        using var host = new SubstitutedObject(platform);
        memory = host.Memory;
        using var mapping = memory.Map(new() { Populate = true });
        Assert.True(platform.Fired);
    }

    [Fact]
    [Rule("populate.map")]
    public void Populating_follows_the_advice_and_leaves_nothing_mapped_where_it_fails()
    {
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform);
        var identity = host.Memory.GetStatus().Identity;
        var options = new MappingOptions { Populate = true, AdviseHugePages = true };
        foreach (var (errno, told) in new[] { (Errno.ENOMEM, Errno.ENOMEM), (Errno.EFAULT, Errno.ENOSPC) })
        {
            platform.Arm("madvise", errno, occurrence: 2);
            Assert.Equal(told, Assert.Throws<SharedMemoryException>(() => host.Memory.Map(options)).Errno);
            Assert.True(platform.Fired);
            Assert.Empty(Held.Mappings(identity));
        }

        // A kernel that knows neither: the advice is dropped, and each page is looked at.
        platform.Arm("madvise", Errno.EINVAL, occurrence: 0);
        using (host.Memory.Map(options))
        {
            Assert.Equal(host.Memory.Length, host.Memory.GetStatus().AllocatedBytes);
        }
    }

    private static void Aligned<T>(MemoryMapping mapping, int alignment)
        where T : unmanaged
    {
        for (var offset = 0; offset < 64; offset++)
        {
            if (offset % alignment == 0)
            {
                mapping.GetReference<T>(offset) = default;
                _ = mapping.GetSpan<T>(offset, 2);
                _ = mapping.GetReadOnlySpan<T>(offset, 2);
            }
            else
            {
                Assert.Throws<ArgumentException>(() => mapping.GetReference<T>(offset));
                Assert.Throws<ArgumentException>(() => mapping.GetSpan<T>(offset, 2));
                Assert.Throws<ArgumentException>(() => mapping.GetReadOnlySpan<T>(offset, 2));
            }
        }
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Packed
    {
        public byte First;
        public long Second;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Mixed
    {
        public byte First;
        public long Second;
    }

    [Fact]
    [Rule("map.access")]
    public void No_mapping_is_inaccessible_write_only_or_executable()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var executable = SharedMemoryObject.CreateAnonymous(s_page, new() { Executable = true });
        foreach (var source in (SharedMemoryObject[])[memory, executable])
        {
            foreach (var isPrivate in (bool[])[false, true])
            {
                foreach (var access in (FileAccess[])[0, FileAccess.Write, (FileAccess)4, (FileAccess)7])
                {
                    Assert.ThrowsAny<ArgumentException>(() => source.Map(new() { Access = access, Private = isPrivate }));
                }

                foreach (var access in (FileAccess[])[FileAccess.Read, FileAccess.ReadWrite])
                {
                    using var mapping = source.Map(new() { Access = access, Private = isPrivate });
                    foreach (var other in (FileAccess[])[0, FileAccess.Write, (FileAccess)4, (FileAccess)7])
                    {
                        Assert.ThrowsAny<ArgumentException>(() => mapping.Protect(other));
                    }

                    AssertAccess(source, $"r{(access == FileAccess.Read ? '-' : 'w')}-{(isPrivate ? 'p' : 's')}");
                    mapping.Protect(FileAccess.Read);
                    AssertAccess(source, $"r--{(isPrivate ? 'p' : 's')}");
                }
            }
        }

        static void AssertAccess(SharedMemoryObject source, string access) => Assert.Equal(access, Assert.Single(Held.Mappings(source)).Split(' ')[1]);
    }

    /// <remarks>The check subtracts numbers that may overflow; it is compared with one that cannot.</remarks>
    [Fact]
    [Rule("map.bounds")]
    public unsafe void Bounds_are_right_at_every_edge_of_the_numbers()
    {
        long[] edges = [0, 1, 2, 7, 8, 9, 15, 16, 100, int.MaxValue, 1L << 62, long.MaxValue - 8, long.MaxValue - 7, long.MaxValue - 1, long.MaxValue];
        long[] all = [.. edges, .. edges.Select(edge => -edge), long.MinValue, long.MinValue + 1];
        foreach (var mapped in edges)
        {
            foreach (var offset in all)
            {
                foreach (var length in all)
                {
                    var inside = offset >= 0 && length >= 0 && (Int128)offset + length <= mapped;
                    // SAFETY: an address is computed, nothing is touched.
                    var thrown = Record.Exception(() => { _ = MappedBytes.Locate((byte*)0, mapped, offset, length); });
                    Assert.True(inside == thrown is null, $"{length} bytes at {offset} of {mapped}: {thrown}");
                }
            }
        }
    }
}
