namespace Posix.SharedMemory.Tool.Tests;

public sealed class LiveView
{
    private const int SIGHUP = 1, SIGINT = 2, SIGTERM = 15, SIGTSTP = 20, SIGCONT = 18;

    [SkippableFact]
    public void Shows_sorts_filters_scrolls_and_quits()
    {
        using var objects = new Objects();
        objects.Add("small", 4096);
        objects.Add("large", 1 << 20);
        objects.Add("sparse", 8 << 20, backing: Backing.Sparse);
        using var terminal = OnTerminal.Start(100, 24, "top", "--interval", "0.2");
        terminal.Expect("shm top - ");
        terminal.Type($"/{objects.Prefix}");
        terminal.Expect("Enter applies it, Esc cancels");
        terminal.Type("\\r");
        terminal.Expect("q quit");
        var screen = terminal.Expect($"filter: {objects.Prefix}   ".TrimEnd());
        Assert.Equal(24, screen.Length);
        Assert.Equal(["MODE", "OWNER", "HOLDERS", "LENGTH", "vALLOCATED", "MODIFIED", "NAME"], screen[3].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["large", "small", "sparse"], Names(objects, screen));
        Assert.StartsWith("q quit  ? help", screen[^1], StringComparison.Ordinal);

        terminal.Type("l");
        Assert.Equal(["sparse", "large", "small"], Names(objects, terminal.Expect("vLENGTH")));
        terminal.Type("r");
        Assert.Equal(["small", "large", "sparse"], Names(objects, terminal.Expect("^LENGTH")));
        terminal.Type("n");
        Assert.Equal(["sparse", "small", "large"], Names(objects, terminal.Expect("^NAME")));
        terminal.Type("h");
        terminal.Expect("^HOLDERS");
        terminal.Type("t");
        terminal.Expect("^MODIFIED");
        terminal.Type("?");
        Assert.Contains("  l        sort by length", terminal.Expect("Press any key to go back."));
        terminal.Type("x");
        terminal.Expect("^MODIFIED");

        // Objects that appear meanwhile are shown.
        var late = objects.Add("later");
        terminal.Expect(late);
        terminal.Type("q");
        Assert.Equal(0, terminal.EndRestored());
    }

    [SkippableFact]
    public void Follows_the_size_of_the_terminal_and_scrolls()
    {
        using var objects = new Objects();
        for (var number = 10; number < 40; number++)
        {
            objects.Add($"{number}-with a name that is longer than the terminal is wide");
        }

        using var terminal = OnTerminal.Start(100, 24, "top", "--sort", "name", "--filter", objects.Prefix, "--interval", "0.2");
        terminal.Expect("1-19 of 30");
        terminal.Resize(85, 12);
        var screen = terminal.Expect("1-7 of 30");
        Assert.Equal(12, screen.Length);
        Assert.All(screen, line => Assert.True(line.Length <= 85, line));
        Assert.Contains(screen, line => line.EndsWith('…'));
        Assert.Contains(objects.Prefix + "10", screen[4], StringComparison.Ordinal);
        terminal.Type("\\x1b[6~");
        Assert.Contains(objects.Prefix + "17", terminal.Expect("8-14 of 30")[4], StringComparison.Ordinal);
        terminal.Type("q");
        Assert.Equal(0, terminal.EndRestored());
    }

    [SkippableFact]
    public void Selects_an_object_and_shows_which_processes_hold_it()
    {
        using var objects = new Objects();
        var first = objects.Add("a");
        var held = objects.Add("b");
        objects.Add("c");
        using var holder = SharedMemoryObject.Open(held);
        using var terminal = OnTerminal.Start(100, 24, "top", "--sort", "name", "--filter", objects.Prefix, "--interval", "0.2");
        terminal.Expect("q quit");
        terminal.Type("\\x1b[B");
        terminal.Expect(">" + first);
        terminal.Type("\\x1b[B");
        terminal.Expect(">" + held);
        // The selection follows the object when the order changes.
        terminal.Type("r");
        terminal.Expect(">" + held);
        terminal.Type("\\r");
        Assert.Contains(terminal.Expect("Press any key to go back."), line => line.TrimStart().StartsWith($"{Environment.ProcessId} ", StringComparison.Ordinal));
        terminal.Type("x");
        terminal.Expect(">" + held);
        terminal.Type("\\x1b[B");
        terminal.Expect(">" + first);
        terminal.Type("\\r");
        terminal.Expect("Press any key to go back.");
        terminal.Type("q");
        Assert.Equal(0, terminal.EndRestored());
    }

    [Fact]
    public void The_selection_stays_in_its_place_when_its_object_is_gone_and_inside_the_page()
    {
        using var objects = new Objects();
        var entry = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(objects.Add("a")))!;
        var view = new TopView(TopOrder.Of("name"), isReverse: false, "");
        using var terminal = new Terminal("top", mayUseColor: false);
        Assert.Null(Selected("abcdef"));
        Press(ConsoleKey.DownArrow);
        Assert.Equal("a", Selected("abcdef"));
        Press(ConsoleKey.End);
        Assert.Equal("f", Selected("abcdef"));
        Press(ConsoleKey.UpArrow);
        Assert.Equal("e", Selected("abcdef"));
        Assert.Equal("f", Selected("abcdf"));
        Assert.Equal("b", Selected("ab"));
        Press(ConsoleKey.PageUp);
        Assert.Equal("a", Selected("abcdef"));
        Press(ConsoleKey.Enter);
        Assert.Contains("No holder was found; whether a process holds it is unknown.", Draw("abcdef"));
        // An object that is gone has no holders to show.
        Assert.Equal("b", Selected("bcdef"));
        Assert.Null(Selected(""));
        Press(ConsoleKey.Enter);
        Assert.Null(Selected("abc"));
        Press(ConsoleKey.DownArrow);
        Assert.Equal("a", Selected("abc"));
        Press(ConsoleKey.Escape);
        Assert.Null(Selected("abc"));

        void Press(ConsoleKey key) => view.Press(new('\0', key, shift: false, alt: false, control: false), 3);

        List<string> Draw(string names) => view.Draw(new(DateTimeOffset.UnixEpoch, [.. names.Select(name => new TopRow(name.ToString(), entry, default))], Usage: null), terminal, 100, height: 8);

        string? Selected(string names) => Draw(names).Find(line => line.Contains('>', StringComparison.Ordinal))?.Split('>')[1].TrimEnd();
    }

    [SkippableTheory]
    [InlineData(SIGINT)]
    [InlineData(SIGTERM)]
    [InlineData(SIGHUP)]
    public void Restores_the_terminal_when_a_signal_ends_it(int signal)
    {
        using var terminal = OnTerminal.Start(80, 24, "top");
        terminal.Expect("q quit");
        terminal.Signal(signal);
        Assert.Equal(0, terminal.EndRestored());
    }

    [SkippableFact]
    public void Restores_the_terminal_when_it_is_stopped_and_takes_it_over_again_when_continued()
    {
        using var terminal = OnTerminal.Start(80, 24, "top", "--interval", "0.2");
        terminal.Expect("q quit");
        terminal.Signal(SIGTSTP);
        Assert.True(terminal.IsRestoredByStop());
        terminal.Signal(SIGCONT);
        terminal.Expect("q quit");
        terminal.Type("?");
        terminal.Expect("Press any key to go back.");
        terminal.Type("x");
        terminal.Expect("q quit");
        terminal.Type("q");
        Assert.Equal(0, terminal.EndRestored());
    }

    [Fact]
    public void Refuses_to_be_live_without_a_terminal_and_prints_once()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 1536);
        Assert.Equal("shm: top: a live view needs a terminal; use --once to print the current state", Shm.Refuse("top"));
        Assert.Equal("shm: top: '0' is not a number of seconds; examples: 0.5, 2 (see shm top --help)", Shm.Refuse("top", "--interval", "0"));
        var lines = Shm.Print("top", "--once", "--filter", objects.Prefix).TrimEnd('\n').Split('\n');
        Assert.Equal(5, lines.Length);
        Assert.Matches(@"^shm top - \d\d:\d\d:\d\d   \d+ objects?, \d+ unused", lines[0]);
        Assert.Matches(@"^rw------- \S+ +\S+ +1\.5K +4K +(now|\d+s)  " + name + "$", lines[4]);
        Assert.DoesNotContain("\e[", string.Concat(lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(85, "MODE OWNER HOLDERS LENGTH vALLOCATED MODIFIED NAME")]
    [InlineData(70, "OWNER HOLDERS LENGTH vALLOCATED MODIFIED NAME")]
    [InlineData(50, "HOLDERS LENGTH vALLOCATED NAME")]
    [InlineData(30, "vALLOCATED NAME")]
    [InlineData(10, "NAME")]
    public void Keeps_the_name_on_a_narrow_terminal_and_leaves_out_other_columns(int width, string columns)
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        var entry = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(name))!;
        var view = new TopView(TopOrder.Of("allocated"), isReverse: false, "");
        using var terminal = new Terminal("top", mayUseColor: false);
        var lines = view.Draw(new(DateTimeOffset.UnixEpoch, [new(name, entry, default)], Usage: null), terminal, width, height: 10);
        Assert.Equal(columns, string.Join(' ', lines[3].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Contains(name[..Math.Min(name.Length, width - 3)][..5], lines[4], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
    }

    [Fact]
    public void Cuts_names_by_their_width_in_columns()
    {
        using var objects = new Objects();
        var name = objects.Add("幅広い名前");
        var entry = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(name))!;
        var view = new TopView(TopOrder.Of("name"), isReverse: false, "");
        using var terminal = new Terminal("top", mayUseColor: false);
        var width = 60 + objects.Prefix.Length + 5;
        var lines = view.Draw(new(DateTimeOffset.UnixEpoch, [new(name, entry, default)], Usage: null), terminal, width, height: 10);
        Assert.EndsWith(objects.Prefix + "幅広…", lines[4], StringComparison.Ordinal);
    }

    private static string[] Names(Objects objects, string[] screen) =>
        [.. screen.Where(line => line.Contains("  " + objects.Prefix, StringComparison.Ordinal)).Select(line => line[(line.IndexOf(objects.Prefix, StringComparison.Ordinal) + objects.Prefix.Length)..].TrimEnd())];
}
