using System.CommandLine;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>What the command answers before it touches anything: version, help, wrong usage, completion.</summary>
public sealed class Asking
{
    [Fact]
    public void Tells_its_version()
    {
        var version = Shm.Print("--version");
        Assert.Matches(@"^shm \d+\.\d+\.\d+[-.\w]*\n$", version);
        Assert.Equal(version, Shm.Print("--no-color", "--version"));
    }

    [Theory]
    [InlineData("shm: which command? (shm --help tells more)")]
    [InlineData("shm: 'frames' is no command (shm --help tells more)", "frames")]
    [InlineData("shm: ls: '--larg' is no option; a name that begins with a dash stands behind -- (shm ls --help tells more)", "ls", "--larg")]
    [InlineData("shm: ls: Unrecognized command or argument 'b' (shm ls --help tells more)", "ls", "a", "b")]
    [InlineData("shm: rm: Required argument 'NAME' missing for command: 'rm' (shm rm --help tells more)", "rm")]
    [InlineData("shm: cat: Required argument missing for option: '--offset' (shm cat --help tells more)", "cat", "a", "--offset")]
    [InlineData("shm: ls: 'yes' is no span of time: 30s, 5m, 2h, 7d, 3w (shm ls --help tells more)", "ls", "--older", "yes")]
    [InlineData("shm: ls: 'nobody at all' is no user here (shm ls --help tells more)", "ls", "--owner", "nobody at all")]
    [InlineData("shm: ls: 'size' is no ORDER: name, length, allocated, owner, holders, modified (shm ls --help tells more)", "ls", "--sort", "size")]
    [InlineData("shm: completion: 'tcsh' is no shell: bash, zsh, fish (shm completion --help tells more)", "completion", "tcsh")]
    public void Refuses_wrong_usage_in_one_line(string line, params string[] words) => Assert.Equal(line, Shm.Refuse(words));

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
    public void No_flag_takes_the_word_behind_it()
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
    public void A_word_behind_a_flag_is_a_name()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        using var held = SharedMemoryObject.Open(name);
        var ran = Shm.Run("rm", name, "--if-unused", "false");
        Assert.Equal((1, 2), (ran.ExitCode, ran.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.Equal(["a"], objects.Names());
        Assert.Equal("No object that nobody holds\n", Shm.Print("gc", "--remove", "false"));
        Assert.Contains("no object matches", Shm.Fail("rm", "-y", objects.Prefix + "none*"), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_two_words_ask_for_help()
    {
        using var objects = new Objects();
        Assert.Equal(Shm.Print("ls", "--help"), Shm.Print("ls", "-h"));
        Assert.Contains("'-?' is no option", Shm.Refuse("ls", "-?"), StringComparison.Ordinal);
        Assert.Equal("shm: stat: h: No such file or directory (ENOENT)", Shm.Fail("stat", "/h"));
        Assert.Equal("", Shm.Print("ls", "--names", "/?" + objects.Prefix));
        Assert.DoesNotContain("Usage", Shm.Run("ls", "--names", "/?").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_shows_no_argument_as_required_that_may_be_left_out()
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
