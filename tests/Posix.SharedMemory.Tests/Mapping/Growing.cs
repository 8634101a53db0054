namespace Posix.SharedMemory.Tests.Mapping;

public sealed class Growing
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.fixed")]
    [Rule("grow.reserve")]
    public unsafe void An_object_grows_from_a_page_to_hundreds_of_GiB_without_moving(bool reserved)
    {
        const long Most = 512L << 30;
        using var name = new TemporaryName();
        using var memory = Create(name, s_page, reserved);
        using var mapping = memory.Map(new() { AddressSpace = Most });
        using var peer = Peer.Start("map-store", name);
        Assert.Equal("ready", peer.ReadLine());
        var start = mapping.DangerousGetPointer();
        var span = mapping.GetSpan(0, 100);
        ref var counter = ref mapping.GetReference<long>(8);
        using var lease = mapping.Acquire();
        using var owner = mapping.GetMemory(16, 1);
        var pages = 1L;
        Assert.False(mapping.Refresh());
        foreach (var length in (long[])[s_page + 1, 2 * s_page, (2 << 20) - 5, (2 << 20) + 3, 1L << 30, (4L << 30) + 9, 300L << 30, Most])
        {
            Grow(memory, peer, length);
            Assert.True(mapping.Refresh());
            Assert.False(mapping.Refresh());
            Assert.Equal(length, mapping.Length);
            Assert.True(start == mapping.DangerousGetPointer(), "The first byte has moved.");
            Assert.Equal(77, mapping.GetReadOnlySpan(length - 1, 1)[0]);
            mapping.GetSpan(length - 1, 1)[0] = 78;
            var stored = new byte[1];
            memory.Read(stored, length - 1);
            Assert.Equal(78, stored[0]);
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetSpan(length, 1));

            // Everything taken before shows the same memory.
            counter++;
            start[0]++;
            span[0]++;
            lease.Span[0]++;
            owner.Memory.Span[0]++;
            pages++;
        }

        Assert.Equal(pages - 1, mapping.GetReference<long>(8));
        Assert.Equal((byte)(3 * (pages - 1)), mapping.GetSpan(0, 1)[0]);
        Assert.Equal(pages - 1, mapping.GetReadOnlySpan(16, 1)[0]);
        Assert.Equal(s_page, lease.Length);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.fixed")]
    [Rule("grow.reserve")]
    public void A_part_that_starts_inside_a_page_grows_too(bool reserved)
    {
        using var memory = CreateUnnamed((2 * s_page) + 10, reserved);
        using var mapping = memory.Map(s_page + 3, 5, new() { AddressSpace = 16 * s_page });
        Assert.Equal(5, mapping.Length);
        Assert.True(mapping.Refresh());
        Assert.Equal(s_page + 7, mapping.Length);
        for (var length = (2L * s_page) + 11; length <= s_page + 3 + (16 * s_page); length += 1001)
        {
            memory.SetLength(length, Backing.Sparse);
            memory.Write([5], length - 1);
            Assert.True(mapping.Refresh());
            Assert.Equal((s_page + 3, length - s_page - 3), (mapping.Offset, mapping.Length));
            Assert.Equal(5, mapping.GetReadOnlySpan(mapping.Length - 1, 1)[0]);
            mapping.GetSpan(mapping.Length - 1, 1)[0] = 6;
            Assert.Equal(1, memory.Read(new byte[1], length - 1));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.exhausted")]
    [Rule("grow.reserve")]
    public unsafe void Growth_beyond_the_address_space_is_refused_and_changes_nothing(bool reserved)
    {
        using var memory = CreateUnnamed(s_page, reserved);
        using var mapping = memory.Map(new() { AddressSpace = 4 * s_page });
        using var tight = memory.Map();
        var start = (nint)mapping.DangerousGetPointer();
        memory.SetLength(4 * s_page);
        Assert.True(mapping.Refresh());
        Assert.Throws<InvalidOperationException>(() => tight.Refresh());
        memory.SetLength((4 * s_page) + 1);
        var error = Assert.Throws<InvalidOperationException>(() => mapping.Refresh());
        Assert.Contains("AddressSpace", error.Message, StringComparison.Ordinal);
        Assert.Equal((4L * s_page, start), (mapping.Length, (nint)mapping.DangerousGetPointer()));
        Assert.Equal(s_page, tight.Length);
        mapping.GetSpan().Fill(1);
        tight.GetSpan().Fill(2);
        Assert.Equal((2, 1), (mapping.GetReadOnlySpan()[0], mapping.GetReadOnlySpan()[s_page]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.window")]
    [Rule("grow.withdrawn")]
    public void A_mapping_of_a_part_keeps_its_length(bool reserved)
    {
        using var memory = CreateUnnamed(4 * s_page, reserved);
        using var window = memory.Map(5, s_page);
        memory.SetLength(8 * s_page);
        Assert.False(window.Refresh());
        Assert.Equal(s_page, window.Length);
        CutByStranger(memory, 1000);
        Assert.True(window.Refresh());
        Assert.Equal(995, window.Length);
        CutByStranger(memory, 100 * s_page);
        Assert.True(window.Refresh());
        Assert.Equal(s_page, window.Length);
        Assert.False(window.Refresh());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.withdrawn")]
    [Rule("grow.reserve")]
    public unsafe void Bytes_that_another_process_cut_are_withdrawn_and_come_back_when_it_grows(bool reserved)
    {
        using var name = new TemporaryName();
        using var memory = Create(name, 4 * s_page, reserved);
        using var mapping = memory.Map(s_page, options: new() { AddressSpace = 64 * s_page });
        using var peer = Peer.Start("map-store", name);
        Assert.Equal("ready", peer.ReadLine());
        mapping.GetSpan().Fill(1);
        var start = (nint)mapping.DangerousGetPointer();
        foreach (var (length, visible) in (ValueTuple<int, int>[])
            [(2 * s_page, s_page), (100, 0), (0, 0), (s_page, 0), (s_page + 1, 1), ((3 * s_page) + 7, (2 * s_page) + 7), (0, 0), (40 * s_page, 39 * s_page), (s_page, 0)])
        {
            var before = mapping.Length;
            peer.Tell($"{length} -1 0");
            Assert.Equal("stored", peer.ReadLine());
            Assert.Equal(visible != before, mapping.Refresh());
            Assert.Equal((visible, start), (mapping.Length, (nint)mapping.DangerousGetPointer()));
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetSpan(visible, 1));
            if (visible > before)
            {
                // What comes back is zero, as what is new.
                Assert.False(mapping.GetReadOnlySpan(before, (int)(visible - before)).ContainsAnyExcept((byte)0));
            }

            mapping.GetSpan().Fill(1);
            Assert.True(mapping.TryRead(0, new byte[visible]));
            using var lease = mapping.Acquire();
            Assert.Equal(visible, lease.Length);
        }

        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.fixed")]
    [Rule("protect.back")]
    public void Growth_has_the_protection_of_the_part_before_it(bool reserved)
    {
        using var memory = CreateUnnamed(s_page, reserved);
        using var mapping = memory.Map(new() { AddressSpace = 64 * s_page, Access = FileAccess.Read });
        mapping.Protect(FileAccess.ReadWrite);
        memory.SetLength(8 * s_page);
        Assert.True(mapping.Refresh());
        // Storing where the pages were read-only would end the process; the kernel is asked first.
        Assert.True(mapping.TryWrite((8 * s_page) - 1, [1]));
        mapping.GetSpan().Fill(3);
        mapping.Protect(FileAccess.Read);
        memory.SetLength(16 * s_page);
        Assert.True(mapping.Refresh());
        Assert.Throws<InvalidOperationException>(() => mapping.GetSpan());
        Assert.Equal(3, mapping.GetReadOnlySpan()[(8 * s_page) - 1]);
        unsafe
        {
            var added = (nint)mapping.DangerousGetPointer() + (15 * s_page);
            Assert.Equal((true, false), (Held.HasFlag(added, "rd"), Held.HasFlag(added, "wr")));
        }
    }

    [Fact]
    [Rule("grow.reserve")]
    public unsafe void Reserved_address_space_has_no_memory_and_is_released_with_the_mapping()
    {
        const long Reserve = 16L << 40;
        using var memory = CreateUnnamed(s_page + 1, reserved: true);
        using (var mapping = memory.Map(new() { AddressSpace = Reserve }))
        {
            Assert.Equal(1, Held.Reserves(Reserve / 2));
            Assert.False(Held.HasFlag((nint)mapping.DangerousGetPointer() + (2 * s_page), "rd"));
            memory.SetLength(100 * s_page, Backing.Sparse);
            Assert.True(mapping.Refresh());
            mapping.GetSpan().Fill(1);
            Assert.Equal(1, Held.Reserves(Reserve / 2));
        }

        Assert.Equal(0, Held.Reserves(Reserve / 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.fixed")]
    [Rule("map.private")]
    public void A_private_mapping_grows_and_keeps_its_own_stores(bool reserved)
    {
        using var memory = CreateUnnamed(s_page, reserved);
        using var mapping = memory.Map(new() { AddressSpace = 64 * s_page, Private = true });
        mapping.GetSpan().Fill(1);
        memory.SetLength(3 * s_page);
        memory.Write([2], 2 * s_page);
        Assert.True(mapping.Refresh());
        Assert.Equal((1, 0, 2), (mapping.GetReadOnlySpan()[0], mapping.GetReadOnlySpan()[s_page], mapping.GetReadOnlySpan()[2 * s_page]));
        mapping.GetSpan().Fill(3);
        var stored = new byte[3 * s_page];
        memory.Read(stored, 0);
        Assert.Equal(2, stored.Sum(value => value));
    }

    [Fact]
    [Rule("grow.fixed")]
    public async Task Threads_that_grow_refresh_and_read_at_once_agree()
    {
        using var memory = CreateUnnamed(s_page, reserved: true);
        using var mapping = memory.Map(new() { AddressSpace = 4000L * s_page });
        var ended = false;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                mapping.Refresh();
                using var lease = mapping.Acquire();
                lease.GetSpan(lease.Length - 1, 1)[0] = 1;
            }
        })).ToArray();
        for (var pages = 2; pages <= 4000; pages++)
        {
            memory.SetLength((long)pages * s_page, Backing.Sparse);
        }

        Volatile.Write(ref ended, true);
        await Task.WhenAll(readers);
        mapping.Refresh();
        Assert.Equal(4000L * s_page, mapping.Length);
    }

    /// <summary>Even lengths come from this process, odd ones from another; the last byte is 77.</summary>
    private static void Grow(SharedMemoryObject memory, Peer peer, long length)
    {
        if (length % 2 == 1)
        {
            peer.Tell($"{length} {length - 1} 77");
            Assert.Equal("stored", peer.ReadLine());
        }
        else
        {
            memory.SetLength(length, Backing.Sparse);
            memory.Write([77], length - 1);
        }
    }

    private static SharedMemoryObject Create(string name, long length, bool reserved)
    {
        using (Platform.Substitute(new ScriptedPlatform { Reserves = reserved }))
        {
            return SharedMemoryObject.Create(name, length, new() { Backing = Backing.Sparse });
        }
    }

    private static SharedMemoryObject CreateUnnamed(long length, bool reserved)
    {
        using (Platform.Substitute(new ScriptedPlatform { Reserves = reserved }))
        {
            return SharedMemoryObject.CreateUnpublished(length, new() { Backing = Backing.Sparse });
        }
    }

    /// <summary>Sets the length behind the object's back, as another process does.</summary>
    private static void CutByStranger(SharedMemoryObject memory, long length)
    {
        var platform = Platform.Linux(SystemCalls.Real);
        platform.Backing.SetLength(memory.Target, length);
    }
}
