namespace Posix.SharedMemory.Tool.Tests;

/// <summary><c>shm manual</c>.</summary>
public sealed class Manual
{
    [Fact]
    public void Has_every_command_with_its_arguments_options_and_examples()
    {
        var page = Shm.Print("manual");
        Assert.StartsWith(".TH SHM 1", page, StringComparison.Ordinal);
        var commands = Words(Section(Shm.Print("--help"), "Commands:"));
        Assert.Contains("doctor", commands);
        foreach (var command in commands)
        {
            Assert.Contains($"\n.SS {command}", page, StringComparison.Ordinal);
            var help = Shm.Print(command, "--help");
            Assert.All(
                Words(Section(help, "Options:")).Where(word => word.StartsWith("--", StringComparison.Ordinal) && word is not ("--help" or "--no-color")),
                option => Assert.Contains(option.Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
            Assert.All(
                Section(help, "Examples:"),
                example => Assert.Contains(example.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Has_the_common_options_and_none_that_is_hidden()
    {
        var page = Shm.Print("manual");
        Assert.All((string[])["--no-color", "--help", "--version"], option => Assert.Contains($"\\fB{option.Replace("-", "\\-", StringComparison.Ordinal)}\\fR\n", page, StringComparison.Ordinal));
        Assert.All((string[])["role", "object"], option => Assert.DoesNotContain($"\\-\\-{option}", page, StringComparison.Ordinal));
        Assert.Contains(".B 141\n", page, StringComparison.Ordinal);
        Assert.Contains(".I escaped\n", page, StringComparison.Ordinal);
        Assert.All((string[])[@"\er", @"\ex2A", @"\ex3F", @"\e*", @"\e?"], escape => Assert.Contains(escape, page, StringComparison.Ordinal));
        Assert.DoesNotContain("left alone", page, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Is_accepted_by_the_formatter_without_a_warning()
    {
        Skip.IfNot(Installed.Has("groff"), "groff is not installed.");
        var formatted = Shm.Shell("\"$SHM\" manual | groff -man -ww -Tutf8 2>&1 >/dev/null");
        Assert.Equal((0, ""), (formatted.ExitCode, formatted.Output));
    }

    /// <summary>The lines below a heading, without those that only go on.</summary>
    private static string[] Section(string help, string heading) =>
        [.. help.Split('\n').SkipWhile(line => line != heading).Skip(1).TakeWhile(line => line.Length > 0).Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ').Select(line => line.Trim())];

    /// <summary>The first words of each line, up to the description.</summary>
    private static string[] Words(string[] lines) =>
        [.. lines.SelectMany(line => line.Split("  ")[0].Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)).Where(word => word[0] is not ('<' or '['))];
}
