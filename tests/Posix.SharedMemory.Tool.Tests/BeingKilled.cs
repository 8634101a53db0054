using System.Globalization;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>A creation that ends at any moment, by any signal, leaves nothing behind.</summary>
public sealed class BeingKilled
{
    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("KILL", 137)]
    public void A_command_killed_at_a_random_moment_leaves_a_complete_object_or_none(string signal, int exitCode)
    {
        using var objects = new Objects();
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, new byte[30 << 20]);
        var random = new Random(signal.Length);
        for (var round = 0; round < 12; round++)
        {
            // The moment decides only how far it gets: each of them must do.
            var delay = (random.Next(5, 250) / 1000.0).ToString(CultureInfo.InvariantCulture);
            var source = round % 2 == 0 ? $"--from {file.Path}" : $"--from - < {file.Path}";
            var ran = Shm.Shell($"$SHM create {objects.Prefix}{round} {source} & sleep {delay}; kill -{signal} $! 2>/dev/null; wait $!");
            Assert.Equal("", ran.Output);
            if (objects.Names().Contains($"{round}"))
            {
                // Done before the signal came, or just then: what has a name is whole.
                using var memory = SharedMemoryObject.Open(objects.Prefix + round);
                Assert.Equal(30 << 20, memory.Length);
                SharedMemoryObject.Unlink(objects.Prefix + round);
            }
            else
            {
                Assert.Equal((exitCode, ""), (ran.ExitCode, ran.Errors.Replace("Killed\n", "", StringComparison.Ordinal).Replace("Terminated\n", "", StringComparison.Ordinal)));
            }

            Assert.Empty(objects.Names());
        }
    }

    [SkippableTheory]
    [InlineData("openat")]
    [InlineData("ftruncate")]
    [InlineData("copy_file_range")]
    [InlineData("fallocate")]
    [InlineData("pwrite64")]
    [InlineData("fchmod")]
    [InlineData("linkat")]
    public void A_command_killed_at_a_call_that_touches_the_object_leaves_a_complete_object_or_none(string call)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var objects = new Objects();
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, new byte[3 << 20]);
        foreach (var source in (string[])[$"--from {file.Path}", $"--from - < {file.Path}"])
        {
            var left = Temporaries();
            var name = objects.Prefix + "a";
            var ran = Shm.Shell(string.Create(
                CultureInfo.InvariantCulture,
                $"strace -f -qq -o /dev/null -P /dev/shm -P /dev/shm/{name} -e trace={call} -e inject={call}:signal=KILL:when=1 $SHM create {name} {source}"));
            if (objects.Names().Count > 0)
            {
                // Not called this way, or by then complete.
                using var memory = SharedMemoryObject.Open(name);
                Assert.Equal(3 << 20, memory.Length);
                SharedMemoryObject.Unlink(name);
            }
            else
            {
                Assert.NotEqual(0, ran.ExitCode);
            }

            Assert.Empty(objects.Names());
            // Other tests publish too: theirs go.
            Watchdog.Until(() => Temporaries().IsSubsetOf(left), "the end of the names for the meantime");
        }
    }

    [SkippableTheory]
    [InlineData("copy_file_range", "EIO")]
    [InlineData("copy_file_range", "ENOSPC")]
    [InlineData("fallocate", "EIO")]
    [InlineData("linkat", "EACCES")]
    public void A_call_that_fails_is_one_line_and_leaves_nothing(string call, string error)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var objects = new Objects();
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, new byte[3 << 20]);
        var ran = Shm.Shell($"strace -f -qq -o /dev/null -e trace={call} -e inject={call}:error={error} $SHM create {objects.Prefix}a --from {file.Path}");
        Assert.Contains($"({error})", Shm.OneLine(ran, exitCode: 1), StringComparison.Ordinal);
        Assert.Empty(objects.Names());
    }

    private static HashSet<string> Temporaries() => Directory.EnumerateFiles("/dev/shm", ".shm-publish-*").ToHashSet(StringComparer.Ordinal);
}
