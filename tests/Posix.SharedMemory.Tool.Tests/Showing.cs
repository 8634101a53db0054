using System.Text.RegularExpressions;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>The command together with other programs of the machine: a shell that completes, a terminal that shows progress, a service that knows users.</summary>
public sealed class Showing
{
    [Fact]
    public void Bash_completes_commands_options_and_names()
    {
        using var objects = new Objects();
        objects.Add("one");
        objects.AddRaw(@"two words", "two words"u8);
        Assert.Equal("create ", Complete("shm creat"));
        Assert.Equal("cat chmod chown completion create ", Sorted("shm c", "cat chmod chown completion create "));
        Assert.Equal("create ", Complete("shm help cre"));
        Assert.Equal($"/dev/shm/{objects.Prefix}one ", Complete($"shm stat /dev/shm/{objects.Prefix}o"));
        Assert.Contains("--orphaned", Complete("shm ls --o"), StringComparison.Ordinal);
        Assert.Contains("--owner", Complete("shm ls --o"), StringComparison.Ordinal);
        Assert.Equal($"{objects.Prefix}one ", Complete($"shm stat {objects.Prefix}o"));
        Assert.Equal($"{objects.Prefix}two\\ words ", Complete($"shm stat {objects.Prefix}t"));
        Assert.Equal($"{objects.Prefix}two words ", Complete($"shm stat \"{objects.Prefix}t"));
        Assert.Equal($"{objects.Prefix}two words ", Complete($"shm stat '{objects.Prefix}t"));
        Assert.Equal($"{objects.Prefix}one ", Complete($"shm rm \"{objects.Prefix}two\" {objects.Prefix}o"));
        Assert.Equal("zsh ", Complete("shm completion z"));
        Assert.Contains("allocated", Complete("shm ls --sort a"), StringComparison.Ordinal);

        Assert.Equal($"/{objects.Prefix}one ", Complete($"shm stat /{objects.Prefix}o"));
        Assert.DoesNotContain("/length", Complete("shm ls --sort /"), StringComparison.Ordinal);
        Assert.Contains($" {objects.Prefix}one ", " " + Complete($"shm mv {objects.Prefix}x "), StringComparison.Ordinal);
        Assert.DoesNotContain(objects.Prefix, Complete($"shm cat {objects.Prefix}one "), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shm map {0} --svg ")]
    [InlineData("shm create x --from ")]
    [InlineData("shm write {0} ")]
    [InlineData("shm write {0} fi")]
    public void Bash_completes_file_names_itself(string line)
    {
        using var objects = new Objects();
        Assert.Equal(" ", Complete(line.Replace("{0}", objects.Add("a"), StringComparison.Ordinal)));
        Assert.Contains("complete -o default ", Shm.Print("completion", "bash"), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("ls")]
    [InlineData("--help")]
    [InlineData("stat {0}")]
    [InlineData("cat {0}-none")]
    [InlineData("rm {0}-none {0}-nor")]
    [InlineData("top --once")]
    [InlineData("[suggest:4] ls\\ ")]
    [InlineData("create {0}-new --from -")]
    public void A_terminal_keeps_its_keypad(string words)
    {
        Skip.IfNot(Installed.Has("python3"), "No python3 to make a terminal with.");
        using var objects = new Objects();
        var name = objects.Add("a");
        var script = Path.Combine(AppContext.BaseDirectory, "pty", "record.py");
        // Its input is the terminal too, on which nothing is typed.
        var line = $"echo -n before; timeout --foreground 2 {Shm.Program} {words.Replace("{0}", name, StringComparison.Ordinal)}; echo after";
        var ran = Shm.Wait("python3", [script, "sh", "-c", line], []);
        Assert.EndsWith("after\r\n", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[?1h", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e=", ran.Output, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("zsh", "autoload -Uz compinit; compinit -D; source {0}; whence -w _shm")]
    [InlineData("fish", "source {0}; complete -C 'shm creat'")]
    public void Other_shells_accept_their_script(string shell, string script)
    {
        Skip.IfNot(Installed.Has(shell), $"{shell} is not installed: its script is not tried.");
        Skip.If(
            shell == "fish" && Shm.Wait("fish", ["--no-config", "-c", "complete --command x --arguments '(commandline --cursor)'; complete -C 'x '"], []).Errors.Length > 0,
            "This fish has no command line to complete outside a terminal (before 3.7), where a completion script cannot be tried.");
        using var file = new TemporaryFile();
        File.WriteAllText(file.Path, Shm.Print("completion", shell));
        var ran = Shm.Wait(shell, ["-c", string.Format(System.Globalization.CultureInfo.InvariantCulture, script, file.Path)], [], ("PATH", PathWithCommand()));
        Assert.Equal((0, ""), (ran.ExitCode, ran.Errors));
        Assert.NotEqual("", ran.Output);
    }

    [SkippableFact]
    public void A_terminal_shows_the_progress_of_a_long_copy_and_clears_it()
    {
        Room.SkipUnlessFree(410 << 20);
        using var objects = new Objects();
        using var file = new TemporaryFile();
        using (var stream = File.Create(file.Path))
        {
            stream.SetLength(200 << 20);
        }

        Skip.IfNot(Installed.Has("python3"), "No python3 to make a terminal with.");
        var script = Path.Combine(AppContext.BaseDirectory, "pty", "record.py");
        var ran = Shm.Wait("python3", [script, "sh", "-c", $"{{ cat {file.Path}; sleep 2; }} | {Shm.Program} create {objects.Prefix}a --from -"], []);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Errors));
        Assert.Contains("standard input", ran.Output, StringComparison.Ordinal);
        // Of unknown length: no bar that looks full, no time that looks over.
        Assert.Matches(@"standard input \d+M", Regex.Replace(ran.Output, @"\e\[[\d;?]*[A-Za-z]", "", RegexOptions.None, TimeSpan.FromSeconds(5)));
        Assert.DoesNotContain("━", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(":00", ran.Output, StringComparison.Ordinal);
        Assert.True(ran.Output.LastIndexOf("\e[?25h", StringComparison.Ordinal) > ran.Output.LastIndexOf("\e[?25l", StringComparison.Ordinal), "The cursor is hidden.");
        Assert.Equal(["a"], objects.Names());

        // Neither a pipe nor a small object has one.
        Assert.Equal("", Shm.Run("create", objects.Prefix + "b", "--from", file.Path).Errors);
        Assert.DoesNotContain("standard", Shm.Wait("python3", [script, Shm.Program, "create", objects.Prefix + "c", "--from", "/dev/null"], []).Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void An_interrupted_bar_restores_the_cursor()
    {
        Room.SkipUnlessFree(210 << 20);
        using var objects = new Objects();
        Skip.IfNot(Installed.Has("python3"), "No python3 to make a terminal with.");
        var script = Path.Combine(AppContext.BaseDirectory, "pty", "record.py");
        // The writer ignores the signal, so that the pipe does not end first.
        var ran = Shm.Wait("python3", [script, "sh", "-c", $"{{ trap '' INT; head -c 200M /dev/zero; sleep 2; kill -INT 0; sleep 3; }} | {Shm.Program} create {objects.Prefix}a --from -"], []);
        Assert.Contains("standard input", ran.Output, StringComparison.Ordinal);
        Assert.True(ran.Output.LastIndexOf("\e[?25h", StringComparison.Ordinal) > ran.Output.LastIndexOf("\e[?25l", StringComparison.Ordinal), "The cursor is hidden.");
        Assert.Empty(objects.Names());
    }

    [SkippableFact]
    public void Finds_names_of_users_in_a_directory_service()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "No directory on a disk.");
        File.WriteAllText(Path.Combine(directory.Path, "getent"), "#!/bin/sh\necho \"$@\" >> \"${0%/*}/asked\"\ncase \"$*\" in *54321*|*alice*) echo \"alice:x:54321:54321::/:/bin/sh\";; esac\n");
        File.WriteAllText(Path.Combine(directory.Path, "nsswitch.conf"), "# passwd: none\npasswd:\tfiles sss # more\ngroup: files [NOTFOUND=return]\n");
        string[] lines = ["$SHM create a 1", "chown 54321:54321 /dev/shm/a", "$SHM create b 1", "chown 54322:0 /dev/shm/b", "$SHM ls", "$SHM ls --owner alice --names", "$SHM ls --owner bob", "$SHM stat a | grep Owner"];
        var ran = Shm.Shell(
            $"chmod +x {directory.Path}/getent; export PATH={directory.Path}:$PATH; unshare --mount --propagation private sh -c 'mount -t tmpfs tmpfs /dev/shm && mount --bind {directory.Path}/nsswitch.conf /etc/nsswitch.conf && {{ "
            + string.Join("; ", lines) + "; } 2>&1'");
        Assert.Matches(
            @"\AMODE +OWNER +GROUP .*\nrw------- +alice +54321 .* a\nrw------- +54322 +root .* b\n2 objects.*\na\nshm: ls: no user is called 'bob'.*\nOwner: +alice \(54321\)\n\z", ran.Output);
        Assert.Equal(["passwd 54321 54322", "passwd alice", "passwd bob", "passwd 54321"], File.ReadAllLines(Path.Combine(directory.Path, "asked")));
    }

    [SkippableFact]
    public void Shows_the_limit_of_a_control_group()
    {
        using var group = TemporaryControlGroup.TryCreate(300 << 20, out var obstacle);
        Skip.If(group is null, obstacle);
        using var objects = new Objects();
        string text, json;
        using (var peer = group!.StartLine($"'{Shm.Program}' df --bytes"))
        {
            text = peer.Finish().Output;
        }

        using (var peer = group.StartLine($"'{Shm.Program}' df --json"))
        {
            json = peer.Finish().Output;
        }

        Assert.Matches(@"\n *314572800 +\d+ +\d+ +\d+%  control group, including its other memory\n", text);
        var facts = Objects.Json(json);
        Assert.Equal(300 << 20, facts.EnumerateObject().Single(property => property.Name.Contains("Limit", StringComparison.OrdinalIgnoreCase)).Value.GetInt64());
    }

    private static string Complete(string line) => Sorted(line, "");

    /// <summary>Asks bash, as its line editor does, for what may follow a line.</summary>
    private static string Sorted(string line, string same)
    {
        var script = $$"""
            PATH={{PathWithCommand()}}
            source <(shm completion bash)
            COMP_LINE="$1" COMP_POINT=${#1}
            IFS=' ' read -ra COMP_WORDS <<< "$1"
            [[ $1 == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _shm
            printf '%s ' "${COMPREPLY[@]}"
            """;
        var ran = Shm.Wait("bash", ["-c", script, "bash", line], []);
        Assert.Equal("", ran.Errors);
        // The order is the shell's business.
        return same.Length > 0 && ran.Output.Split(' ').Order(StringComparer.Ordinal).SequenceEqual(same.Split(' ').Order(StringComparer.Ordinal)) ? same : ran.Output;
    }

    private static string PathWithCommand() => Path.GetDirectoryName(Shm.Program) + ":" + Environment.GetEnvironmentVariable("PATH");
}
