using System.Text.Json;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Names that a symbolic link holds for an object, on file systems that cannot rename without replacing; and those that a killed process left.</summary>
public sealed class HoldingNames
{
    // In the exact form of a temporary name: the last four digits are computed from the others.
    private const string Temporary = ".shm-publish-00000000000022ad";

    [SkippableTheory]
    [InlineData("")]
    [InlineData("--if-unused")]
    public void Removes_the_link_that_a_process_left_when_it_was_killed_while_it_moved_an_object(string option)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux holds a name by a link.");
        using var objects = new Objects();
        var name = objects.Prefix + "left";
        Assert.Equal(0, Shm.Shell($"ln -s .//{objects.Prefix}moved /dev/shm/{name}").ExitCode);
        try
        {
            Assert.StartsWith($"shm: create: {name}: File exists (EEXIST)", Shm.Fail("create", name, "1"), StringComparison.Ordinal);
            Assert.Equal("", option.Length == 0 ? Shm.Print("rm", name) : Shm.Print("rm", name, option));
            Assert.Null(new FileInfo("/dev/shm/" + name).LinkTarget);
            Shm.Print("create", name, "1");
        }
        finally
        {
            File.Delete("/dev/shm/" + name);
        }
    }

    [SkippableFact]
    public void Shows_the_links_that_killed_processes_left_and_removes_those_of_which_that_is_proven()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var ran = Shm.Shell(
            $"""
            unshare --mount --propagation private sh -c '
            mount -t tmpfs tmpfs /dev/shm && cd /dev/shm && $SHM create frames 1 && $SHM create .shm-publish-mine 1
            ln -s .//{Temporary} left; ln -s .//frames moved; ln -s frames ours; ln -s .//.shm-publish-mine odd; ln -s /tmp sem.link
            $SHM ls | tail -n 1; $SHM ls frames | tail -n 1; for name in left moved ours; do $SHM stat $name 2>&1; done
            echo; $SHM gc; echo; $SHM gc left --remove; $SHM gc --remove --older 1h; echo; $SHM gc --remove; echo; ls -A; $SHM rm moved; ls -A'
            """);
        Assert.Equal("", ran.Errors);
        var parts = ran.Output.Split("\n\n");
        Assert.Equal(
            """
            Held for objects that are being moved there, or were: left, moved, odd; shm gc says more
            1 of 2 objects, 1 long, 4K allocated
            shm: stat: left: Invalid argument (EINVAL): a process holds this name for an object that it creates, or was killed while it did; shm rm removes what it left
            shm: stat: moved: Invalid argument (EINVAL): a process holds this name for frames, which it moves here, or was killed while it did; shm rm removes what it left
            shm: stat: ours: Invalid argument (EINVAL): this is not a shared memory object
            """,
            parts[0]);
        Assert.EndsWith(
            """
            2 objects in use by no process, 8K; use --remove to remove them
            left: a process was killed while it created an object here; use --remove to remove the link that it left
            moved: a process holds this name for frames, which it moves here, or was killed while it did; shm rm removes what it left
            odd: a process holds this name for an object that it creates, or was killed while it did; shm rm removes what it left
            """,
            parts[1], StringComparison.Ordinal);
        Assert.Equal("Nothing to remove: no object matches\nNothing to remove: no object matches", parts[2]);
        Assert.EndsWith(
            """
            2 objects in use by no process, 8K; 2 removed
            left: a process was killed while it created an object here; the link that it left was removed
            moved: a process holds this name for frames, which it moves here, or was killed while it did; shm rm removes what it left
            odd: a process holds this name for an object that it creates, or was killed while it did; shm rm removes what it left
            """,
            parts[3], StringComparison.Ordinal);
        Assert.Equal("moved\nodd\nours\nsem.link\nodd\nours\nsem.link\n", parts[4]);
    }

    [SkippableFact]
    public void Facts_of_a_collection_have_the_links_too_and_say_which_were_removed()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var ran = Shm.Shell(
            $"""
            unshare --mount --propagation private sh -c '
            mount -t tmpfs tmpfs /dev/shm && cd /dev/shm && $SHM create frames 1; ln -s .//{Temporary} "left one"; ln -s .//frames moved
            $SHM gc --json; echo +; $SHM gc --json frames; echo +; $SHM ls --json; echo +; $SHM gc --json --remove'
            """);
        Assert.Equal("", ran.Errors);
        Assert.Equal(
            (string[])
            [
                $"frames, left one for {Temporary} (abandoned), moved for frames",
                "frames",
                "frames",
                $"frames (removed), left one for {Temporary} (abandoned) (removed), moved for frames",
            ],
            ran.Output.Split("+\n").Select(Described));

        static string Described(string json)
        {
            using var read = JsonDocument.Parse(json);
            return string.Join(", ", read.RootElement.EnumerateArray().Select(one =>
                one.GetProperty("name").GetString()
                + (one.TryGetProperty("held_for", out var source) ? $" for {source.GetString()}" : "")
                + (one.TryGetProperty("abandoned", out var abandoned) && abandoned.GetBoolean() ? " (abandoned)" : "")
                + (one.TryGetProperty("removed", out var removed) && removed.GetBoolean() ? " (removed)" : "")));
        }
    }
}
