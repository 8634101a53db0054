namespace Posix.SharedMemory.Tests.Objects;

public sealed class Sealing
{
    private const MemorySeals AgainstWriting = MemorySeals.Write | MemorySeals.FutureWrite;

    public static TheoryData<MemorySeals> Sets()
    {
        var sets = new TheoryData<MemorySeals>();
        for (var bits = 0; bits < 16; bits++)
        {
            sets.Add((MemorySeals)(bits << 1));
        }

        return sets;
    }

    [Theory]
    [MemberData(nameof(Sets))]
    [Rule("seals.table")]
    [Rule("seals.which")]
    [Rule("seals.told")]
    [Rule("seals.default")]
    public void Refuses_exactly_what_the_table_lists(MemorySeals seals)
    {
        using var memory = SharedMemoryObject.CreateAnonymous(3 * 4096);
        memory.Write("kept"u8, 0);
        memory.AddSeals(seals);
        Assert.Equal(seals, memory.Seals & ~MemorySeals.Exec);
        var refusesWriting = seals & AgainstWriting;

        Expect(refusesWriting, Errno.EPERM, () => memory.Write("lost"u8, 0));
        Expect(refusesWriting, Errno.EPERM, () => memory.Discard(4096, 4096));
        Expect(refusesWriting, Errno.EPERM, () => memory.Map(new() { Access = FileAccess.ReadWrite }).Dispose());
        Expect(refusesWriting, Errno.EPERM, () => memory.Map(new() { Access = FileAccess.ReadWrite, AddressSpace = 1 << 20 }).Dispose());
        using (MemoryMapping whole = memory.Map(), part = memory.Map(0, 10, new() { AddressSpace = 1 << 20 }))
        {
            var expected = refusesWriting == 0 ? FileAccess.ReadWrite : FileAccess.Read;
            Assert.Equal((expected, expected), (whole.Access, part.Access));
        }

        Expect(MemorySeals.None, default, () => memory.Reserve(0, 4096));
        Expect(MemorySeals.None, default, () => memory.SetLength(3 * 4096));
        using (var reading = memory.Map(new() { Access = FileAccess.Read }))
        {
            Assert.Equal(refusesWriting == 0 ? (byte)'l' : (byte)'k', reading.GetReadOnlySpan()[0]);
            Expect(refusesWriting, Errno.EACCES, () => reading.Protect(FileAccess.ReadWrite));
            Assert.Equal(seals.HasFlag(MemorySeals.Shrink), reading.IsStable);
        }

        using (var own = memory.Map(new() { Private = true }))
        {
            own.GetSpan().Fill(1);
            Span<byte> first = stackalloc byte[1];
            Assert.Equal(1, memory.Read(first, 0));
            Assert.NotEqual(1, first[0]);
        }

        Expect(seals & MemorySeals.Grow, Errno.EPERM, () => memory.SetLength(4 * 4096));
        Expect(seals & MemorySeals.Grow, Errno.EPERM, () => memory.SetLength(5 * 4096, Backing.Sparse));
        Assert.Equal(seals.HasFlag(MemorySeals.Grow) ? 3 * 4096 : 5 * 4096, memory.Length);
        Expect(seals & MemorySeals.Shrink, Errno.EPERM, () => memory.SetLength(4096));
        Assert.Equal(!seals.HasFlag(MemorySeals.Shrink) ? 4096 : seals.HasFlag(MemorySeals.Grow) ? 3 * 4096 : 5 * 4096, memory.Length);
    }

    [Fact]
    [Rule("seals.table")]
    public void FutureWrite_leaves_writable_mappings_as_they_are()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        using var writer = memory.Map();
        using var reader = memory.Map(new() { Access = FileAccess.Read });
        memory.AddSeals(MemorySeals.FutureWrite);
        writer.GetSpan()[7] = 7;
        Assert.Equal(7, reader.GetReadOnlySpan()[7]);
        reader.Protect(FileAccess.ReadWrite);
        reader.GetSpan()[8] = 8;
        using var later = memory.Map(new() { Access = FileAccess.Read });
        Assert.Equal(8, later.GetReadOnlySpan()[8]);
        Assert.Equal(Errno.EACCES, Assert.Throws<SharedMemoryException>(() => later.Protect(FileAccess.ReadWrite)).Errno);
    }

    [Theory]
    [InlineData(FileAccess.ReadWrite)]
    [InlineData(FileAccess.Read)]
    [Rule("seals.busy")]
    public void The_seal_Write_is_EBUSY_while_mapped_and_the_message_says_what_to_do(FileAccess access)
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        var mapping = memory.Map(new() { Access = access });
        var own = Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.Write | MemorySeals.Grow));
        Assert.Equal(Errno.EBUSY, own.Errno);
        Assert.Contains("dispose them first", own.Message, StringComparison.Ordinal);
        Assert.False(memory.Seals.HasFlag(MemorySeals.Grow));
        var lease = mapping.Acquire();
        mapping.Dispose();
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.Write)).Errno);
        lease.Dispose();
        memory.AddSeals(MemorySeals.Write);
        Assert.True(memory.Seals.HasFlag(MemorySeals.Write));
    }

    [Fact]
    [Rule("seals.busy")]
    [Rule("seals.told")]
    public void The_seal_Write_is_EBUSY_while_another_process_has_it_mapped()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        using var other = Duplicate(memory);
        using (other.Map())
        {
            var foreign = Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.Write));
            Assert.Equal(Errno.EBUSY, foreign.Errno);
            Assert.Contains("another process", foreign.Message, StringComparison.Ordinal);
        }

        using (other.Map(new() { Private = true }))
        {
            memory.AddSeals(MemorySeals.Write);
        }

        Assert.True(other.Seals.HasFlag(MemorySeals.Write));
    }

    [Fact]
    [Rule("seals.seal")]
    public void After_Seal_no_seal_can_be_added()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        memory.AddSeals(MemorySeals.None);
        memory.AddSeals(MemorySeals.Seal | MemorySeals.Shrink);
        foreach (var seals in (MemorySeals[])[MemorySeals.None, MemorySeals.Shrink, MemorySeals.Grow, MemorySeals.Seal])
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => memory.AddSeals(seals));
            Assert.Equal(Errno.EPERM, refusal.Errno);
            Assert.Contains("F_SEAL_SEAL", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("seals.named")]
    public void A_named_object_is_sealed_against_seals()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4096);
        using var unpublished = SharedMemoryObject.CreateUnpublished(4096);
        Assert.Equal(MemorySeals.Seal, memory.Seals);
        Assert.Equal(MemorySeals.Seal, unpublished.Seals);
        var refusal = Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.Shrink));
        Assert.Equal(Errno.EPERM, refusal.Errno);
        Assert.Contains("CreateAnonymous", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<SharedMemoryException>(() => unpublished.AddSeals(MemorySeals.Shrink));
    }

    [SkippableFact]
    [Rule("seals.execwrite")]
    public void Exec_on_executable_memory_adds_the_seals_against_changing_it()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096, new() { Executable = true });
        Skip.If(memory.Permissions.HasFlag(UnixFileMode.UserExecute) && !KnowsExec(), "This kernel does not have the seal Exec (before Linux 6.3).");
        using (memory.Map())
        {
            Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.Exec)).Errno);
        }

        memory.AddSeals(MemorySeals.Exec);
        Assert.Equal(MemorySeals.Exec | MemorySeals.Shrink | MemorySeals.Grow | AgainstWriting, memory.Seals);
        Assert.Equal(Errno.EPERM, Assert.Throws<SharedMemoryException>(() => memory.Write("x"u8, 0)).Errno);

        static bool KnowsExec()
        {
            using var probe = SharedMemoryObject.CreateAnonymous(0);
            return probe.Seals.HasFlag(MemorySeals.Exec);
        }
    }

    [Fact]
    [Rule("seals.unknown")]
    public void Refuses_values_that_are_not_seals_before_any_call()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.AddSeals((MemorySeals)0x40));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.AddSeals((MemorySeals)(-1)));
        Assert.Equal(MemorySeals.None, memory.Seals & ~MemorySeals.Exec);
    }

    [Fact]
    [Rule("seals.unknown")]
    public void Refuses_a_seal_that_the_system_would_not_enforce()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        var freeBsd = Platform.FreeBsd(SystemCalls.Real).Seals;
        foreach (var seals in (MemorySeals[])[MemorySeals.FutureWrite, MemorySeals.Exec | MemorySeals.Shrink])
        {
            Assert.Throws<PlatformNotSupportedException>(() => freeBsd.Add(memory.Target, seals));
        }

        var macOS = Platform.MacOS(SystemCalls.Real).Seals;
        Assert.Throws<PlatformNotSupportedException>(() => macOS.Add(memory.Target, MemorySeals.Shrink));
        Assert.True(macOS.Get(memory.Target, out var none).IsSuccess);
        Assert.Equal(MemorySeals.None, none);
        Assert.Equal(MemorySeals.None, memory.Seals & ~MemorySeals.Exec);
    }

    [Fact]
    [Rule("seals.unknown")]
    public void The_message_says_that_the_kernel_does_not_know_the_seal()
    {
        using (Platform.Substitute(new ScriptedPlatform("fcntl(F_ADD_SEALS)", Errno.EINVAL)))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(4096);
            var refusal = Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.FutureWrite));
            Assert.Equal(Errno.EINVAL, refusal.Errno);
            Assert.Contains("does not support", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("seals.which")]
    public void Exec_is_not_blamed_when_another_user_may_not_change_the_permissions()
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(1);

            // Only now: before 6.3, creating takes the permission to execute away by fchmod.
            platform.Arm("fchmod", Errno.EPERM);
            var refusal = Assert.Throws<SharedMemoryException>(() => memory.Permissions = UnixFileMode.UserRead);
            Assert.Equal(Errno.EPERM, refusal.Errno);
            Assert.DoesNotContain("F_SEAL_EXEC", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("seals.readonly")]
    public void Needs_an_object_that_is_open_for_writing()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        using var reader = Duplicate(memory, FileAccess.Read);
        Assert.Throws<InvalidOperationException>(() => reader.AddSeals(MemorySeals.Shrink));

        // A mapping through it is in nobody's way.
        using var mapping = reader.Map();
        memory.AddSeals(MemorySeals.Write);
        Assert.True(reader.Seals.HasFlag(MemorySeals.Write));
    }

    [Theory]
    [InlineData(MemorySeals.Write)]
    [InlineData(MemorySeals.FutureWrite)]
    [Rule("seals.private")]
    public void Maps_privately_where_the_kernel_refuses_a_shared_mapping_for_reading(MemorySeals seal)
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(4096);
            memory.Write("same"u8, 0);
            memory.AddSeals(seal);
            platform.Arm("mmap", Errno.EPERM);
            using var mapping = memory.Map(new() { Access = FileAccess.Read });
            Assert.True(platform.Fired);
            Assert.True(mapping.GetReadOnlySpan(0, 4).SequenceEqual("same"u8));
            Assert.Contains(" r--p ", Assert.Single(Held.Mappings(memory)), StringComparison.Ordinal);

            // Not for another reason, and not for writing.
            platform.Arm("mmap", Errno.ENOMEM);
            Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => memory.Map(new() { Access = FileAccess.Read })).Errno);
            platform.Arm(null);
            Assert.Equal(Errno.EPERM, Assert.Throws<SharedMemoryException>(() => memory.Map(new() { Access = FileAccess.ReadWrite })).Errno);
        }
    }

    [Fact]
    [Rule("seals.tail")]
    public void Growing_an_object_sealed_against_writing_exposes_zeros_or_is_refused()
    {
        using var clean = SharedMemoryObject.CreateAnonymous(5000);
        clean.AddSeals(MemorySeals.Write);
        clean.SetLength(9000);
        var bytes = new byte[4000];
        Assert.Equal(4000, clean.Read(bytes, 5000));
        Assert.False(bytes.AsSpan().ContainsAnyExcept((byte)0));

        using var dirty = SharedMemoryObject.CreateAnonymous(5000);
        StoreBehindEnd(dirty);
        dirty.AddSeals(MemorySeals.Write);
        foreach (var backing in Enum.GetValues<Backing>())
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => dirty.SetLength(9000, backing));
            Assert.Equal(Errno.EPERM, refusal.Errno);
            Assert.Contains("past its end", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(5000, dirty.Length);
        }
    }

    [Fact]
    [Rule("seals.stable")]
    public void A_mapping_is_stable_as_far_as_the_object_reached_when_it_was_sealed()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(3 * 4096);
        using var other = Duplicate(memory);
        using var whole = memory.Map();
        using var start = memory.Map(0, 4096);
        Assert.False(whole.IsStable);
        other.SetLength(4096);
        other.AddSeals(MemorySeals.Shrink);
        Assert.False(whole.IsStable);
        Assert.True(start.IsStable);
        Assert.True(whole.Refresh());
        Assert.True(whole.IsStable);
        memory.SetLength(2 * 4096);
        Assert.True(whole.Refresh());
        Assert.True(whole.IsStable);
        Span<byte> read = stackalloc byte[4];
        whole.GetSpan()[8000] = 8;
        Assert.True(whole.TryRead(8000, read));
        Assert.Equal(8, read[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => whole.TryRead(8190, new byte[4]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("seals.stable")]
    public void A_mapping_stays_stable_when_its_object_is_disposed(bool sealsFirst)
    {
        var memory = SharedMemoryObject.CreateAnonymous(4096);
        if (sealsFirst)
        {
            memory.AddSeals(MemorySeals.Shrink);
        }

        using var mapping = memory.Map();
        if (!sealsFirst)
        {
            memory.AddSeals(MemorySeals.Shrink);
        }

        memory.Dispose();
        Assert.True(mapping.IsStable);
        using var unsealed = MapOnly();
        Assert.False(unsealed.IsStable);
    }

    [Fact]
    [Rule("seals.stable")]
    public async Task IsStable_never_throws_while_the_object_is_disposed()
    {
        for (var round = 0; round < 2000; round++)
        {
            var memory = SharedMemoryObject.CreateAnonymous(4096);
            using var mapping = memory.Map();
            var disposing = Task.Run(memory.Dispose);
            while (!disposing.IsCompleted)
            {
                Assert.False(mapping.IsStable);
            }

            await disposing;
        }
    }

    [Fact]
    [Rule("seals.stable")]
    public void TryRead_of_a_stable_mapping_makes_no_system_call()
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(4096);
            using var mapping = memory.Map();
            memory.AddSeals(MemorySeals.Shrink);
            platform.Arm(null);
            Assert.True(mapping.TryRead(0, new byte[100]));
            Assert.Empty(platform.Calls);
        }
    }

    private static MemoryMapping MapOnly()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        return memory.Map();
    }

    private static SharedMemoryObject Duplicate(SharedMemoryObject memory, FileAccess access = FileAccess.ReadWrite) => SharedMemoryObject.FromHandle(
        Native.Open($"/proc/self/fd/{memory.SafeFileHandle.DangerousGetHandle()}", access == FileAccess.Read ? Native.O_RDONLY : Native.O_RDWR));

    /// <summary>Stores in the last page, where the mapping reaches and the object does not.</summary>
    private static unsafe void StoreBehindEnd(SharedMemoryObject memory)
    {
        using var mapping = memory.Map();
        // SAFETY: pages are mapped whole.
        mapping.DangerousGetPointer()[memory.Length] = 1;
    }

    private static void Expect(MemorySeals refusing, Errno errno, Action act)
    {
        if (refusing == MemorySeals.None)
        {
            act();
            return;
        }

        var refusal = Assert.Throws<SharedMemoryException>(act);
        Assert.Equal(errno, refusal.Errno);
        foreach (var (seal, name) in new[]
                 {
                     (MemorySeals.Shrink, "F_SEAL_SHRINK"), (MemorySeals.Grow, "F_SEAL_GROW"), (MemorySeals.Write, "F_SEAL_WRITE"), (MemorySeals.FutureWrite, "F_SEAL_FUTURE_WRITE"),
                 })
        {
            Assert.Equal(refusing.HasFlag(seal), refusal.Message.Contains(name, StringComparison.Ordinal));
        }
    }
}
