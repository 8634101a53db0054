namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Objects come, go and change their length while the command looks at them.</summary>
public sealed class Vanishing
{
    [Theory]
    [InlineData("ls NAMES")]
    [InlineData("ls NAMES --json")]
    [InlineData("ls NAMES --orphaned")]
    [InlineData("stat ONE")]
    [InlineData("stat ONE --json")]
    [InlineData("who ONE")]
    [InlineData("dump ONE")]
    [InlineData("cat ONE")]
    [InlineData("map ONE")]
    [InlineData("write ONE /proc/self/cmdline")]
    [InlineData("chmod 0644 ONE")]
    [InlineData("resize ONE 70000")]
    [InlineData("mv ONE TWO")]
    [InlineData("rm ONE TWO")]
    [InlineData("rm NAMES --if-unused --yes")]
    [InlineData("gc NAMES --remove")]
    [InlineData("df")]
    public void Prints_a_result_or_one_line_for_each_object_that_vanishes_and_never_crashes(string words)
    {
        using var objects = new Objects();
        using var stop = new CancellationTokenSource();
        var churning = Task.Run(() =>
        {
            for (var round = 0; !stop.IsCancellationRequested; round = (round + 1) % 10)
            {
                Churn(objects.Prefix + round);
            }
        });
        try
        {
            for (var round = 0; round < 5; round++)
            {
                var line = words.Replace("NAMES", $"'{objects.All}'", StringComparison.Ordinal).Replace("ONE", $"{objects.Prefix}{round}", StringComparison.Ordinal)
                    .Replace("TWO", $"{objects.Prefix}{round + 1}", StringComparison.Ordinal);
                var ran = Shm.Shell("$SHM " + line);
                Assert.InRange(ran.ExitCode, 0, 1);
                Assert.Equal(ran.ExitCode == 0, ran.Errors.Length == 0);
                Assert.All(ran.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries), failure =>
                    Assert.Matches(@"^shm: \w+: .*(\((ENOENT|ENXIO|EACCES|EEXIST)\)(: .*)?|shortened the object meanwhile; .*|bytes do not fit.*|a process has opened it in the meantime; not removed|in use by .*|past the end of the object, .*|it is unknown whether a process uses it.*|past the new end and would .*|no object matches)$", failure));
            }
        }
        finally
        {
            // Or it would go on among what the others look at, and leave what it makes last.
            stop.Cancel();
            Watchdog.Run(() => churning.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the other");
        }

        Assert.Null(churning.Exception);
    }

    private static void Churn(string name)
    {
        try
        {
            using var memory = SharedMemoryObject.Create(name, 300_000);
            memory.SetLength(5, Backing.Sparse);
            memory.SetLength(200_000, Backing.Sparse);
            SharedMemoryObject.TryUnlink(name);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
        {
            // The command moved another there.
            SharedMemoryObject.TryUnlink(name);
        }
    }
}
