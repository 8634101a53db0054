using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Mapping;

/// <summary>What a mapping is guarded against that its own process might do to it.</summary>
public sealed class Guarding
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("length.mapped")]
    [Rule("lease.holds")]
    public void A_lease_keeps_the_object_from_being_cut_after_its_mapping_was_disposed()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4 * s_page);
        var mapping = memory.Map();
        using (var lease = mapping.Acquire())
        {
            mapping.Dispose();
            Assert.Throws<InvalidOperationException>(() => memory.SetLength(s_page));
            lease.Span[^1] = 1;
        }

        memory.SetLength(s_page);
        Assert.Equal(s_page, memory.Length);
    }

    [Fact]
    [Rule("grow.withdrawn")]
    [Rule("protect.back")]
    public void A_part_that_comes_back_after_a_cut_has_the_protection_of_the_mapping()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(8 * s_page);
        using var mapping = memory.Map(new MappingOptions { AddressSpace = 64 * s_page });
        mapping.Protect(FileAccess.Read);
        CutAsAStranger(memory, 4 * s_page);
        mapping.Refresh();
        mapping.Protect(FileAccess.ReadWrite);
        memory.SetLength(8 * s_page);
        mapping.Refresh();

        Assert.True(mapping.TryWrite(6 * s_page, new byte[16]));
        mapping.GetSpan()[7 * s_page] = 1;
    }

    [Fact]
    [Rule("length.mapped")]
    [Rule("grow.fixed")]
    public async Task A_mapping_that_adopts_growth_while_another_thread_cuts_never_includes_removed_bytes()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map(new MappingOptions { AddressSpace = 64 * s_page });
        var cutter = Task.Run(() =>
        {
            while (true)
            {
                memory.SetLength(2 * s_page, Backing.Sparse);
                try
                {
                    memory.SetLength(s_page);
                }
                catch (InvalidOperationException)
                {
                    // The growth is shown already: it may not be cut.
                    return;
                }
            }
        });
        while (!cutter.IsCompleted)
        {
            mapping.Refresh();
        }

        await cutter;
        Assert.Equal(2 * s_page, mapping.Length);
        Assert.Equal(2 * s_page, memory.Length);
        Assert.True(mapping.TryRead((2 * s_page) - 1, new byte[1]));
    }

    [Fact]
    [Rule("advise.all")]
    public void DontNeed_discards_only_those_pages_of_a_private_mapping_that_lie_inside_the_range()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4 * s_page);
        using var mapping = memory.Map(new MappingOptions { Private = true });
        mapping.GetSpan().Fill(7);
        mapping.Advise(MemoryAdvice.DontNeed, 100, 1);
        Assert.False(mapping.GetReadOnlySpan().ContainsAnyExcept((byte)7));
        mapping.Advise(MemoryAdvice.DontNeed, 100, 2 * s_page);
        Assert.False(mapping.GetReadOnlySpan(0, s_page).ContainsAnyExcept((byte)7));
        Assert.False(mapping.GetReadOnlySpan(s_page, s_page).ContainsAnyExcept((byte)0));
        Assert.False(mapping.GetReadOnlySpan(2 * s_page, 2 * s_page).ContainsAnyExcept((byte)7));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [Rule("grow.fixed")]
    public void Address_space_that_is_not_available_is_ENOMEM(int offset)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4 * s_page);
        var thrown = Assert.Throws<SharedMemoryException>(() => memory.Map(offset, null, new MappingOptions { AddressSpace = long.MaxValue }));
        Assert.Equal(Errno.ENOMEM, thrown.Errno);
    }

    private static void CutAsAStranger(SharedMemoryObject memory, long length)
    {
        using var other = SharedMemoryObject.FromHandle(new SafeFileHandle(memory.SafeFileHandle.DangerousGetHandle(), ownsHandle: false));
        other.SetLength(length);
    }
}
