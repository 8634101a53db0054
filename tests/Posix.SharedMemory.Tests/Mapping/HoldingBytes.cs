using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class HoldingBytes
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("hold.holds")]
    public void A_hold_keeps_its_bytes_mapped_after_the_mapping_is_disposed()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 2 * s_page);
        var mapping = memory.Map(8, 100);
        var hold = mapping.Hold(16, 40);
        var all = mapping.Hold();
        var rest = mapping.Hold(90);
        Assert.Equal((40L, 100L, 10L), (hold.Length, all.Length, rest.Length));
        mapping.Dispose();
        Assert.Single(Held.Mappings(memory));
        hold.GetSpan(0, 40)[0] = 1;
        hold.GetReference<int>(8) = 2;
        Assert.Equal((1, 2), (all.GetReadOnlySpan(16, 1)[0], all.GetReadOnlyReference<int>(24)));
        unsafe
        {
            // SAFETY: the hold is alive.
            Assert.Equal(1, *hold.DangerousGetPointer());
        }

        all.Dispose();
        rest.Dispose();
        Assert.Single(Held.Mappings(memory));
        hold.Dispose();
        hold.Dispose();
        Assert.Empty(Held.Mappings(memory));
        var stored = new byte[1];
        memory.Read(stored, 24);
        Assert.Equal(1, stored[0]);
    }

    [Fact]
    [Rule("hold.holds")]
    public void A_disposed_hold_gives_no_bytes()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        var hold = mapping.Hold();
        hold.Dispose();
        Assert.Throws<ObjectDisposedException>(() => hold.GetSpan(0, 1));
        Assert.Throws<ObjectDisposedException>(() => hold.GetReadOnlySpan(0, 1));
        Assert.Throws<ObjectDisposedException>(() => hold.GetReference<int>(0));
        Assert.Throws<ObjectDisposedException>(() => hold.GetReadOnlyReference<int>(0));
        Assert.Throws<ObjectDisposedException>(() =>
        {
            unsafe
            {
                // SAFETY: the address is not used.
                _ = hold.DangerousGetPointer();
            }
        });
        mapping.GetSpan()[0] = 1;
    }

    [Fact]
    [Rule("hold.holds")]
    public void Threads_that_dispose_one_hold_at_the_same_time_give_it_back_once()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var mapping = memory.Map();
        for (var round = 0; round < 2000; round++)
        {
            var hold = mapping.Hold();
            Parallel.Invoke(hold.Dispose, hold.Dispose);
        }

        // A reference too many would have unmapped it.
        mapping.GetSpan()[0]++;
        mapping.Dispose();
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("hold.bounds")]
    public void A_hold_outside_the_mapping_is_refused_and_holds_nothing()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var mapping = memory.Map(0, 100);
        foreach (var (offset, length) in ((long, long?)[])
            [(0, 101), (-1, 1), (101, null), (101, 0), (1, -1), (-1, null), (long.MinValue, null), (long.MaxValue, 1), (1, long.MaxValue), (100, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.Hold(offset, length));
        }

        using (var empty = mapping.Hold(100))
        {
            Assert.Equal(0, empty.Length);
            Assert.Throws<ArgumentOutOfRangeException>(() => empty.GetSpan(0, 1));
        }

        mapping.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mapping.Hold());
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("hold.bounds")]
    [Rule("map.bounds")]
    public void Ranges_outside_the_hold_and_misaligned_ones_are_refused()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        using var hold = mapping.Hold(16, 20);
        foreach (var (offset, length) in ((long, int)[])[(0, 21), (-1, 1), (20, 1), (21, 0), (1, -1), (long.MaxValue, 1), (long.MinValue, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => hold.GetSpan(offset, length));
            Assert.Throws<ArgumentOutOfRangeException>(() => hold.GetReadOnlySpan(offset, length));
        }

        foreach (var offset in (long[])[-8, 16, 24, long.MaxValue, long.MaxValue - 7, long.MinValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => hold.GetReference<long>(offset));
            Assert.Throws<ArgumentOutOfRangeException>(() => hold.GetReadOnlyReference<long>(offset));
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetReadOnlyReference<long>(offset < 0 ? offset : Math.Max(offset, s_page)));
        }

        Assert.Throws<ArgumentException>(() => hold.GetReference<long>(4));
        Assert.Throws<ArgumentException>(() => hold.GetReadOnlyReference<long>(4));
        Assert.Throws<ArgumentException>(() => mapping.GetReadOnlyReference<long>(4));
        hold.GetReference<int>(16) = 5;
        Assert.Equal((5, 5), (hold.GetReadOnlyReference<int>(16), mapping.GetReadOnlyReference<int>(32)));

        // What counts is the address: the hold begins inside the mapping.
        using var odd = mapping.Hold(4);
        odd.GetReference<long>(4) = 6;
        Assert.Equal(6, mapping.GetReadOnlyReference<long>(8));
        Assert.Throws<ArgumentException>(() => odd.GetReference<long>(0));
    }

    [Fact]
    [Rule("map.readonly")]
    [Rule("hold.bounds")]
    public void Read_only_bytes_can_be_held_and_referenced_for_reading()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        memory.Write([1, 0, 0, 0], 4);
        using var mapping = memory.Map(new() { Access = FileAccess.Read });
        using var hold = mapping.Hold(4);
        Assert.Throws<InvalidOperationException>(() => hold.GetSpan(0, 1));
        Assert.Throws<InvalidOperationException>(() => hold.GetReference<int>(0));
        using var lease = mapping.Acquire();
        Assert.Equal((1, 1, 1), (hold.GetReadOnlyReference<int>(0), mapping.GetReadOnlyReference<int>(4), lease.GetReadOnlyReference<int>(4)));
        Assert.Equal(1, hold.GetReadOnlySpan(0, 1)[0]);
    }

    [Fact]
    [Rule("hold.forgotten")]
    public void A_forgotten_hold_is_given_back_by_the_collector()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var mapping = memory.Map();
        Forget(mapping);
        mapping.Dispose();
        Collector.RunUntil(() => Held.Mappings(memory).Count == 0, "the unmapping of what nobody holds any more");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(MemoryMapping mapping)
        {
            for (var round = 0; round < 100; round++)
            {
                mapping.Hold().GetSpan(0, 1)[0]++;
            }
        }
    }

    [Fact]
    [Rule("lease.free")]
    public void Using_a_hold_allocates_nothing()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        using var hold = mapping.Hold(64);
        Assert.Equal(0, Allocation.OfRounds(20_000, () => Use(hold)));
        Assert.True(mapping.GetReadOnlyReference<long>(64) > 20_000);

        static void Use(MappingHold hold)
        {
            hold.GetReference<long>(0)++;
            hold.GetSpan(8, 8)[0]++;
            _ = hold.GetReadOnlySpan(8, 8)[0] + hold.GetReadOnlyReference<long>(0);
        }
    }
}
