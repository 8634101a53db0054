namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Has strace interrupt the calls of a real process.</summary>
public sealed class Interrupting
{
    [SkippableTheory]
    [InlineData("fallocate", "create NAME 3000001")]
    [InlineData("fchmod", "create NAME 5000 0640")]
    [InlineData("fallocate", "open HELD|set-length 3000001")]
    [InlineData("fallocate", "open HELD|reserve 0 5000")]
    [InlineData("openat on", "open HELD")]
    [InlineData("openat on", "open-or-create NAME 5000")]
    [InlineData("fallocate on", "open HELD|set-length 9001 Sparse")]
    [InlineData("ftruncate on", "open HELD|set-length 1")]
    [InlineData("fcntl on", "open HELD|set-length 9001")]
    [InlineData("pwrite64 on", "open HELD|write 100 4000 7")]
    [InlineData("pread64 on", "open HELD|sum")]
    [Rule("errors.interrupted")]
    public void Makes_an_interrupted_call_again(string call, string acts)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("eintr");
        using var held = new TemporaryName("eintr");
        using var memory = SharedMemoryObject.Create(held, 5000);
        var lines = acts.Split('|')
            .Select(act => act.Replace("NAME", name, StringComparison.Ordinal).Replace("HELD", held, StringComparison.Ordinal)).ToArray();
        string[] paths = call.EndsWith(" on", StringComparison.Ordinal) ? ["/dev/shm", name.Path, held.Path] : [];

        // The fcntl that asks for a lease is not among those that a signal interrupts: the lock is the third.
        var when = call.StartsWith("fcntl", StringComparison.Ordinal) ? "3..5" : "1..3";
        var (exitCode, output, log) = Traced.Act($"{call.Split(' ')[0]}:error=EINTR:when={when}", paths, lines);

        Assert.True(log.Contains("EINTR (Interrupted system call) (INJECTED)", StringComparison.Ordinal), $"Nothing was interrupted: {log}");
        Assert.Equal(0, exitCode);
        Assert.All(output.TrimEnd().Split('\n'), line => Assert.StartsWith("ok", line, StringComparison.Ordinal));
        Assert.Equal(lines.Length, output.TrimEnd().Split('\n').Length);
    }

    [Fact]
    [Rule("errors.interrupted")]
    [Rule("length.reserved")]
    public void Allocates_in_pieces_when_signals_keep_coming()
    {
        using var name = new TemporaryName("eintr");
        var platform = ScriptedPlatform.InTurn("fallocate", [.. Enumerable.Repeat(Errno.EINTR, 40)]);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Create(name, 3_000_001);
            Assert.Equal(3_000_001, memory.Length);
            Assert.Equal(3_002_368, memory.GetStatus().AllocatedBytes);
        }

        // Forty interrupted ones, the pieces of 64 KiB, and the last that sets the length.
        Assert.True(platform.CountOf("fallocate") > 40 + (3_000_001 / (64 << 10)), $"{platform.CountOf("fallocate")} calls.");
    }

    [Fact]
    [Rule("errors.clean")]
    [Rule("length.reserved")]
    public void Gives_the_pieces_back_when_the_memory_ends_between_interruptions()
    {
        using var name = new TemporaryName("eintr");
        using var plain = SharedMemoryObject.Create(name, 5000);
        var platform = ScriptedPlatform.InTurn("fallocate", Errno.EINTR, Errno.EINTR, default, Errno.ENOSPC, Errno.EINTR);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Open(name);
            Assert.Equal(Errno.ENOSPC, Assert.Throws<SharedMemoryException>(() => memory.SetLength(3_000_001)).Errno);
        }

        Assert.Equal(6, platform.CountOf("fallocate"));
        Assert.Equal(5000, plain.Length);
        Assert.Equal(8192, plain.GetStatus().AllocatedBytes);
    }

    [SkippableTheory]
    [InlineData("create NAME 3000001")]
    [InlineData("open-or-create NAME 3000001")]
    [Rule("errors.clean")]
    public void Leaves_no_name_when_the_memory_ends(string act)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("eintr");
        var (exitCode, output, log) = Traced.Act(
            "fallocate:error=ENOSPC:when=1", [], act.Replace("NAME", name, StringComparison.Ordinal));
        Assert.Contains("(INJECTED)", log, StringComparison.Ordinal);
        Assert.Equal(0, exitCode);
        Assert.StartsWith("ENOSPC fallocate", output, StringComparison.Ordinal);
        Assert.Contains("3000001 bytes requested", output, StringComparison.Ordinal);
        Assert.False(name.Exists);
    }
}
