using System.Text;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Every command takes every name that an object can have, as the command itself prints it.</summary>
public sealed class OddNames
{
    public static TheoryData<string, byte[]> Names => new()
    {
        { "two words\\x20", "two words "u8.ToArray() },
        { @"line\nbreak", "line\nbreak"u8.ToArray() },
        { @"\xFF\xFE", [0xFF, 0xFE] },
        { @"\x1B[31mred", "\x1B[31mred"u8.ToArray() },
        { @"tab\tstop", "tab\tstop"u8.ToArray() },
        { @"back\\slash", "back\\slash"u8.ToArray() },
        { "quote'\"s", "quote'\"s"u8.ToArray() },
        { "größe", "größe"u8.ToArray() },
        { @"half\xC3", [.. "half"u8, 0xC3] },
        { @"star\*", "star*"u8.ToArray() },
        { @"\?!", "?!"u8.ToArray() },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Are_accepted_as_they_are_printed(string printed, byte[] bytes)
    {
        using var objects = new Objects();
        var name = objects.AddRaw(printed, bytes);
        Assert.Equal($"{name}\n", Shm.Print("ls", "--names", objects.All));
        Assert.Equal($"{name}\n", Shm.Print("ls", "--names", name));
        Shm.Print("chmod", "0600", name);
        Shm.Print("resize", name, "3");
        Assert.Equal(0, Shm.Run("abc"u8.ToArray(), "write", name).ExitCode);
        Assert.Equal("abc", Shm.Print("cat", name));
        Assert.StartsWith("00000000  61 62 63", Shm.Print("dump", name), StringComparison.Ordinal);
        Assert.Contains($"Name:      {name}\n", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.Matches(@"^(No process holds it\.|A process holds it that cannot be seen from here\.)\n", Shm.Print("who", name));
        Assert.Equal(Encoding.UTF8.GetString([.. Encoding.ASCII.GetBytes(objects.Prefix), .. bytes]), Objects.Json(Shm.Print("stat", name, "--json")).GetProperty("name").GetString());
        Shm.Print("map", name);
        Shm.Print("mv", name, objects.Prefix + "plain");
        Assert.Equal(["plain"], objects.Names());
        Shm.Print("rm", objects.Prefix + "plain");
    }

    [Fact]
    public void A_backslash_makes_wildcards_ordinary_characters()
    {
        using var objects = new Objects();
        foreach (var (escaped, name) in (ReadOnlySpan<(string, string)>)[(@"a\*", "a*"), (@"a\*b", "a*b"), ("ab", "ab"), (@"a\\b", @"a\b"), ("é", "é")])
        {
            objects.AddRaw(escaped, Encoding.UTF8.GetBytes(name));
        }

        objects.AddRaw(@"\xFF", [0xFF]);
        string[] List(string pattern) => [.. Shm.Print("ls", "--names", objects.Prefix + pattern).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name[objects.Prefix.Length..])];
        Assert.Equal([@"a\*"], List(@"a\*"));
        Assert.Equal([@"a\*"], List(@"a\x2A"));
        Assert.Equal([@"a\*", @"a\*b"], List(@"a\**"));
        Assert.Equal([@"a\*", @"a\*b"], List(@"a\x2A*"));
        Assert.Equal([@"a\*b", @"a\\b"], List("a?b"));
        Assert.Equal([@"a\\b"], List(@"a\\*"));
        // A sign for one character, also where that is printed as four.
        Assert.Equal(["é", @"\xFF"], List("?"));
        objects.AddRaw("😀", "😀"u8);
        Assert.Equal(["é", "😀", @"\xFF"], List("?"));
        // Also after a star that starts the pattern, and where a star has to try more than once.
        Assert.Equal([@"a\\b"], [.. Shm.Print("ls", "--names", $"*{objects.Prefix}a\\\\b").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name[objects.Prefix.Length..])]);
        Assert.Equal([@"a\*b", @"a\\b", "ab"], List("*b"));
        Assert.Equal([@"a\*b"], List(@"*\*?"));
        Assert.Equal(["ab"], List("*ab"));
        Assert.Empty(List("a*b*b*"));
        // As it is typed, and as it is printed.
        Assert.Contains(objects.Prefix + @"a\*b", Shm.Print("top", "--once", "--filter", objects.Prefix + "a*b"), StringComparison.Ordinal);
        Assert.Contains(objects.Prefix + @"a\*b", Shm.Print("top", "--once", "--filter", objects.Prefix + @"a\*b"), StringComparison.Ordinal);
        Assert.Equal([@"\xFF"], List(@"\xFF*"));
        foreach (var wrong in (string[])[@"\q", @"\q*", @"*\", @"*\x2"])
        {
            Assert.Contains(@"a backslash must be part of \\, \*, \?, \n, \t, \r or \xNN", Shm.Refuse("rm", "-y", objects.Prefix + wrong), StringComparison.Ordinal);
        }

        Assert.Equal($@"shm: rm: {objects.Prefix}\?x*: no object matches", Shm.Fail("rm", objects.Prefix + @"\?x*"));
        Shm.Print("rm", objects.Prefix + @"a\*");
        Assert.Equal(6, objects.Names().Count);
    }

    [Fact]
    public void JSON_has_the_name_itself_and_as_it_is_printed_if_that_differs()
    {
        using var objects = new Objects();
        var name = objects.AddRaw(@"a\n\xFF", "a\n"u8.ToArray().Append((byte)0xFF).ToArray());
        var raw = objects.Prefix + "a\n\uFFFD";
        foreach (var words in (string[][])[["ls", name], ["stat", name], ["who", name], ["map", name], ["top", "--once", "--filter", objects.Prefix]])
        {
            var fact = Objects.Json(Shm.Print([.. words, "--json"]));
            fact = fact.ValueKind == System.Text.Json.JsonValueKind.Array ? Assert.Single(fact.EnumerateArray()) : fact;
            Assert.Equal((raw, name), (fact.GetProperty("name").GetString(), fact.GetProperty("escaped").GetString()));
        }

        // A process that another test starts holds our descriptors too, until it executes its program.
        Watchdog.Until(() => Objects.Json(Shm.Print("gc", objects.All, "--json")).EnumerateArray().Any(fact => fact.GetProperty("escaped").GetString() == name), "an orphan");
        using var watching = Shm.Start("watch", name, "--json");
        var started = Objects.Json(watching.ReadLine());
        Assert.Equal((raw, name), (started.GetProperty("name").GetString(), started.GetProperty("escaped").GetString()));
        SharedMemoryDirectory.Find([.. Encoding.ASCII.GetBytes(objects.Prefix), .. "a\n"u8, 0xFF])!.Rename(objects.Prefix + "b", RenameMode.Replace);
        var renamed = started;
        while (renamed.GetProperty("event").GetString() is "started" or "held" or "released")
        {
            renamed = Objects.Json(watching.ReadLine());
        }

        Assert.Equal(
            (objects.Prefix + "b", false, raw, name),
            (renamed.GetProperty("name").GetString(), renamed.TryGetProperty("escaped", out _), renamed.GetProperty("old_name").GetString(), renamed.GetProperty("old_escaped").GetString()));
        watching.Kill();
        var plain = Objects.Json(Shm.Print("who", objects.Prefix + "b", "--json"));
        Assert.False(plain.TryGetProperty("escaped", out _));
    }

    [Fact]
    public void A_name_of_255_bytes_and_one_that_begins_with_a_dash()
    {
        using var objects = new Objects();
        var name = objects.Prefix + new string('n', 255 - objects.Prefix.Length);
        Shm.Print("create", name, "3");
        Assert.Equal($"{name}\n", Shm.Print("ls", "--names", name));
        Assert.Equal(3, Shm.Run("cat", name).Bytes.Length);
        Assert.Contains("255 bytes", Shm.Refuse("create", name + "n", "3"), StringComparison.Ordinal);
        Shm.Print("rm", name);

        var dashed = "-" + objects.Prefix;
        try
        {
            Shm.Print("create", "--", dashed, "3");
            Assert.Equal($"{dashed}\n", Shm.Print("ls", "--names", "--", dashed));
            Assert.Equal("\0\0\0", Shm.Print("cat", "--length", "3", "--", dashed));
            Assert.Equal("\0\0\0", Shm.Print("cat", "/" + dashed));
            Assert.Contains("unknown option", Shm.Refuse("cat", dashed), StringComparison.Ordinal);
        }
        finally
        {
            Shm.Print("rm", "--", dashed);
        }
    }

    [Fact]
    public void An_owner_without_permissions_may_change_them()
    {
        using var objects = new Objects();
        var name = objects.Add("a", mode: UnixFileMode.UserWrite);
        Shm.Print("chmod", "0", name);
        Assert.Equal(UnixFileMode.None, SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name))!.Permissions);
        Shm.Print("chmod", "u+r", name);
        Assert.Equal(4096, Shm.Run("cat", name).Bytes.Length);
        Assert.Equal($"shm: chmod: {objects.Prefix}b: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("chmod", "0600", objects.Prefix + "b"));
    }
}
