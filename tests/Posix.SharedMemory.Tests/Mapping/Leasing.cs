using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class Leasing
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    [Rule("lease.holds")]
    public void The_bytes_stay_until_the_last_lease_is_gone()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 2 * s_page);
        var mapping = memory.Map(10, 100);
        var first = mapping.Acquire();
        var second = mapping.Acquire();
        Watchdog.Run(
            () =>
            {
                mapping.Dispose();
                return 0;
            },
            "a dispose that does not wait for leases");
        Assert.Single(Held.Mappings(memory));
        Assert.Equal((100L, 100, 100), (first.Length, first.Span.Length, first.ReadOnlySpan.Length));
        first.Span[0] = 1;
        first.GetReference<short>(2) = 2;
        first.Dispose();
        Assert.Equal((1, 2), (second.ReadOnlySpan[0], second.GetReadOnlySpan(2, 1)[0]));
        second.GetSpan(99, 1)[0] = 3;
        second.Dispose();
        Assert.Empty(Held.Mappings(memory));
        var stored = new byte[1];
        memory.Read(stored, 109);
        Assert.Equal(3, stored[0]);
    }

    [Fact]
    [Rule("lease.holds")]
    [Rule("map.disposed")]
    public async Task Threads_that_borrow_while_others_dispose_find_the_bytes_or_an_exception()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        memory.Write([7], 77);
        var current = memory.Map();
        long rounds = 0, refused = 0;
        var ended = false;
        var borrowers = Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(
            () =>
            {
                while (!Volatile.Read(ref ended))
                {
                    var mapping = Volatile.Read(ref current);
                    try
                    {
                        for (var inner = 0; inner < 1000; inner++)
                        {
                            using var lease = mapping.Acquire();
                            Assert.Equal(7, lease.GetReadOnlySpan(77, 1)[0]);
                            Interlocked.Increment(ref lease.GetReference<long>(0));
                            Interlocked.Increment(ref rounds);
                        }
                    }
                    catch (ObjectDisposedException)
                    {
                        Interlocked.Increment(ref refused);
                    }
                }
            },
            TaskCreationOptions.LongRunning)).ToArray();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < Effort.StressSeconds || Volatile.Read(ref rounds) < 100_000 || Volatile.Read(ref refused) == 0)
        {
            Assert.True(clock.Elapsed.TotalSeconds < Effort.StressSeconds + Watchdog.Limit.TotalSeconds, $"{rounds} rounds, {refused} refused.");
            // A lease of our own, now and then, is the last one or is not.
            var former = Interlocked.Exchange(ref current, memory.Map());
            using var lease = former.Acquire();
            former.Dispose();
            Assert.Equal(7, lease.GetReadOnlySpan(77, 1)[0]);
        }

        Volatile.Write(ref ended, true);
        await Task.WhenAll(borrowers);
        Assert.Equal(rounds, current.GetReference<long>(0));
        current.Dispose();
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("lease.holds")]
    public void Threads_that_dispose_one_mapping_at_once_unmap_it_once()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        for (var round = 0; round < 2000; round++)
        {
            using var kept = memory.Map();
            var mapping = memory.Map();
            using var other = memory.Map();
            Parallel.Invoke(mapping.Dispose, mapping.Dispose, other.Dispose);
            kept.GetSpan()[0]++;
            // The object's list of mappings is whole: it still refuses to cut what is mapped.
            Assert.Throws<InvalidOperationException>(() => memory.SetLength(1));
        }

        memory.SetLength(1);
        Assert.Empty(Held.Mappings(memory));
    }

    [SkippableFact]
    [Rule("lease.compiler")]
    public void The_compiler_refuses_to_let_a_span_out_of_its_lease()
    {
        Assert.Empty(Compile(
            "long A(MemoryMapping m) { using var lease = m.Acquire(); lease.Span[0] = 1; return lease.Length; }",
            "int B(MemoryMapping m) { using var lease = m.Acquire(); Span<byte> s = lease.GetSpan(0, 9); return s[0] + lease.GetReference<int>(0); }"));
        string[] escaping =
        [
            "Span<byte> A(MemoryMapping m) { using var lease = m.Acquire(); return lease.Span; }",
            "Span<byte> B(MemoryMapping m) { using var lease = m.Acquire(); var span = lease.Span; return span; }",
            "ReadOnlySpan<byte> C(MemoryMapping m) { using var lease = m.Acquire(); return lease.ReadOnlySpan; }",
            "Span<byte> D(MemoryMapping m) { using var lease = m.Acquire(); return lease.GetSpan(0, 1); }",
            "ReadOnlySpan<byte> E(MemoryMapping m) { using var lease = m.Acquire(); return lease.GetReadOnlySpan(0, 1).Slice(1); }",
            "ref int F(MemoryMapping m) { using var lease = m.Acquire(); return ref lease.GetReference<int>(0); }",
            "void G(MemoryMapping m, out Span<byte> span) { using var lease = m.Acquire(); span = lease.Span; }",
        ];

        // One error in each line, and it is about references that leave their scope.
        var errors = Compile(escaping);
        Assert.All(errors, error => Assert.Matches("error CS(8168|8347|8352):", error));
        Assert.Equal(escaping.Length, errors.Select(error => error[..error.IndexOf(',', StringComparison.Ordinal)]).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    [Rule("lease.memory")]
    public void Memory_keeps_its_bytes_mapped_until_its_owner_is_disposed()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var mapping = memory.Map();
        var owner = mapping.GetMemory(8, 100);
        var borrowed = owner.Memory;
        mapping.Dispose();
        Assert.Single(Held.Mappings(memory));
        Assert.Equal(100, borrowed.Length);
        borrowed.Span[0] = 9;
        using (var pin = borrowed[1..].Pin())
        {
            unsafe
            {
                // SAFETY: pinned bytes of memory whose owner is alive.
                ((byte*)pin.Pointer)[0] = 10;
            }
        }

        var stored = new byte[2];
        memory.Read(stored, 8);
        Assert.Equal([9, 10], stored);
        owner.Dispose();
        owner.Dispose();
        Assert.Empty(Held.Mappings(memory));
        Assert.Throws<ObjectDisposedException>(() => borrowed.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => borrowed.Pin());
    }

    [Fact]
    [Rule("lease.memory")]
    public void Bounds_and_access_of_memory_are_checked_like_those_of_spans()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var mapping = memory.Map(0, 100);
        foreach (var (offset, length) in ((long, int)[])[(0, 101), (-1, 1), (101, 0), (1, -1), (long.MaxValue, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetMemory(offset, length));
        }

        using var reader = memory.Map(new() { Access = FileAccess.Read });
        Assert.Throws<InvalidOperationException>(() => reader.GetMemory(0, 1));
        mapping.Dispose();
        reader.Dispose();

        // A refusal takes no lease.
        Assert.Empty(Held.Mappings(memory));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("lease.after")]
    [Rule("map.disposed")]
    public void A_disposed_mapping_gives_no_lease_even_while_an_older_one_is_alive(bool older)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        var mapping = memory.Map(new() { AddressSpace = 4 * s_page });
        IDisposable? lease = older ? mapping.GetMemory(0, 1) : null;
        mapping.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mapping.Acquire().Dispose());
        Assert.Throws<ObjectDisposedException>(() => mapping.GetMemory(0, 1));
        Assert.Throws<ObjectDisposedException>(() => mapping.TryRead(0, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => mapping.TryWrite(0, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => mapping.Refresh());
        Assert.Throws<ObjectDisposedException>(() => mapping.Flush(0, 1));
        Assert.Throws<ObjectDisposedException>(() => mapping.Advise(MemoryAdvice.Normal, 0, 1));
        Assert.Throws<ObjectDisposedException>(mapping.Prefault);
        Assert.Throws<ObjectDisposedException>(() => mapping.CollapseToHugePages());
        Assert.Throws<ObjectDisposedException>(mapping.LockInMemory);
        Assert.Throws<ObjectDisposedException>(mapping.UnlockFromMemory);
        Assert.Throws<ObjectDisposedException>(() => mapping.Protect(FileAccess.Read));
        mapping.Dispose();
        lease?.Dispose();
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("lease.after")]
    public void A_lease_that_was_given_back_gives_no_bytes()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        var lease = mapping.Acquire();
        lease.Dispose();
        lease.Dispose();
        var refused = 0;
        try
        {
            lease.Span[0] = 1;
        }
        catch (ObjectDisposedException)
        {
            refused++;
        }

        Assert.Equal(1, refused);
        // Given back twice is given back once: the mapping is still there.
        mapping.GetSpan()[0] = 1;
    }

    [Fact]
    [Rule("lease.holds")]
    [Rule("map.readonly")]
    public void A_lease_of_a_read_only_mapping_is_read_only()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map(new() { Access = FileAccess.Read });
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var lease = mapping.Acquire();
            _ = lease.Span;
        });
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var lease = mapping.Acquire();
            _ = lease.GetReference<int>(0);
        });
        Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            using var lease = mapping.Acquire();
            _ = lease.GetReadOnlySpan(s_page - 1, 2);
        });
    }

    [Fact]
    [Rule("lease.free")]
    public void Borrowing_reading_and_writing_allocate_nothing()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        using var mapping = memory.Map();
        var bytes = new byte[64];
        Assert.Equal(0, Allocation.OfRounds(20_000, () => UseAll(mapping, bytes)));
        Assert.True(mapping.GetReference<long>(8) > 20_000);

        static void UseAll(MemoryMapping mapping, byte[] bytes)
        {
            using (var lease = mapping.Acquire())
            {
                lease.GetReference<long>(8)++;
                lease.Span[0]++;
            }

            mapping.GetSpan()[1]++;
            mapping.GetSpan<int>(4, 1)[0]++;
            _ = mapping.GetReadOnlySpan(0, 8)[1];
            mapping.GetReference<int>(16)++;
            if (!mapping.TryRead(0, bytes) || !mapping.TryWrite(128, bytes))
            {
                throw new InvalidOperationException("Bytes that exist could not be leased.");
            }
        }
    }

    /// <summary>Compiles static methods, each on a line of its own: the lines in which the compiler complains.</summary>
    private static string[] Compile(params string[] methods)
    {
        var runtime = RuntimeEnvironment.GetRuntimeDirectory();
        var root = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        var sdks = Path.Combine(root, "sdk");
        var compiler = !Directory.Exists(sdks) ? null : Directory.EnumerateDirectories(sdks, $"{Environment.Version.Major}.*")
            .Select(sdk => Path.Combine(sdk, "Roslyn", "bincore", "csc.dll")).FirstOrDefault(File.Exists);
        Skip.If(compiler is null, $"No SDK with a compiler under {sdks}.");
        var directory = Directory.CreateTempSubdirectory("compile").FullName;
        try
        {
            var source = Path.Combine(directory, "Snippet.cs");
            File.WriteAllLines(source, ["using System; using Posix.SharedMemory; public static class Snippet {", .. methods.Select(method => "public static " + method), "}"]);
            using var run = Peer.Run(
                Path.Combine(root, "dotnet"),
                "exec", compiler!, "-nologo", "-noconfig", "-nostdlib", "-target:library", $"-out:{Path.Combine(directory, "Snippet.dll")}",
                $"-r:{Path.Combine(runtime, "System.Private.CoreLib.dll")}", $"-r:{Path.Combine(runtime, "System.Runtime.dll")}",
                $"-r:{typeof(MemoryMapping).Assembly.Location}", source);
            var (exitCode, output, errors) = run.Finish();
            Assert.Equal("", errors);
            string[] complaints = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(complaints.Length > 0 ? 1 : 0, exitCode);
            return complaints;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
