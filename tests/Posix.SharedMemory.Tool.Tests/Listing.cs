namespace Posix.SharedMemory.Tool.Tests;

public sealed class Listing
{
    private static readonly string s_user = Environment.IsPrivilegedProcess ? "root" : Shm.Shell("id -un 2>/dev/null || id -u").Output.Trim();

    [Fact]
    public void Shows_names_sizes_modes_owners_and_ages_in_a_table_with_totals()
    {
        using Objects objects = new(), others = new();
        others.Add("other");
        objects.Add("b", 65536, (UnixFileMode)0b110_100_000);
        objects.Add("a", 1536);
        objects.Add("c c", 1 << 20, backing: Backing.Sparse);
        var lines = objects.Normal(Shm.Print("ls", objects.All)).Split('\n');
        Assert.Equal(["MODE", "OWNER", "GROUP", "HOLDERS", "LENGTH", "ALLOCATED", "MODIFIED", "NAME"], lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["a", "b", "c c"], lines[1..4].Select(line => line.Split("  ")[^1]));
        Assert.Equal(["rw-r-----", s_user], lines[2].Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2]);
        Assert.Equal(["1.5K", "4K"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[4..6]);
        Assert.Equal(["1M", "0"], lines[3].Split(' ', StringSplitOptions.RemoveEmptyEntries)[4..6]);
        Assert.Matches(@"^3 of \d+ objects, 1.1M long, 68K allocated$", lines[4]);
    }

    [Fact]
    public void Prints_JSON_with_the_documented_fields()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 1536, (UnixFileMode)0b110_100_000);
        using var memory = SharedMemoryObject.Open(name);
        var fact = Assert.Single(Objects.Json(Shm.Print("ls", name, "--json")).EnumerateArray());
        var status = memory.GetStatus();
        Assert.Equal(
            (name, 1536L, 4096L, "0640", status.UserId, status.GroupId),
            (fact.GetProperty("name").GetString(), fact.GetProperty("length").GetInt64(), fact.GetProperty("allocated").GetInt64(), fact.GetProperty("mode").GetString(),
                fact.GetProperty("uid").GetUInt32(), fact.GetProperty("gid").GetUInt32()));
        Assert.True(fact.GetProperty("holders").GetInt32() >= 1);
        Assert.Equal(status.LastWriteTime, fact.GetProperty("modified").GetDateTimeOffset());
        Assert.False(fact.TryGetProperty("escaped", out _));
    }

    [Fact]
    public void JSON_includes_the_holders_even_with_names_only()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        using var memory = SharedMemoryObject.Open(name);
        var fact = Assert.Single(Objects.Json(Shm.Print("ls", name, "--names", "--json")).EnumerateArray());
        Assert.InRange(fact.GetProperty("holders").GetInt32(), 1, int.MaxValue);
    }

    [Fact]
    public void Sorts_and_filters()
    {
        using var objects = new Objects();
        objects.Add("small", 1000);
        objects.Add("large", 300_000);
        objects.Add("middle", 20_000);
        File.SetLastWriteTimeUtc("/dev/shm/" + objects.Prefix + "middle", new(2002, 3, 4, 5, 6, 7, DateTimeKind.Utc));
        string[] List(params string[] options) =>
            [.. Shm.Print(["ls", objects.All, "--names", .. options]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name[objects.Prefix.Length..])];
        Assert.Equal(["large", "middle", "small"], List());
        Assert.Equal(["small", "middle", "large"], List("--reverse"));
        Assert.Equal(["large", "middle", "small"], List("--sort", "length"));
        Assert.Equal(["middle", "small", "large"], List("--sort", "modified", "-r"));
        Assert.Equal(["large"], List("--larger", "100K"));
        Assert.Equal(["small"], List("--smaller", "20000"));
        Assert.Equal(["middle"], List("--older", "52w"));
        Assert.Equal(["large", "small"], List("--newer", "1h"));
        Assert.Equal(["large", "middle", "small"], List("--owner", s_user));
        Assert.Empty(List("--owner", "4294967290"));
        using var held = SharedMemoryObject.Open(objects.Prefix + "large");
        Watchdog.Until(() => List("--orphaned") is ["middle", "small"], "the unused ones");
        Assert.Equal("large", List("--sort", "holders")[0]);
        Assert.Equal("small", Shm.Print("ls", objects.Prefix + "smal?", "--names").TrimEnd('\n')[objects.Prefix.Length..]);
    }

    [Fact]
    public void A_missing_name_is_a_failure_and_a_pattern_without_matches_is_not()
    {
        using var name = new TemporaryName();
        Assert.Equal($"shm: ls: {name}: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("ls", name));
        Assert.Equal("", Shm.Print("ls", name + "*", "--names"));
        Assert.Equal("[]\n", Shm.Print("ls", name + "*", "--json"));
    }

    [Fact]
    public void Odd_names_are_printed_escaped_and_accepted_that_way()
    {
        using var objects = new Objects();
        string[] names =
        [
            objects.AddRaw(@"a b", "a b"u8), objects.AddRaw(@"line\nbreak\t", "line\nbreak\t"u8), objects.AddRaw(@"\xFF\xFE", [0xFF, 0xFE]), objects.AddRaw(@"back\\slash", @"back\slash"u8),
            objects.AddRaw(@"\x1B[31mred", "\e[31mred"u8), objects.AddRaw("é∑", "é∑"u8), objects.AddRaw(@"end\x20", "end "u8), objects.AddRaw(@"\xE2\x80\xAEbidi", "\u202Ebidi"u8),
        ];
        Assert.Equal(names.Order(StringComparer.Ordinal), Shm.Print("ls", objects.All, "--names").TrimEnd('\n').Split('\n').Order(StringComparer.Ordinal));
        foreach (var name in names)
        {
            Assert.Contains(name + "\n", Shm.Print("stat", name), StringComparison.Ordinal);
            var fact = Objects.Json(Shm.Print("stat", name, "--json"));
            Assert.Equal(name, fact.TryGetProperty("escaped", out var escaped) ? escaped.GetString() : fact.GetProperty("name").GetString());
            Shm.Print("resize", name, "5");
            Assert.Equal("\0\0\0\0\0", Shm.Print("cat", name));
            Shm.Print("chmod", "0600", name);
        }

        Shm.Print(["rm", .. names[..^1]]);
        Shm.Print("mv", names[^1], objects.Prefix + "plain");
        Assert.Equal(["plain"], objects.Names());
    }

    [Fact]
    public void Objects_that_vanish_meanwhile_do_no_harm()
    {
        using var objects = new Objects();
        var stays = objects.Add("stays");
        using var stop = new CancellationTokenSource();
        var churning = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                SharedMemoryObject.Unlink(objects.Add("churned"));
            }
        });
        for (var round = 0; round < 5; round++)
        {
            Assert.Contains(stays, Shm.Print("ls"), StringComparison.Ordinal);
            // Other tests ask the kernel about all objects, which opens each of them for a moment.
            Watchdog.Until(() => Shm.Print("gc", objects.All).Contains(stays, StringComparison.Ordinal), "the last process to close it");
            Shm.Print("df");
        }

        stop.Cancel();
        Watchdog.Run(() => churning.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the other");
        Assert.Null(churning.Exception);
    }

    [SkippableFact]
    public void Uses_colours_only_on_terminals_that_want_them_and_leaves_out_columns_that_do_not_fit()
    {
        using var objects = new Objects();
        objects.Add("a");
        Skip.IfNot(Installed.Has("script"), "script is not installed: there is no terminal to run in.");
        string InTerminal(string command, params (string, string)[] environment)
        {
            var ran = Shm.Shell($"script -qec \"{command}\" /dev/null", [("TERM", "xterm"), .. environment]);
            Assert.Equal(0, ran.ExitCode);
            return ran.Output;
        }

        var ls = $"$SHM ls '{objects.All}'";
        Assert.Contains("\e[1mMODE\e[0m", InTerminal(ls), StringComparison.Ordinal);
        Assert.DoesNotContain("\e[1m", InTerminal(ls + " --no-color"), StringComparison.Ordinal);
        Assert.DoesNotContain("\e[1m", InTerminal(ls, ("NO_COLOR", "1")), StringComparison.Ordinal);
        Assert.DoesNotContain("\e[1m", Shm.Print("ls", objects.All), StringComparison.Ordinal);
        Assert.Contains("GROUP", InTerminal("stty cols 200; " + ls), StringComparison.Ordinal);
        Assert.DoesNotContain("GROUP", InTerminal("stty cols 60; " + ls), StringComparison.Ordinal);
        var room = objects.Prefix.Length + 1;
        Assert.Matches(@"\AMODE +OWNER +HOLDERS +LENGTH +MODIFIED +NAME\r\n", InTerminal($"COLUMNS={room + 50} {ls} --no-color"));
        Assert.Matches(@"\AOWNER +HOLDERS +LENGTH +NAME\r\n", InTerminal($"COLUMNS={room + 30} {ls} --no-color"));
        Assert.Matches(@"\AHOLDERS +LENGTH +NAME\r\n", InTerminal($"COLUMNS=20 {ls} --no-color"));
    }
}
