namespace Posix.SharedMemory.Tests.Faults;

[Collection(Alone.Name)]
public sealed class MappingFaults
{
    /// <summary>So much that no other range without access is as large.</summary>
    private const long Reserve = 16L << 40;

    private static readonly int s_page = Environment.SystemPageSize;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.reserve")]
    [Rule("map.disposed")]
    public void Mapping_that_fails_leaves_nothing_mapped(bool reserves)
    {
        foreach (var options in (MappingOptions?[])
            [null, new() { AddressSpace = Reserve }, new() { AddressSpace = Reserve, AdviseHugePages = true, Populate = true }, new() { AdviseHugePages = true }, new() { Private = true, AddressSpace = Reserve }])
        {
            FaultWalk.Each(
                platform => WithObject(platform, 3 * s_page, memory =>
                {
                    MemoryMapping? mapping = null;
                    FaultWalk.AssertExpected(platform.Try(() => mapping = memory.Map(s_page + 1, options: options)));
                    mapping?.GetReadOnlySpan();
                    mapping?.Dispose();
                }),
                reserves);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("grow.reserve")]
    [Rule("grow.fixed")]
    public void A_Refresh_that_fails_leaves_the_mapping_as_it_was(bool reserves) => FaultWalk.Each(
        platform => WithObject(platform, s_page + 5, memory =>
        {
            using var mapping = memory.Map(new() { AddressSpace = Reserve, Access = FileAccess.Read });
            mapping.Protect(FileAccess.ReadWrite);
            mapping.GetSpan().Fill(1);
            memory.SetLength(9 * s_page);
            var thrown = platform.Try(() => mapping.Refresh());
            FaultWalk.AssertExpected(thrown);
            Assert.Equal(thrown is null ? 9L * s_page : s_page + 5, mapping.Length);
            mapping.GetSpan().Fill(2);
            // The next one does what this one could not.
            Assert.Equal(thrown is not null, mapping.Refresh());
            Assert.Equal(9L * s_page, mapping.Length);
            mapping.GetSpan()[(s_page + 5)..].Fill(2);
            Assert.False(mapping.GetReadOnlySpan().ContainsAnyExcept((byte)2));
        }),
        reserves);

    [Theory]
    [InlineData(null, false)]
    [InlineData("pread", false)]
    [InlineData(null, true)]
    [InlineData("process_vm_readv", true)]
    [InlineData("process_vm_writev", true)]
    [Rule("try.fallback")]
    public void A_copy_that_fails_leaves_no_pipe(string? forbidden, bool isPrivate)
    {
        var options = new MappingOptions { Private = isPrivate };
        FaultWalk.Each(
            platform => WithObject(platform, 3 * s_page, memory =>
            {
                using var mapping = memory.Map(options);
                mapping.GetSpan().Fill(4);
                var bytes = new byte[(2 * s_page) + 3];
                var whole = false;
                var thrown = platform.Try(() => whole = mapping.TryRead(5, bytes));
                FaultWalk.AssertExpected(thrown);
                Assert.Equal(whole, thrown is null);
                Assert.True(!whole || !bytes.AsSpan().ContainsAnyExcept((byte)4));
                Assert.True(mapping.TryRead(0, bytes));
            }),
            forbidden: forbidden);
        FaultWalk.Each(
            platform => WithObject(platform, 3 * s_page, memory =>
            {
                using var mapping = memory.Map(options);
                var bytes = new byte[(2 * s_page) + 3];
                bytes.AsSpan().Fill(4);
                var whole = false;
                var thrown = platform.Try(() => whole = mapping.TryWrite(5, bytes));
                FaultWalk.AssertExpected(thrown);
                Assert.Equal(whole, thrown is null);
                Assert.True(!whole || !mapping.GetReadOnlySpan(5, bytes.Length).ContainsAnyExcept((byte)4));
            }),
            forbidden: forbidden);
    }

    [Theory]
    [InlineData("prefault")]
    [InlineData("collapse")]
    [InlineData("flush")]
    [InlineData("advise")]
    [InlineData("lock")]
    [InlineData("unlock")]
    [InlineData("protect")]
    [Rule("prefault.missing")]
    [Rule("huge.collapse")]
    [Rule("pin.limit")]
    public void A_request_that_the_system_refuses_leaves_the_mapping_as_it_was(string what) => FaultWalk.Each(
        platform => WithObject(platform, 4 << 20, memory =>
        {
            using var mapping = memory.Map();
            mapping.GetSpan(0, 100).Fill(3);
            FaultWalk.AssertExpected(platform.Try(() => Act(mapping, what)));
            mapping.Protect(FileAccess.ReadWrite);
            Assert.False(mapping.GetSpan(0, 100).ContainsAnyExcept((byte)3));
            mapping.GetSpan()[^1] = 1;
        }));

    private static void Act(MemoryMapping mapping, string what)
    {
        switch (what)
        {
            case "prefault":
                mapping.Prefault();
                break;
            case "collapse":
                mapping.CollapseToHugePages();
                break;
            case "flush":
                mapping.Flush(0, mapping.Length);
                break;
            case "advise":
                mapping.Advise(MemoryAdvice.WillNeed, 0, mapping.Length);
                break;
            case "lock":
                mapping.LockInMemory();
                break;
            case "unlock":
                mapping.UnlockFromMemory();
                break;
            default:
                mapping.Protect(FileAccess.Read);
                break;
        }
    }

    /// <summary>Acts on an object, and checks that nothing of it stays mapped or open, no address space, no pipe and no lease.</summary>
    private static void WithObject(ScriptedPlatform platform, long length, Action<SharedMemoryObject> act)
    {
        using var name = new TemporaryName();
        var pipes = FaultWalk.Pipes();
        SharedMemoryObject memory;
        ObjectIdentity identity;
        using (Platform.Substitute(platform))
        {
            memory = SharedMemoryObject.Open(name, FileMode.CreateNew);
        }

        using (memory)
        {
            memory.SetLength(length, Backing.Sparse);
            identity = memory.GetStatus().Identity;
            act(memory);
            Assert.Equal((0, 0), (Held.Mappings(identity).Count, Held.Reserves(Reserve / 2)));
        }

        Assert.Empty(Held.Descriptors(name.Path));
        Assert.True(FaultWalk.Pipes() <= pipes, "A pipe is left open.");
    }
}
