namespace Posix.SharedMemory.Tool.Tests;

/// <summary>A failure names the object, the reason and what to do next, in the command's words.</summary>
public sealed class Failing
{
    private const string Words = @"\b(Backing|FileMode|SharedMemoryObject|TryUnlink|OpenOrCreate|OnConflict|SetLength|CreateAnonymous|MemoryCheck|TryOpen|SetOwner|Publish)\b";

    [SkippableTheory]
    [InlineData("mount -t ramfs ramfs /dev/shm; $SHM create a 1 --sparse; $SHM resize a 5000", "resize: a: the file system of the object, or a filter in front of it, cannot reserve memory; use --sparse")]
    [InlineData("mount -t tmpfs -o ro tmpfs /dev/shm; $SHM create a 1", "create: a: Read-only file system (EROFS): /dev/shm is mounted read-only; shm doctor says how to change that")]
    [InlineData("mount -t tmpfs -o size=1m tmpfs /dev/shm; $SHM create a 2M", "create: a: No space left on device (ENOSPC): 2097152 bytes requested, 1048576 bytes available in its file system; shm df shows what uses the room; --sparse reserves nothing")]
    [InlineData("mount -t tmpfs -o size=1m tmpfs /dev/shm; $SHM create a 0; $SHM resize a 2M", "resize: a: No space left on device (ENOSPC): 2097152 bytes requested, 1048576 bytes available in its file system; shm df shows what uses the room; --sparse reserves nothing")]
    [InlineData("mount -t tmpfs tmpfs /dev/shm; $SHM stat a", "stat: a: No such file or directory (ENOENT): no object has this name; shm ls shows all names")]
    [InlineData("mount -t tmpfs tmpfs /dev/shm; $SHM create a 1; $SHM create a 1", "create: a: File exists (EEXIST): an object already has this name; shm rm removes it, --on-conflict replaces it")]
    public void Says_what_to_do_next(string line, string failure)
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var ran = Shm.Shell($"unshare --mount --propagation private sh -c '{line}'");
        Assert.Equal((1, $"shm: {failure}\n"), (ran.ExitCode, ran.Errors));
        Assert.DoesNotMatch(Words, ran.Errors);
    }

    [SkippableTheory]
    [InlineData("create a 1", "create: a: No such file or directory (ENOENT): there is no /dev/shm on this machine; shm doctor says how to mount it")]
    [InlineData("cat a", "cat: a: No such file or directory (ENOENT): there is no /dev/shm on this machine; shm doctor says how to mount it")]
    [InlineData("ls", "ls: No such file or directory (ENOENT): there is no /dev/shm on this machine; shm doctor says how to mount it")]
    [InlineData("gc", "gc: No such file or directory (ENOENT): there is no /dev/shm on this machine; shm doctor says how to mount it")]
    public void Says_that_there_is_no_directory_of_objects(string words, string failure)
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "No directory on a disk.");
        var devices = string.Join("; ", ((string[])["null", "zero", "full", "random", "urandom", "tty"]).Select(device => $"touch {directory.Path}/{device}; mount --bind /dev/{device} {directory.Path}/{device}"));
        var ran = Shm.Shell($"unshare --mount --propagation private sh -c '{devices}; mount --rbind {directory.Path} /dev && exec $SHM {words}'");
        Assert.Equal((1, $"shm: {failure}\n"), (ran.ExitCode, ran.Errors));
    }

    [SkippableTheory]
    [InlineData("rename and renameat2", new[] { 82, 264, 316 }, "mv {0} {0}-other")]
    [InlineData("unlink", new[] { 87, 263 }, "rm {0}")]
    [InlineData("chmod", new[] { 90, 91, 268 }, "chmod 640 {0}")]
    [InlineData("fchown", new[] { 92, 93, 260 }, "chown 0 {0}")]
    [InlineData("ftruncate", new[] { 77 }, "resize {0} 100")]
    public void Names_the_call_that_a_filter_refuses(string calls, int[] numbers, string words)
    {
        Skip.IfNot(System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "The numbers are those of x86-64.");
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var objects = new Objects();
        var name = objects.Add("a");
        string[] command = [.. string.Format(System.Globalization.CultureInfo.InvariantCulture, words, name).Split(' ')];
        // EPERM, ENOSYS, EINVAL.
        foreach (var errno in (int[])[1, 38, 22])
        {
            string[] behind =
            [
                Path.Combine(AppContext.BaseDirectory, "filters", "refuse.py"), .. numbers.Prepend(errno).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture)), "--", Shm.Program, .. command,
            ];
            var ran = Shm.Wait("python3", behind, []);
            Skip.If(ran.Errors.StartsWith("no filter", StringComparison.Ordinal), ran.Errors);
            var failure = Shm.OneLine(ran, exitCode: 1);
            Assert.StartsWith($"shm: {command[0]}: {name}: ", failure, StringComparison.Ordinal);
            Assert.EndsWith(
                errno == 38
                    ? $"(ENOSYS): this kernel lacks {calls}, or a filter in front of it (seccomp) refuses it: allow it in the profile of the container or service"
                    : $": a filter in front of the kernel (seccomp) refuses {calls}: allow it in the profile of the container or service",
                failure, StringComparison.Ordinal);
            Assert.DoesNotMatch(Words, failure);
        }
    }

    [SkippableTheory]
    [InlineData("create {0}-other 1", "--on-conflict replace needs no such call")]
    [InlineData("mv {0} {0}-other --no-replace", "without --no-replace an object that has the new name is replaced")]
    [InlineData("mv {0} {1} --exchange", "without --exchange the name is replaced")]
    public void Without_a_way_to_take_a_name_that_replaces_no_other_says_what_the_command_can_do_instead(string words, string advice)
    {
        Skip.IfNot(System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "The numbers are those of x86-64.");
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var objects = new Objects();
        var given = string.Format(System.Globalization.CultureInfo.InvariantCulture, words, objects.Add("a"), objects.Add("b")).Split(' ');
        // link, linkat, renameat2
        string[] behind = [Path.Combine(AppContext.BaseDirectory, "filters", "refuse.py"), "38", "86", "265", "316", "--", Shm.Program];
        var ran = Shm.Wait("python3", [.. behind, .. given], []);
        Skip.If(ran.Errors.StartsWith("no filter", StringComparison.Ordinal), ran.Errors);
        var failure = Shm.OneLine(ran, exitCode: 1);
        Assert.EndsWith("; " + advice, failure, StringComparison.Ordinal);
        Assert.DoesNotMatch(Words, failure);
        if (given[0] == "create")
        {
            Assert.Equal((0, ""), Shm.Wait("python3", [.. behind, .. given, "--on-conflict", "replace"], []) is var again ? (again.ExitCode, again.Errors) : default);
        }
    }

    [SkippableFact]
    public void Names_the_owner_of_an_object_that_may_not_be_opened()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var name = objects.Add("a");
        Assert.All(
            (string[])["cat", "dump", "map"],
            command => Assert.Equal($"shm: {command}: {name}: Permission denied (EACCES): the object belongs to root and has mode 0600", Shm.OneLine(copy.RunAsStranger(command, name), exitCode: 1)));
        Assert.Matches($@"^shm: chmod: {name}: Operation not permitted \(EPERM\): the object belongs to root and has mode 0600$", Shm.OneLine(copy.RunAsStranger("chmod", "0666", name), exitCode: 1));
    }
}
