using System.CommandLine;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>What the command answers before it touches anything: version, help, wrong usage, completion.</summary>
public sealed class Asking
{
    [Fact]
    public void Prints_its_version()
    {
        var version = Shm.Print("--version");
        Assert.Matches(@"^shm \d+\.\d+\.\d+[-.\w]*\n$", version);
        Assert.Equal(version, Shm.Print("--no-color", "--version"));
        Assert.Equal(version, Shm.Print("-v"));
    }

    [Theory]
    [InlineData("shm: unknown command 'frames' (see shm --help)", "frames")]
    [InlineData("shm: ls: unknown option '--larg'; did you mean '--larger'? (see shm ls --help)", "ls", "--larg")]
    [InlineData("shm: ls: unexpected argument 'b' (see shm ls --help)", "ls", "a", "b")]
    [InlineData("shm: rm: Required argument 'NAME' missing for command: 'rm' (see shm rm --help)", "rm")]
    [InlineData("shm: cat: Required argument missing for option: '--offset' (see shm cat --help)", "cat", "a", "--offset")]
    [InlineData("shm: ls: 'yes' is not a span of time; examples: 30s, 5m, 2h, 7d, 3w (see shm ls --help)", "ls", "--older", "yes")]
    [InlineData("shm: ls: no user is called 'nobody at all' (see shm ls --help)", "ls", "--owner", "nobody at all")]
    [InlineData("shm: ls: 'size' is not a valid ORDER; choose from name, length, allocated, owner, holders, modified (see shm ls --help)", "ls", "--sort", "size")]
    [InlineData("shm: completion: 'tcsh' is not a valid shell; choose from bash, zsh, fish (see shm completion --help)", "completion", "tcsh")]
    public void Refuses_wrong_usage_in_one_line(string line, params string[] words) => Assert.Equal(line, Shm.Refuse(words));

    [Fact]
    public void Without_arguments_it_lists_the_commands()
    {
        Assert.Equal(Shm.Print("--help"), Shm.Print());
        Assert.Equal(Shm.Print("--help"), Shm.Print("--no-color"));
        Assert.Equal(Shm.Print("--help"), Shm.Print("help"));
        Assert.Contains("\n  ls ", Shm.Print(), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_comes_before_or_after_the_command()
    {
        foreach (var command in CommandLine.Names)
        {
            Assert.Equal(Shm.Print(command, "--help"), Shm.Print("help", command));
        }
    }

    [Theory]
    [InlineData("shm: unknown command 'list'; did you mean 'ls'? (see shm --help)", "list")]
    [InlineData("shm: unknown command 'delete'; did you mean 'rm'? (see shm --help)", "delete", "frames")]
    [InlineData("shm: unknown command 'dleete'; did you mean 'rm'? (see shm --help)", "dleete")]
    [InlineData("shm: unknown command 'STAT'; did you mean 'stat'? (see shm --help)", "STAT")]
    [InlineData("shm: unknown command 'crate'; did you mean 'create'? (see shm --help)", "crate")]
    [InlineData("shm: unknown command 'wach'; did you mean 'watch'? (see shm --help)", "wach")]
    [InlineData("shm: unknown command 'version'; did you mean '--version'? (see shm --help)", "version")]
    [InlineData("shm: unknown command 'zebra' (see shm --help)", "zebra")]
    [InlineData("shm: unknown command 'x\\x1B' (see shm --help)", "x\e")]
    [InlineData("shm: unknown option '--json' (see shm --help)", "--json")]
    [InlineData("shm: help: unknown command 'list'; did you mean 'ls'? (see shm help --help)", "help", "list")]
    [InlineData("shm: help: unexpected argument 'stat' (see shm help --help)", "help", "ls", "stat")]
    [InlineData("shm: stat: unknown option '--nope'; put -- before a name that starts with a dash (see shm stat --help)", "stat", "--nope", "frames")]
    [InlineData("shm: stat: unknown option '--jsn'; did you mean '--json'? (see shm stat --help)", "stat", "frames", "--jsn")]
    [InlineData("shm: ls: unknown option '-l'; put -- before a name that starts with a dash (see shm ls --help)", "ls", "-l")]
    public void Suggests_the_command_that_was_probably_meant(string line, params string[] words) => Assert.Equal(line, Shm.Refuse(words));

    [Fact]
    public void Every_command_has_help_with_examples()
    {
        var help = Shm.Print("--help");
        var commands = help[help.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n')
            .Skip(1).Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ').Select(line => line.Trim().Split(' ')[0]).ToList();
        Assert.Contains("ls", commands);
        Assert.All(commands, command => Assert.Contains($"Examples:\n  shm {command}", Shm.Print(command, "--help"), StringComparison.Ordinal));
    }

    [Fact]
    public void No_flag_takes_the_word_after_it()
    {
        var flags = 0;
        foreach (var command in CommandLine.MakeAll())
        {
            var root = new RootCommand { command };
            root.Add(CommandLine.NoColor);
            foreach (var option in command.Options.Append(CommandLine.NoColor).OfType<Option<bool>>())
            {
                foreach (var spelling in option.Aliases.Append(option.Name))
                {
                    var given = root.Parse([command.Name, spelling, "false"]);
                    Assert.True(given.GetValue(option), $"{command.Name} {spelling}");
                    Assert.Empty(given.GetResult(option)!.Tokens);
                    flags++;
                }
            }
        }

        Assert.InRange(flags, 30, 300);
    }

    [Fact]
    public void A_word_after_a_flag_is_a_name()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        using var held = SharedMemoryObject.Open(name);
        var ran = Shm.Run("rm", name, "--if-unused", "false");
        Assert.Equal((1, 2), (ran.ExitCode, ran.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.Equal(["a"], objects.Names());
        Assert.Equal("Nothing to remove: no object matches\n", Shm.Print("gc", "--remove", "false"));
        Assert.Contains("no object matches", Shm.Fail("rm", "-y", objects.Prefix + "none*"), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_two_words_print_help()
    {
        using var objects = new Objects();
        Assert.Equal(Shm.Print("ls", "--help"), Shm.Print("ls", "-h"));
        Assert.Contains("unknown option '-?'", Shm.Refuse("ls", "-?"), StringComparison.Ordinal);
        Assert.Equal("shm: stat: h: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("stat", "/h"));
        Assert.Equal("", Shm.Print("ls", "--names", "/?" + objects.Prefix));
        Assert.DoesNotContain("Usage", Shm.Run("ls", "--names", "/?").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_shows_optional_arguments_as_optional()
    {
        Assert.DoesNotContain("<", Shm.Print("--help"), StringComparison.Ordinal);
        Assert.Contains("shm ls [<PATTERN>]", Shm.Print("ls", "--help"), StringComparison.Ordinal);
    }

    [Fact]
    public void Completes_commands_options_and_names_of_objects()
    {
        using var name = new TemporaryName("complete me");
        SharedMemoryObject.Create(name, 1).Dispose();
        Assert.Contains("completion\n", Shm.Print("[suggest:8]", "shm comp"), StringComparison.Ordinal);
        Assert.Contains("--no-color\n", Shm.Print("[suggest:9]", "shm ls --"), StringComparison.Ordinal);
        Assert.Contains(name + "\n", Shm.Print("[suggest:7]", "shm ls "), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Prints_a_completion_script(string shell) => Assert.Contains("suggest:", Shm.Print("completion", shell), StringComparison.Ordinal);
}
