using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class CreatingAnonymously
{
    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    [Fact]
    [Rule("anonymous.nameless")]
    public void Has_no_name_and_cannot_get_one()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(100);
        Assert.Null(memory.Name);
        Assert.True(memory.Utf8Name.IsEmpty);
        Assert.True(memory.IsUnlinked);
        Assert.Equal(0, memory.GetStatus().NameCount);
        Assert.DoesNotContain(SharedMemoryDirectory.Enumerate(), entry => entry.Identity == memory.GetStatus().Identity);
        using var name = new TemporaryName();
        Assert.Throws<InvalidOperationException>(() => memory.Publish(name));
        Assert.Throws<InvalidOperationException>(memory.Unlink);
        Assert.Throws<InvalidOperationException>(() => new NameOwner(memory));
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("anonymous.ends")]
    public void Lives_as_long_as_a_descriptor_or_a_mapping()
    {
        var debugName = $"ends-{Guid.NewGuid():N}";
        var memory = SharedMemoryObject.CreateAnonymous(5000, new() { DebugName = debugName });
        var identity = memory.GetStatus().Identity;
        var mapping = memory.Map();
        mapping.GetSpan()[4999] = 7;
        memory.Dispose();
        Assert.Empty(Held.Descriptors(debugName));
        Assert.Single(Held.Mappings(identity));
        Assert.Equal(7, mapping.GetReadOnlySpan()[4999]);
        mapping.Dispose();
        Assert.Empty(Held.Mappings(identity));
    }

    [Fact]
    [Rule("anonymous.whole")]
    public void Creates_an_object_that_works_like_a_named_one()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(10_000);
        Assert.Equal(FileAccess.ReadWrite, memory.Access);
        Assert.Equal(12288, memory.GetStatus().AllocatedBytes);
        memory.Write("frame"u8, 9_995);
        Span<byte> read = stackalloc byte[10];
        Assert.Equal(5, memory.Read(read, 9_995));
        using var mapping = memory.Map(new() { AddressSpace = 1 << 20 });
        Assert.True(mapping.GetReadOnlySpan(9_995, 5).SequenceEqual("frame"u8));
        memory.SetLength(500_000);
        Assert.True(mapping.Refresh());
        Assert.Equal(500_000, mapping.Length);
        memory.Discard(0, 8192);

        // Before 6.5 the kernel reports what was written, not what was reserved.
        var end = Environment.OSVersion.Version < new Version(6, 5) ? 12288 : 500_000;
        Assert.Equal([new(8192, end - 8192)], memory.GetAllocatedRanges());
        memory.Reserve(0, 8192);
        using (var copy = SharedMemoryObject.CreateAnonymous())
        {
            Assert.Equal(0, copy.Length);
            Assert.Throws<InvalidOperationException>(() => copy.Map());
            Assert.Equal(500_000, memory.CopyTo(copy.SafeFileHandle));
            Assert.Equal(5, copy.Read(read[..5], 9_995));
            Assert.True(read[..5].SequenceEqual("frame"u8));
        }

        memory.Permissions = SharedMemoryOptions.OwnerOnly;
        Assert.Equal(SharedMemoryOptions.OwnerOnly, memory.Permissions);
        mapping.Dispose();
        memory.SetLength(0);
        Assert.Equal(0, memory.Length);
    }

    [Fact]
    [Rule("anonymous.whole")]
    public void Sparse_allocates_no_memory_and_accepts_any_length()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(1L << 40, new() { Backing = Backing.Sparse });
        Assert.Equal(0, memory.GetStatus().AllocatedBytes);
        memory.Write("x"u8, 1L << 39);
        Assert.Equal(4096, memory.GetStatus().AllocatedBytes);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("")]
    [InlineData("Größe / 大")]
    [Rule("anonymous.debugname")]
    public void Shows_its_debug_name_in_proc(string name)
    {
        // 249 bytes: the longest there are, with the name in front.
        var unique = name + Guid.NewGuid().ToString("N");
        unique += new string('x', 249 - System.Text.Encoding.UTF8.GetByteCount(unique));
        using var memory = SharedMemoryObject.CreateAnonymous(1, new() { DebugName = unique });
        using var mapping = memory.Map();
        Assert.Single(Held.Descriptors($"/memfd:{unique}"));
        Assert.Contains($"/memfd:{unique} (deleted)", Assert.Single(Held.Mappings(memory)), StringComparison.Ordinal);
    }

    [Fact]
    [Rule("anonymous.debugname")]
    public void Refuses_an_invalid_debug_name_before_any_call()
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            foreach (var name in (string?[])[new('x', 250), new('é', 125), "a\0b", "\uD800", null])
            {
                Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.CreateAnonymous(1, new() { DebugName = name! }));
            }

            Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.CreateAnonymous(-1));
            Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.CreateAnonymous(1, new() { HugePages = (HugePageSize)17 }));
            Assert.ThrowsAny<ArgumentException>(() => SharedMemoryObject.CreateAnonymous(1, new() { Backing = (Backing)7 }));
        }

        Assert.Empty(platform.Calls);
    }

    [Fact]
    [Rule("anonymous.cloexec")]
    public void Gives_a_descriptor_that_ends_with_exec()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(1);
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(memory.SafeFileHandle, Native.F_GETFD));
    }

    [SkippableFact]
    [Rule("anonymous.noexec")]
    [Rule("seals.exec")]
    public void Is_not_executable_and_cannot_become_so()
    {
        SkipBefore(6, 3);
        using var memory = SharedMemoryObject.CreateAnonymous(1);
        Assert.Equal(UnixFileMode.None, memory.Permissions & Execute);
        Assert.Equal(MemorySeals.Exec, memory.Seals);
        var refusal = Assert.Throws<SharedMemoryException>(() => memory.Permissions = UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal(Errno.EPERM, refusal.Errno);
        Assert.Contains("F_SEAL_EXEC", refusal.Message, StringComparison.Ordinal);
        memory.Permissions = UnixFileMode.UserRead;
        Assert.Equal(UnixFileMode.UserRead, memory.Permissions);
    }

    [SkippableFact]
    [Rule("anonymous.executable")]
    public void Is_executable_if_requested()
    {
        SkipBefore(6, 3);
        Skip.IfNot(MemfdNoexec() is "0" or "1", "vm.memfd_noexec is 2 on this machine: nothing may be executable.");
        using var memory = SharedMemoryObject.CreateAnonymous(1, new() { Executable = true });
        Assert.Equal(Execute, memory.Permissions & Execute);
        Assert.Equal(MemorySeals.None, memory.Seals);
        using var plain = SharedMemoryObject.CreateAnonymous(1, new() { Executable = true, AllowSealing = false });
        Assert.Equal(MemorySeals.Seal, plain.Seals);
    }

    [SkippableTheory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    [Rule("anonymous.executable")]
    public void Does_not_depend_on_vm_memfd_noexec(string level)
    {
        SkipBefore(6, 3);
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        Skip.If(string.CompareOrdinal(MemfdNoexec(), level) > 0, "vm.memfd_noexec is higher on this machine, and cannot be lowered.");
        // The setting belongs to the namespace of process numbers.
        using var peer = Peer.Run(
            "unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c",
            $"echo {level} > /proc/sys/vm/memfd_noexec && '{Peer.Program}' act");
        Assert.Equal("ok Exec; OtherWrite, OtherRead, GroupWrite, GroupRead, UserWrite, UserRead", peer.Ask("create-anonymous 5000"));
        Assert.Equal("ok Seal, Exec; OtherWrite, OtherRead, GroupWrite, GroupRead, UserWrite, UserRead", peer.Ask("create-anonymous 5000 Unsealable"));
        var executable = peer.Ask("create-anonymous 5000 Executable");
        if (level == "2")
        {
            Assert.StartsWith("EACCES memfd_create: Permission denied (EACCES): vm.memfd_noexec is 2", executable, StringComparison.Ordinal);
        }
        else
        {
            Assert.StartsWith("ok None; OtherExecute", executable, StringComparison.Ordinal);
        }

        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Fact]
    [Rule("anonymous.oldkernel")]
    public void On_a_kernel_before_6_3_it_calls_again_and_removes_execute_permission_itself()
    {
        var platform = ScriptedPlatform.InTurn("memfd_create", Errno.EINVAL);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(5000);
            Assert.Equal(UnixFileMode.None, memory.Permissions & Execute);
            memory.AddSeals(MemorySeals.Shrink);
            Assert.True(memory.Seals.HasFlag(MemorySeals.Shrink));
        }

        Assert.Equal(2, platform.CountOf("memfd_create"));
        foreach (var errno in (Errno[])[Errno.EPERM, Errno.EMFILE, Errno.ENOMEM, Errno.ENOSYS])
        {
            var refusing = ScriptedPlatform.InTurn("memfd_create", errno);
            using (Platform.Substitute(refusing))
            {
                Assert.ThrowsAny<Exception>(() => SharedMemoryObject.CreateAnonymous(5000));
            }

            Assert.Equal(1, refusing.CountOf("memfd_create"));
        }
    }

    [SkippableFact]
    [Rule("anonymous.oldkernel")]
    public void Is_unsealable_on_a_kernel_before_6_3_without_an_additional_call()
    {
        Skip.IfNot(MemfdNoexec() is "0" or null, "vm.memfd_noexec is set on this machine: what has no flag becomes sealable.");
        var platform = ScriptedPlatform.InTurn("memfd_create", Errno.EINVAL);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.CreateAnonymous(5000, new() { AllowSealing = false });
            Assert.Equal(MemorySeals.Seal, memory.Seals);
        }
    }

    [Fact]
    [Rule("anonymous.filtered")]
    public void Says_what_to_use_where_there_is_no_memfd_create()
    {
        using (Platform.Substitute(new ScriptedPlatform("memfd_create", Errno.ENOSYS)))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(() => SharedMemoryObject.CreateAnonymous(1));
            Assert.Contains("CreateUnpublished", refusal.Message, StringComparison.Ordinal);
        }

        using (Platform.Substitute(new ScriptedPlatform("memfd_create", Errno.EPERM)))
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.CreateAnonymous(1));
            Assert.Contains("seccomp", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("anonymous.sealable")]
    public void Without_sealing_it_is_sealed_against_seals()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(100, new() { AllowSealing = false });
        Assert.True(memory.Seals.HasFlag(MemorySeals.Seal));
        Assert.Equal(Errno.EPERM, Assert.Throws<SharedMemoryException>(() => memory.AddSeals(MemorySeals.Grow)).Errno);
    }

    [Fact]
    [Rule("anonymous.reserved")]
    public void Refuses_at_once_more_memory_than_the_machine_has()
    {
        var asked = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * 4;
        var refusal = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.CreateAnonymous(asked));
        Assert.Equal(Errno.ENOMEM, refusal.Errno);
        Assert.Contains(asked.ToString(CultureInfo.InvariantCulture), refusal.Message, StringComparison.Ordinal);
        using var memory = SharedMemoryObject.CreateAnonymous(5000);
        Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => memory.SetLength(asked)).Errno);
        Assert.Equal(5000, memory.Length);
    }

    [SkippableFact]
    [Rule("anonymous.reserved")]
    [Rule("length.memory")]
    public void Refuses_more_than_a_control_group_allows_and_the_process_lives()
    {
        using var group = TemporaryControlGroup.TryCreate(200 << 20, out var obstacle);
        Skip.If(group is null, obstacle);
        using var name = new TemporaryName();
        using (var peer = group.Start("act"))
        {
            string[] acts = [$"create-anonymous {200 << 20}", $"create-anonymous {1 << 30}"];
            // In a small /dev/shm the file system refuses the named object first.
            acts = SharedMemoryDirectory.GetUsage().AvailableBytes > 200 << 20 ? [.. acts, $"create {name} {200 << 20}"] : acts;
            foreach (var act in acts)
            {
                var answer = peer.Ask(act);
                Assert.StartsWith("ENOMEM fallocate", answer, StringComparison.Ordinal);
                Assert.Contains("control group", answer, StringComparison.Ordinal);
            }

            Assert.StartsWith("ok", peer.Ask($"create-anonymous {100 << 20}"), StringComparison.Ordinal);
            Assert.Equal($"ok {100 << 20}", peer.Ask("allocated"));
            Assert.StartsWith("ENOMEM fallocate", peer.Ask($"set-length {200 << 20}"), StringComparison.Ordinal);
            Assert.Equal($"ok {100 << 20}", peer.Ask("length"));

            // What is there already, elsewhere in the object, does not make a request smaller.
            Assert.StartsWith("ok", peer.Ask($"set-length {300 << 20} Sparse"), StringComparison.Ordinal);
            Assert.StartsWith("ENOMEM fallocate", peer.Ask($"reserve {100 << 20} {100 << 20}"), StringComparison.Ordinal);
            Assert.StartsWith("ok", peer.Ask($"reserve 0 {100 << 20}"), StringComparison.Ordinal);
            Assert.Equal(0, peer.Finish().ExitCode);
        }

        Assert.False(name.Exists);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - 4096)]
    [InlineData(long.MaxValue - (3 << 20))]
    [InlineData(long.MaxValue - (5 << 20))]
    [InlineData(1L << 50)]
    [Rule("anonymous.reserved")]
    public void Refuses_a_length_that_no_machine_has_without_a_system_call(long length)
    {
        var platform = new ScriptedPlatform("fallocate", Errno.EIO, 0);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.CreateAnonymous();
            Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => memory.SetLength(length)).Errno);
            Assert.False(platform.Fired);
        }
    }

    [SkippableTheory]
    [InlineData(3 << 20)]
    [InlineData(300_000)]
    [Rule("anonymous.reserved")]
    [Rule("length.memory")]
    public void Refuses_small_steps_that_together_exceed_the_limit_of_a_control_group(int step)
    {
        using var group = TemporaryControlGroup.TryCreate(150 << 20, out var obstacle);
        Skip.If(group is null, obstacle);
        using var peer = group.Start("act");
        Assert.StartsWith("ok", peer.Ask("create-anonymous 0"), StringComparison.Ordinal);
        var answer = "ok";
        long length = 0;
        for (; answer == "ok" && length < 200 << 20; length += step)
        {
            answer = peer.Ask($"set-length {length + step}");
        }

        Assert.StartsWith("ENOMEM fallocate", answer, StringComparison.Ordinal);
        Assert.Equal($"ok {length - step}", peer.Ask("length"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Fact]
    [Rule("anonymous.foreign")]
    public void FromHandle_accepts_memory_created_by_MemoryMappedFile()
    {
#pragma warning disable RS0030 // What the base library makes is what is taken over here.
        using var file = MemoryMappedFile.CreateNew(null, 5000);
        using var descriptor = new SafeFileHandle(file.SafeMemoryMappedFileHandle.DangerousGetHandle(), ownsHandle: false);
        using var memory = SharedMemoryObject.FromHandle(descriptor);
        Assert.Equal(5000, memory.Length);
        using var view = file.CreateViewAccessor();
        memory.Write([42], 4999);
        Assert.Equal(42, view.ReadByte(4999));
        using var mapping = memory.Map();
        view.Write(0, 0x01020304);
        Assert.Equal(0x01020304, MemoryMarshal.Read<int>(mapping.GetReadOnlySpan()));
#pragma warning restore RS0030
    }

    private static void SkipBefore(int major, int minor) =>
        Skip.If(Environment.OSVersion.Version < new Version(major, minor), $"This kernel is older than {major}.{minor}.");

    private static string? MemfdNoexec() => File.Exists("/proc/sys/vm/memfd_noexec") ? File.ReadAllText("/proc/sys/vm/memfd_noexec").Trim() : null;
}
