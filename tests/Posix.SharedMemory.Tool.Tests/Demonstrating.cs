namespace Posix.SharedMemory.Tool.Tests;

public sealed class Demonstrating
{
    [Fact]
    public void Shows_two_processes_that_share_memory() => Check(Shm.Run("demo"));

    [SkippableFact]
    public void Works_for_an_ordinary_user()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        Check(copy.RunAsStranger("demo"));
    }

    [Fact]
    public void Leaves_nothing_behind_when_its_reader_stops_early()
    {
        var ran = Shm.Shell("\"$SHM\" demo | head -n 4");
        var name = ran.Output.Split(' ', '\n').First(word => word.StartsWith("shm-demo-", StringComparison.Ordinal));
        Watchdog.Until(() => !File.Exists("/dev/shm/" + name), "the end of the object");
        Assert.Equal("", ran.Errors);
    }

    [Fact]
    public void Refuses_an_object_that_it_did_not_create()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 1 << 20);
        Assert.Equal($"shm: demo: {name}: it was not created by shm demo", Shm.Fail("demo", "--role", "one", "--object", name));
    }

    private static void Check(Ran ran)
    {
        Assert.Equal((0, ""), (ran.ExitCode, ran.Errors));
        var lines = ran.Output.Split('\n').Select(line => line.Trim()).ToArray();
        var sentences = lines.Where(line => line.Contains("Greetings from process", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, sentences.Length);
        Assert.Contains("2000000", lines);
        var name = ran.Output.Split(' ', '\n').First(word => word.StartsWith("shm-demo-", StringComparison.Ordinal));
        Assert.False(File.Exists("/dev/shm/" + name));
        // The two processes and the one that started them hold it; and for a moment each command that asks the kernel about all objects.
        Assert.InRange(lines.Count(line => line.Contains("descriptor", StringComparison.Ordinal)), 3, 30);
    }
}
