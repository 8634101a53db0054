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
    public void Repeats_an_interrupted_call(string call, string acts)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("eintr");
        using var held = new TemporaryName("eintr");
        using var memory = SharedMemoryObject.Create(held, 5000);
        var lines = acts.Split('|')
            .Select(act => act.Replace("NAME", name, StringComparison.Ordinal).Replace("HELD", held, StringComparison.Ordinal)).ToArray();
        string[] paths = call.EndsWith(" on", StringComparison.Ordinal) ? ["/dev/shm", name.Path, held.Path] : [];

        // The fcntl that asks the kernel for its lease is not among those that a signal interrupts: the lock is the third.
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
    public void An_interrupted_allocation_is_repeated_with_signals_blocked_and_they_are_delivered_afterwards()
    {
        using var name = new TemporaryName("eintr");
        var (meanwhile, before) = (0UL, Blocked());
        var platform = ScriptedPlatform.Before("fallocate", 2, () => meanwhile = Blocked());
        platform.Arm("fallocate", Errno.EINTR);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Create(name, 3_000_001);
            Assert.Equal(3_000_001, memory.Length);
            Assert.Equal(3_002_368, memory.GetStatus().AllocatedBytes);
        }

        Assert.True(platform.Fired);
        Assert.Equal(2, platform.CountOf("fallocate"));
        // SIGALRM and SIGPROF, by which timers and profilers interrupt threads; but not SIGSEGV, which would end the process.
        const ulong Disturbing = (1UL << 13) | (1UL << 26);
        Assert.Equal(Disturbing, meanwhile & Disturbing);
        Assert.Equal(0UL, meanwhile & (1UL << 10));
        Assert.Equal(before, Blocked());
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(5000)]
    [Rule("errors.clean")]
    [Rule("errors.interrupted")]
    [Rule("length.reserved")]
    public void Keeps_nothing_if_memory_runs_out_after_an_interruption(int length)
    {
        using var name = new TemporaryName("eintr");
        using var plain = SharedMemoryObject.Create(name, length);
        var before = Blocked();
        var platform = ScriptedPlatform.InTurn("fallocate", Errno.EINTR, Errno.EINTR, Errno.ENOSPC);
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Open(name);
            Assert.Equal(Errno.ENOSPC, Assert.Throws<SharedMemoryException>(() => memory.SetLength(3_000_001)).Errno);
        }

        Assert.Equal(3, platform.CountOf("fallocate"));
        Assert.Equal(length, plain.Length);
        Assert.Equal((length + 4095) / 4096 * 4096, plain.GetStatus().AllocatedBytes);
        Assert.Equal(before, Blocked());
    }

    [Fact]
    [Rule("errors.interrupted")]
    public void A_call_is_repeated_even_where_signals_cannot_be_blocked()
    {
        using var name = new TemporaryName("eintr");
        var platform = new ScriptedPlatform("fallocate", Errno.EINTR) { Forbidden = "rt_sigprocmask" };
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.Create(name, 5000);
            Assert.Equal(5000, memory.Length);
        }

        Assert.Equal(2, platform.CountOf("fallocate"));
        Assert.Contains("rt_sigprocmask", platform.Failed);
    }

    /// <summary>The signals that do not reach this thread now.</summary>
    private static ulong Blocked()
    {
        var line = File.ReadLines("/proc/thread-self/status").Single(line => line.StartsWith("SigBlk:", StringComparison.Ordinal));
        return ulong.Parse(line.AsSpan(7).Trim(), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
    }

    [SkippableTheory]
    [InlineData("create NAME 3000001")]
    [InlineData("open-or-create NAME 3000001")]
    [Rule("errors.clean")]
    public void Leaves_no_name_if_memory_runs_out(string act)
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
