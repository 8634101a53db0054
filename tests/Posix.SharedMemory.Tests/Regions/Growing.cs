using System.Globalization;

namespace Posix.SharedMemory.Tests.Regions;

public sealed class Growing
{
    private static readonly int s_page = Environment.SystemPageSize;

    [SkippableTheory]
    [InlineData(false, 0)]
    [InlineData(false, 64 << 20)]
    [InlineData(true, 0)]
    [InlineData(true, 64 << 20)]
    [Rule("region.resize")]
    [Rule("region.fixed")]
    public unsafe void Growing_keeps_the_bytes_and_other_processes_follow(bool onDisk, long addressSpace)
    {
        using var directory = Directories.Make(onDisk);
        using var region = MappedRegion.Create(directory.File(), 100, FileCleanup.OnDispose, new() { AddressSpace = addressSpace });
        using var peer = Peer.Start("region-act", directory.File());
        Assert.Equal("ready", peer.ReadLine());
        Assert.Equal("ok", peer.Ask("attach"));
        var start = (nint)region.Mapping.DangerousGetPointer();
        var first = region.Mapping;
        region.Mapping.GetSpan().Fill(5);
        long before = 100;
        foreach (var length in (long[])[101, s_page, s_page + 1, (5 * s_page) - 3, 3 << 20, (40 << 20) + 11])
        {
            region.Resize(length);
            Assert.Equal((length, length), (region.Length, new FileInfo(directory.File()).Length));
            Assert.False(region.Mapping.GetReadOnlySpan(0, (int)before).ContainsAnyExcept((byte)5));
            Assert.False(region.Mapping.GetReadOnlySpan(before, (int)(length - before)).ContainsAnyExcept((byte)0));
            region.Mapping.GetSpan().Fill(5);
            Assert.Equal("grown", peer.Ask("follow"));
            Assert.Equal("same", peer.Ask("follow"));
            Assert.Equal("yes", peer.Ask("sees 5"));
            Assert.False(region.CheckAndRemap());
            before = length;
        }

        Assert.Equal(addressSpace > 0, start == (nint)region.Mapping.DangerousGetPointer());
        Assert.Equal(addressSpace > 0, first == region.Mapping);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Fact]
    [Rule("region.resize")]
    public void The_same_length_has_no_effect_and_a_smaller_one_is_refused()
    {
        using var directory = TemporaryDirectory.InMemory();
        var platform = new ScriptedPlatform();
        MappedRegion region;
        using (Platform.Substitute(platform))
        {
            region = MappedRegion.Create(directory.File(), 5000, FileCleanup.OnDispose);
        }

        using (region)
        {
            region.Mapping.GetSpan().Fill(1);
            var mapping = region.Mapping;
            platform.Arm(null);
            region.Resize(5000);
            Assert.Empty(platform.Calls);
            foreach (var length in (long[])[4999, 1, 0, -1, long.MinValue])
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => region.Resize(length));
            }

            Assert.Same(mapping, region.Mapping);
            Assert.Equal(5000, File.ReadAllBytes(directory.File()).Sum(value => value));
        }
    }

    [Fact]
    [Rule("region.resize")]
    public void A_growth_that_fails_changes_nothing()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var region = MappedRegion.Create(directory.File(), 5000, FileCleanup.OnDispose);
        var mapping = region.Mapping;
        var error = Assert.Throws<SharedMemoryException>(() => region.Resize(1L << 60));
        Assert.Matches("ENOSPC|ENOMEM|EFBIG", error.Errno.ToString());
        Assert.Same(mapping, region.Mapping);
        Assert.Equal((5000L, 5000L), (region.Length, new FileInfo(directory.File()).Length));
        mapping.GetSpan().Fill(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [Rule("region.fixed")]
    [Rule("lease.holds")]
    public unsafe void Beyond_the_address_space_the_mapping_is_a_new_one_and_leases_see_the_same_bytes(int pages)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var region = MappedRegion.Create(directory.File(), 100, FileCleanup.OnDispose, new() { AddressSpace = 8L * pages * s_page });
        region.Resize(Math.Max(1, 8 * pages) * s_page);
        var former = region.Mapping;
        using (var lease = former.Acquire())
        {
            using var owner = former.GetMemory(50, 10);
            region.Resize(100 * s_page);
            Assert.NotSame(former, region.Mapping);
            Assert.Equal(100L * s_page, region.Length);
            Assert.Throws<ObjectDisposedException>(() => former.GetSpan());
            Assert.Throws<ObjectDisposedException>(() => former.Acquire().Dispose());
            lease.Span[50] = 1;
            region.Mapping.GetSpan()[51] = 2;
            Assert.Equal((1, 2), (region.Mapping.GetSpan()[50], lease.Span[51]));
            Assert.Equal((1, 2), (owner.Memory.Span[0], owner.Memory.Span[1]));
        }

        // With the last lease the former mapping is gone.
        Assert.Single(Held.Lines("maps"), line => line.Contains(directory.Path, StringComparison.Ordinal));
    }

    [Fact]
    [Rule("region.follow")]
    public void CheckAndRemap_changes_no_file_and_leaves_the_mapping_of_a_file_that_was_cut()
    {
        using var directory = TemporaryDirectory.InMemory();
        var platform = new ScriptedPlatform();
        MappedRegion region;
        using (Platform.Substitute(platform))
        {
            region = MappedRegion.Create(directory.File(), 3 * s_page, FileCleanup.OnDispose);
        }

        using (region)
        {
            using var other = MappedRegion.Attach(directory.File());
            other.Resize(9 * s_page);
            platform.Arm(null);
            Assert.True(region.CheckAndRemap());
            Assert.False(region.CheckAndRemap());
            var file = new OpenObject(region.SafeFileHandle, default);
            Platform.Linux(SystemCalls.Real).Backing.SetLength(file, s_page);
            Assert.False(region.CheckAndRemap());
            Assert.Equal(9L * s_page, region.Length);
            Assert.DoesNotContain(platform.Calls, call => call is "ftruncate" or "fallocate" or "pwrite");
            Assert.Equal(s_page, new FileInfo(directory.File()).Length);
            Assert.False(region.Mapping.TryRead(s_page, new byte[1]));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("region.follow")]
    [Rule("region.fixed")]
    public void Growth_by_another_process_between_two_reads_of_the_length_is_adopted(bool resize)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var other = MappedRegion.Create(directory.File(), s_page, FileCleanup.OnDispose);
        // A program that knows nothing of the lock for growers lengthens the file, out of the room there is, at each of the looks in turn.
        for (var look = 1; ; look++)
        {
            var platform = ScriptedPlatform.Before("statx", look, () => Lengthen(directory.File(), 2 * s_page));
            MappedRegion region;
            using (Platform.Substitute(platform))
            {
                // One page of room: what is there is to fit, and what the neighbour adds is not.
                region = MappedRegion.Attach(directory.File(), new() { AddressSpace = other.Length + s_page });
            }

            using (region)
            {
                other.CheckAndRemap();
                other.Resize(other.Length + s_page);
                if (resize)
                {
                    region.Resize(Math.Max(region.Length, other.Length));
                }
                else
                {
                    region.CheckAndRemap();
                }

                region.CheckAndRemap();
                other.CheckAndRemap();
                Assert.Equal(other.Length, region.Length);
                region.Mapping.GetSpan()[^1] = 1;
            }

            if (!platform.Fired)
            {
                Assert.True(look > 3, "The neighbour never acted in the middle.");
                return;
            }
        }
    }

    [SkippableTheory]
    [InlineData(false, 0, Backing.Sparse, 3000)]
    [InlineData(false, 1L << 34, Backing.Sparse, 5000)]
    [InlineData(false, 1L << 34, Backing.Reserved, 3000)]
    [InlineData(false, 50_000, Backing.Reserved, 2000)]
    [InlineData(true, 0, Backing.Reserved, 1000)]
    [InlineData(true, 1L << 34, Backing.Sparse, 2000)]
    [Rule("region.follow")]
    [Rule("region.resize")]
    public void Two_processes_grow_one_region_and_no_byte_is_lost(bool onDisk, long addressSpace, Backing backing, int usual)
    {
        var rounds = Effort.GrowRounds(usual);
        using var directory = Directories.Make(onDisk);
        using var region = MappedRegion.Create(directory.File(), 24, FileCleanup.OnDispose);
        region.Mapping.GetReference<long>(0) = 24;
        using Peer first = Start("1"), second = Start("2");
        first.Tell("go");
        second.Tell("go");
        var interleaved = (long.Parse(first.ReadLine(), CultureInfo.InvariantCulture), long.Parse(second.ReadLine(), CultureInfo.InvariantCulture));
        Assert.True(interleaved.Item1 > rounds / 100 && interleaved.Item2 > rounds / 100, $"They seldom grew in turns: {interleaved}.");
        var whole = $"1:{rounds} 2:{rounds}";
        Assert.Equal((whole, whole), (first.Ask("check"), second.Ask("check")));
        Assert.Equal((0, 0), (first.Finish().ExitCode, second.Finish().ExitCode));
        Assert.True(region.CheckAndRemap());
        Assert.Equal(region.Mapping.GetReference<long>(0), new FileInfo(directory.File()).Length);

        Peer Start(string number)
        {
            var peer = Peer.Start("region-grow", directory.File(), number, $"{rounds}", $"{addressSpace}", $"{backing}");
            Assert.Equal("ready", peer.ReadLine());
            return peer;
        }
    }

    [Fact]
    [Rule("region.resize")]
    public async Task Threads_that_resize_and_follow_at_once_agree()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var region = MappedRegion.Create(directory.File(), 10, FileCleanup.OnDispose, new() { Backing = Backing.Sparse });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            for (var round = 1; round <= 1000; round++)
            {
                try
                {
                    region.Resize(10 + (round * 997L));
                }
                catch (ArgumentOutOfRangeException)
                {
                    // Another thread was further.
                }

                region.CheckAndRemap();
            }
        })));
        Assert.Equal((997_010L, 997_010L), (region.Length, new FileInfo(directory.File()).Length));
        Assert.Single(Held.Lines("maps"), line => line.Contains(directory.Path, StringComparison.Ordinal));
    }

    /// <remarks>That the bytes outlive a loss of power cannot be tested here; that they reach the file, and outlive every process, can.</remarks>
    [SkippableFact]
    [Rule("region.durable")]
    [Rule("flush.range")]
    public void On_a_persistent_file_system_the_contents_outlive_all_users()
    {
        using var directory = Directories.Make(onDisk: true);
        using (var peer = Peer.Start("region-act", directory.File()))
        {
            Assert.Equal("ready", peer.ReadLine());
            Assert.Equal("ok", peer.Ask($"create {3 * s_page} OnDispose"));
            Assert.Equal("ok", peer.Ask("fill 42"));
            Assert.Equal("ok", peer.Ask("flush"));
            Assert.Equal("ok", peer.Ask("release"));
            peer.Kill();
        }

        Assert.Equal(42L * 3 * s_page, File.ReadAllBytes(directory.File()).Sum(value => (long)value));
        using var region = MappedRegion.Attach(directory.File());
        region.Resize(5 * s_page);
        Assert.False(region.Mapping.GetReadOnlySpan(0, 3 * s_page).ContainsAnyExcept((byte)42));
        region.Mapping.GetSpan()[^1] = 43;
        region.Mapping.Flush(0, region.Length);
        Assert.Equal(43, File.ReadAllBytes(directory.File())[^1]);
    }

    private static void Lengthen(string path, long by)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.SetLength(stream.Length + by);
    }
}
