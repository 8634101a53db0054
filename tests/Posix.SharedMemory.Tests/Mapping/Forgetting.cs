using System.Buffers;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class Forgetting
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("map.forgotten")]
    public void Three_thousand_forgotten_mappings_are_unmapped_while_their_object_lives()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 2 * s_page);
        using var kept = memory.Map(0, 100);
        Forget(memory, 3000);
        Collector.RunUntil(() => Held.Mappings(memory).Count == 1, "one mapping left");

        // The one that is still referenced is mapped, and still refuses.
        kept.GetSpan()[99] = 1;
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(99));
        memory.SetLength(100);
        kept.Dispose();
        memory.SetLength(1);
    }

    [Fact]
    [Rule("map.forgotten")]
    [Rule("hold.holds")]
    public void A_forgotten_mapping_stays_mapped_as_long_as_a_hold_or_its_memory_is_referenced()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var hold = Hold(memory);
        var owner = Borrow(memory);
        for (var round = 0; round < 5; round++)
        {
            Forget(memory, 10);
            Collector.RunUntil(() => Held.Mappings(memory).Count == 2, "two mappings left");
            hold.GetSpan(0, 1)[0]++;
            owner.Memory.Span[0]++;
            Assert.Throws<InvalidOperationException>(() => memory.SetLength(1));
        }

        Assert.Equal(60, hold.GetReadOnlySpan(0, 1)[0]);
        hold.Dispose();
        owner.Dispose();
        Collector.RunUntil(() => Held.Mappings(memory).Count == 0, "nothing mapped");
        memory.SetLength(1);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static MappingHold Hold(SharedMemoryObject memory) => memory.Map().Hold();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static IMemoryOwner<byte> Borrow(SharedMemoryObject memory) => memory.Map().GetMemory(0, 1);
    }

    [Fact]
    [Rule("map.forgotten")]
    public void A_mapping_that_shrank_to_nothing_counts_again_once_it_shows_bytes()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var peer = SharedMemoryObject.Open(name);
        using var mapping = memory.Map();
        peer.SetLength(0);
        Assert.True(mapping.Refresh());
        Assert.Equal(0, mapping.Length);
        peer.SetLength(s_page);
        for (var round = 0; round < 100; round++)
        {
            memory.Map().Dispose();
        }

        Assert.True(mapping.Refresh());
        Assert.Throws<InvalidOperationException>(() => memory.SetLength(s_page - 1));
    }

    [Fact]
    [Rule("map.forgotten")]
    public void The_list_of_ends_drops_unmapped_mappings_and_no_others()
    {
        var extents = new MappedExtents();
        Assert.False(extents.IsAnyMapped);
        var kept = extents.Add(5000, isStable: false);
        var empty = extents.Add(0, isStable: false);
        var weak = new List<WeakReference>();
        AddMany(ref extents, weak);
        Assert.Equal((5000L, (long?)null), (extents.FindPast(4999), extents.FindPast(5000)));
        Assert.True(extents.IsAnyMapped);
        Collector.RunUntil(() => weak.Count(reference => reference.IsAlive) <= 64, "a list of at most twice as many as are mapped, and a few");
        extents.SetStable(4999);
        Assert.Equal((false, true), (kept.IsStable, empty.IsStable));
        kept.IsUnmapped = true;
        Assert.True(extents.IsAnyMapped);
        empty.IsUnmapped = true;
        Assert.False(extents.IsAnyMapped);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void AddMany(ref MappedExtents extents, List<WeakReference> weak)
        {
            for (var round = 0; round < 10_000; round++)
            {
                var extent = extents.Add(100, isStable: false);
                weak.Add(new(extent));
                extent.IsUnmapped = true;
            }
        }
    }

    [Fact]
    [Rule("map.forgotten")]
    public async Task Mapping_and_shrinking_agree_while_the_collector_unmaps()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4 * s_page);
        var ended = false;
        var forgetting = Task.Run(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                Forget(memory, 20);
                Collector.RunUntil(() => true, "one collection");
            }
        });
        for (var round = 0; round < 300; round++)
        {
            using var mapping = memory.Map(0, (3 * s_page) + 1);
            Assert.Throws<InvalidOperationException>(() => memory.SetLength(3 * s_page));
            mapping.GetSpan()[^1]++;
        }

        Volatile.Write(ref ended, true);
        await forgetting;
        Collector.RunUntil(() => Held.Mappings(memory).Count == 0, "nothing mapped");
        memory.SetLength(0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(SharedMemoryObject memory, int count)
    {
        for (var index = 0; index < count; index++)
        {
            memory.Map().GetSpan(0, 1)[0]++;
        }
    }
}
