namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Lengths, names and permissions of existing objects.</summary>
public sealed class Changing
{
    [Fact]
    public void Resizes()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 100);
        Assert.Equal("", Shm.Print("resize", name, "64K"));
        Assert.Equal((65536L, 65536L), Extent(name));
        // Growth sets the new length by allocating the last page.
        Shm.Print("resize", name, "1T", "--sparse");
        Assert.Equal((1L << 40, 65536L + Environment.SystemPageSize), Extent(name));
        Shm.Print("resize", name, "0");
        Assert.Equal(0, Extent(name).Length);
        Assert.Contains("ENOENT", Shm.Fail("resize", objects.Prefix + "none", "1"), StringComparison.Ordinal);
        Assert.Equal("shm: resize: '12Q' is not a valid size; examples: 4096, 64K, 10M, 2G, 1.5GiB, 0x1000 (see shm resize --help)", Shm.Refuse("resize", name, "12Q"));

        static (long Length, long Allocated) Extent(string name) => SharedMemoryDirectory.Find(name) is { } entry ? (entry.Length, entry.AllocatedBytes) : default;
    }

    [Fact]
    public void Does_not_shorten_an_object_below_a_mapping_unless_forced()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 65536);
        using var peer = Peer.Start("hold", name, "write");
        Assert.Equal("held", peer.ReadLine());
        Assert.Matches(
            $@"^shm: resize: {name}: process {peer.ProcessId} \(Posix.SharedMem\) maps bytes past the new end and would be killed by SIGBUS on touching them; use --force to shorten the object anyway$",
            Shm.Fail("resize", name, "4096"));
        Assert.Equal(65536, Objects.Read(name).Length);

        // Growing is harmless, and so is cutting off less than the last page.
        Shm.Print("resize", name, "65535");
        Shm.Print("resize", name, "128K");
        Assert.StartsWith($"shm: resize: {name}: in use by process {peer.ProcessId} ", Shm.Fail("resize", name, "256K", "--if-unused"), StringComparison.Ordinal);
        Assert.Equal(131072, Objects.Read(name).Length);
        Shm.Print("resize", name, "4096", "--force");
        Assert.Equal(4096, Objects.Read(name).Length);
        peer.Kill();
        Watchdog.Until(() => Shm.Run("resize", name, "1", "--if-unused").ExitCode == 0, "the last process to close it");
        Assert.Equal("shm: resize: --if-unused and --force cannot be used together (see shm resize --help)", Shm.Refuse("resize", name, "1", "--if-unused", "--force"));
    }

    [SkippableFact]
    public void Does_not_shorten_an_object_that_a_hidden_process_may_map()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var objects = new Objects();
        var name = objects.Add("a", 65536);
        using var held = SharedMemoryObject.Open(name);
        var ran = Shm.Shell($"unshare --pid --fork --mount-proc sh -c '$SHM resize {name} 4096 < /dev/null; $SHM resize {name} 65000 && $SHM resize {name} 4096 --force'");
        Assert.Equal(
            (0, $"shm: resize: {name}: a process that cannot be seen from here may map bytes past the new end and would be killed by SIGBUS on touching them; use --force to shorten the object anyway\n"),
            (ran.ExitCode, ran.Errors));
        Assert.Equal(4096, held.Length);
    }

    [SkippableFact]
    public void A_holder_that_can_be_seen_does_not_hide_that_others_cannot()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var objects = new Objects();
        var name = objects.Add("a", 65536);
        using var held = SharedMemoryObject.Open(name);
        var ran = Shm.Shell($"unshare --pid --fork --mount-proc sh -c 'exec 3< /dev/shm/{name}; $SHM who {name}; $SHM who {name} --json; $SHM stat {name}; $SHM resize {name} 4096 < /dev/null'");
        Assert.Equal(2, ran.Output.Split('\n').Count(line => line == "Not every process of this machine can be seen from here; others may also hold it."));
        Assert.Contains("\"holders_exact\": false", ran.Output, StringComparison.Ordinal);
        Assert.StartsWith($"shm: resize: {name}: a process that cannot be seen from here may map bytes past the new end", ran.Errors, StringComparison.Ordinal);
        Assert.Equal(65536, held.Length);
    }

    [SkippableFact]
    public void Asks_on_a_terminal_before_it_replaces_an_object_that_is_in_use()
    {
        Skip.IfNot(Installed.Has("script"), "script is not installed: there is no terminal to run in.");
        using var objects = new Objects();
        var (name, other, third) = (objects.Add("a", 100), objects.Add("b", 100), objects.Prefix + "c");
        using var peer = Peer.Start("hold", name, "read");
        Assert.Equal("held", peer.ReadLine());
        string OnTerminal(string command) => Shm.Shell($"script -qec \"$SHM {command}\" /dev/null", ("TERM", "xterm")).Output;
        Assert.Equal("", OnTerminal($"mv {name} {third}"));
        Assert.Matches($@"shm: mv: {third}: the object that had this name has lost it; process {peer.ProcessId} \(Posix.SharedMem\) goes on using it; its memory is freed when the last process closes it", OnTerminal($"mv {other} {third}"));
        Assert.Equal("", OnTerminal($"mv {third} {third}"));
        using var held = SharedMemoryObject.Open(third);
        Assert.Matches($@"shm: rm: {third}: process {Environment.ProcessId} \(.*\) goes on using it; its memory is freed when the last process closes it", OnTerminal($"rm {third}"));
        Assert.False(SharedMemoryObject.Exists(third));
        objects.Add("a", 100);
        Assert.Equal("", OnTerminal($"rm {name}"));
    }

    [SkippableTheory]
    [InlineData("y", 4096)]
    [InlineData("n", 65536)]
    [InlineData("", 65536)]
    public void Asks_on_a_terminal_before_it_shortens_an_object_below_a_mapping(string answer, long length)
    {
        Skip.IfNot(Installed.Has("script"), "script is not installed: there is no terminal to run in.");
        using var objects = new Objects();
        var name = objects.Add("a", 65536);
        using var peer = Peer.Start("hold", name, "write");
        Assert.Equal("held", peer.ReadLine());
        var ran = Shm.Shell($"printf '{answer}\\n' | script -qec \"$SHM resize {name} 4096\" /dev/null", ("TERM", "xterm"));
        Assert.Contains("on touching them. Shorten it? [y/N]", ran.Output, StringComparison.Ordinal);
        Assert.Equal(length, Objects.Read(name).Length);
        Assert.Equal(length == 4096 ? 0 : 1, ran.ExitCode);
    }

    [SkippableTheory]
    [InlineData("54321", 54321, 0)]
    [InlineData(":54322", 0, 54322)]
    [InlineData("54321:54322", 54321, 54322)]
    [InlineData("root:", 0, 0)]
    public void Gives_an_object_to_another_user_or_group(string owner, uint user, uint group)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "Only root may give objects away.");
        using var objects = new Objects();
        var name = objects.Add("a");
        Shm.Print("chown", owner, name);
        var entry = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(name))!;
        Assert.Equal((user, group), (entry.UserId, entry.GroupId));
    }

    [Theory]
    [InlineData(":", "':' is not a valid owner; examples: alice, alice:video, :video, 1000:44")]
    [InlineData("nobody at all", "no user is called 'nobody at all'")]
    [InlineData("0:nothing at all", "no group is called 'nothing at all'")]
    public void Refuses_an_invalid_owner(string owner, string objection) =>
        Assert.Equal($"shm: chown: {objection} (see shm chown --help)", Shm.Refuse("chown", owner, "nothing"));

    [SkippableFact]
    public void Does_not_give_away_what_belongs_to_another_user()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var name = objects.Add("a", mode: (UnixFileMode)0x1B6);
        Assert.Equal($"shm: chown: {name}: Operation not permitted (EPERM): the object belongs to root and has mode 0666", Shm.OneLine(copy.RunAsStranger("chown", "54321", name), exitCode: 1));
    }

    [Fact]
    public void Accepts_a_name_as_other_programs_print_it()
    {
        using var objects = new Objects();
        string name = objects.Add("a", 10), path = "/dev/shm/" + name;
        foreach (var words in (string[][])[["stat", path], ["who", path], ["cat", path], ["dump", path], ["map", path], ["ls", path], ["ls", path + "*"], ["chmod", "0600", path], ["resize", path, "20"], ["gc", path], ["rm", path, path]])
        {
            Assert.DoesNotContain("slash", Shm.Run(words).Errors, StringComparison.Ordinal);
        }

        Assert.Empty(objects.Names());
        Shm.Print("create", path, "5");
        Shm.Print("mv", path, path + "-b");
        Assert.Equal(["a-b"], objects.Names());
        Assert.Equal(0, Shm.Run([65], "write", path + "-b").ExitCode);
        Assert.Equal(name + "-b\n", Shm.Print("ls", "--names", path + "-?"));
        Shm.Print("rm", "--yes", path + "*");
        Assert.Empty(objects.Names());
        Assert.Contains("a slash", Shm.Refuse("stat", "/dev/shm/a/b"), StringComparison.Ordinal);
        Assert.Contains("cannot be empty", Shm.Refuse("stat", "/dev/shm/"), StringComparison.Ordinal);
        Assert.Contains("a slash", Shm.Refuse("stat", "/tmp/a"), StringComparison.Ordinal);
    }

    [Fact]
    public void Moves_replaces_and_exchanges()
    {
        using var objects = new Objects();
        string one = objects.Add("one", 1), two = objects.Add("two", 2);
        Assert.Equal($"shm: mv: {two}: File exists (EEXIST): an object already has this name; without --no-replace it is replaced", Shm.Fail("mv", one, two, "--no-replace"));
        // As rename(2): the object itself is not another one.
        Shm.Print("mv", one, one, "--no-replace");
        Assert.Contains("Fail if another object has the new name", Shm.Print("mv", "--help"), StringComparison.Ordinal);
        Shm.Print("mv", one, two, "--exchange");
        Assert.Equal((2, 1), (Objects.Read(one).Length, Objects.Read(two).Length));
        Shm.Print("mv", one, two);
        Assert.Equal(["two"], objects.Names());
        Assert.Equal(2, Objects.Read(two).Length);
        Assert.Equal($"shm: mv: {one}: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("mv", one, two));
        Assert.Equal($"shm: mv: {one}: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("mv", two, one, "--exchange"));
        Assert.Equal("shm: mv: --no-replace and --exchange cannot be used together (see shm mv --help)", Shm.Refuse("mv", one, two, "--no-replace", "--exchange"));
    }

    [Theory]
    [InlineData("mkfifo /dev/shm/{1}")]
    [InlineData("ln -s {0} /dev/shm/{1}")]
    [InlineData("ln -s nowhere-at-all /dev/shm/{1}")]
    [InlineData("mkdir /dev/shm/{1}")]
    public void No_command_mistakes_a_file_of_another_type_for_an_object(string make)
    {
        using var objects = new Objects();
        string name = objects.Add("a"), other = objects.Prefix + "other";
        Assert.Equal(0, Shm.Shell(make.Replace("{0}", name, StringComparison.Ordinal).Replace("{1}", other, StringComparison.Ordinal)).ExitCode);
        try
        {
            var words = new[] { "cat {1}", "stat {1}", "who {1}", "dump {1}", "map {1}", "ls {1}", "rm {1}", "rm {1} --if-unused", "resize {1} 5", "chmod 0600 {1}", "write {1}", "mv {1} {0}", "mv {0} {1}", "mv {0} {1} --exchange" };
            foreach (var word in words)
            {
                var line = Shm.Fail(word.Replace("{0}", name, StringComparison.Ordinal).Replace("{1}", other, StringComparison.Ordinal).Split(' '));
                Assert.Equal($"shm: {word.Split(' ')[0]}: {other}: Invalid argument (EINVAL): this is not a shared memory object", line);
            }

            Assert.Equal(["a"], objects.Names());
        }
        finally
        {
            Assert.Equal(0, Shm.Shell($"rm -r /dev/shm/{other}").ExitCode);
        }
    }

    [Theory]
    [InlineData("0644", 0b110_100_100)]
    [InlineData("7", 0b111)]
    [InlineData("g+rw,o+r", 0b110_110_100)]
    [InlineData("u-w", 0b100_000_000)]
    [InlineData("a=r", 0b100_100_100)]
    [InlineData("+x", 0b111_001_001)]
    public void Changes_permissions(string mode, int expected)
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        Shm.Print("chmod", mode, name);
        Assert.Equal((UnixFileMode)expected, SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(name))!.Permissions);
    }

    [Theory]
    [InlineData("0888")]
    [InlineData("u*r")]
    [InlineData("rw")]
    [InlineData("u+q")]
    public void Refuses_an_invalid_mode(string mode) =>
        Assert.Equal($"shm: chmod: '{mode}' is not a valid mode; examples: 0640, u=rw,g+r,o-w (see shm chmod --help)", Shm.Refuse("chmod", mode, "nothing"));

    [Fact]
    public void Removes_the_other_names_after_one_that_fails()
    {
        using var objects = new Objects();
        string one = objects.Add("one"), two = objects.Add("two");
        var ran = Shm.Run("rm", one, objects.Prefix + "none", "/" + two);
        Assert.Equal($"shm: rm: {objects.Prefix}none: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.OneLine(ran, exitCode: 1));
        Assert.Empty(objects.Names());
        var dashed = objects.AddRaw("x", "x"u8);
        Shm.Print("mv", "--", dashed, "-" + dashed);
        Assert.Contains("unknown option", Shm.Refuse("rm", "-" + dashed), StringComparison.Ordinal);
        Shm.Print("rm", "--", "-" + dashed);
        Assert.Null(SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes("-" + dashed)));
    }

    [Fact]
    public void Removes_several_by_pattern_only_with_yes()
    {
        using var objects = new Objects();
        for (var number = 0; number < 7; number++)
        {
            objects.Add($"{number}");
        }

        var refusal = Shm.Refuse("rm", objects.All);
        Assert.StartsWith($"shm: rm: 7 objects match ({objects.Prefix}0, {objects.Prefix}1,", refusal, StringComparison.Ordinal);
        Assert.EndsWith("…); use --yes to remove them all", refusal, StringComparison.Ordinal);
        Assert.Equal(7, objects.Names().Count);
        Shm.Print("rm", objects.Prefix + "?", "--yes");
        Assert.Empty(objects.Names());
        Assert.Equal($"shm: rm: {objects.All}: no object matches", Shm.Fail("rm", objects.All, "--yes"));

        // One is not many. A star in a name is written \x2A.
        string star = objects.AddRaw(@"\x2A", "*"u8), other = objects.Add("other");
        Shm.Print("rm", star);
        Assert.Equal(["other"], objects.Names());
        Shm.Print("rm", objects.All);
        Assert.Empty(objects.Names());
        Assert.NotNull(other);
    }

    [SkippableTheory]
    [InlineData("y", 0)]
    [InlineData("n", 2)]
    [InlineData("", 2)]
    public void Asks_on_a_terminal_before_it_removes_several(string answer, int left)
    {
        Skip.IfNot(Installed.Has("script"), "script is not installed: there is no terminal to run in.");
        using var objects = new Objects();
        objects.Add("a");
        objects.Add("b");
        var ran = Shm.Shell($"printf '{answer}\\n' | script -qec \"$SHM rm '{objects.All}'\" /dev/null", ("TERM", "xterm"));
        Assert.Contains($"Remove 2 objects ({objects.Prefix}a, {objects.Prefix}b)? [y/N]", ran.Output, StringComparison.Ordinal);
        Assert.Equal(left, objects.Names().Count);
    }
}
