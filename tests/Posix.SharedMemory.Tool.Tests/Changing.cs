namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Lengths, names and permissions of objects that are there.</summary>
public sealed class Changing
{
    [Fact]
    public void Resizes()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 100);
        Assert.Equal("", Shm.Print("resize", name, "64K"));
        using var memory = SharedMemoryObject.Open(name);
        Assert.Equal((65536L, 65536L), (memory.Length, memory.GetStatus().AllocatedBytes));
        Shm.Print("resize", name, "1T", "--sparse");
        Assert.Equal((1L << 40, 65536L), (memory.Length, memory.GetStatus().AllocatedBytes));
        Shm.Print("resize", name, "0");
        Assert.Equal(0, memory.Length);
        Assert.Contains("ENOENT", Shm.Fail("resize", objects.Prefix + "none", "1"), StringComparison.Ordinal);
        Assert.Equal("shm: resize: '12Q' is no size: 4096, 64K, 10M, 2G, 1.5GiB, 0x1000 (shm resize --help tells more)", Shm.Refuse("resize", name, "12Q"));
    }

    [Fact]
    public void Moves_replaces_and_exchanges()
    {
        using var objects = new Objects();
        string one = objects.Add("one", 1), two = objects.Add("two", 2);
        Assert.Equal($"shm: mv: {two}: File exists (EEXIST)", Shm.Fail("mv", one, two, "--no-replace"));
        // As rename(2): an object that has the name already is no other.
        Shm.Print("mv", one, one, "--no-replace");
        Assert.Contains("Fail if another object has the new name", Shm.Print("mv", "--help"), StringComparison.Ordinal);
        Shm.Print("mv", one, two, "--exchange");
        Assert.Equal((2, 1), (Objects.Read(one).Length, Objects.Read(two).Length));
        Shm.Print("mv", one, two);
        Assert.Equal(["two"], objects.Names());
        Assert.Equal(2, Objects.Read(two).Length);
        Assert.Equal($"shm: mv: {one}: No such file or directory (ENOENT)", Shm.Fail("mv", one, two));
        Assert.Equal($"shm: mv: {one}: No such file or directory (ENOENT)", Shm.Fail("mv", two, one, "--exchange"));
        Assert.Equal("shm: mv: --no-replace and --exchange exclude each other (shm mv --help tells more)", Shm.Refuse("mv", one, two, "--no-replace", "--exchange"));
    }

    [Theory]
    [InlineData("mkfifo /dev/shm/{1}")]
    [InlineData("ln -s {0} /dev/shm/{1}")]
    [InlineData("ln -s nowhere-at-all /dev/shm/{1}")]
    [InlineData("mkdir /dev/shm/{1}")]
    public void What_is_no_object_is_none_to_all_commands(string make)
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
                Assert.Equal($"shm: {word.Split(' ')[0]}: {other}: Invalid argument (EINVAL): what stands under the name is no shared memory object", line);
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
    public void Refuses_what_is_no_mode(string mode) =>
        Assert.Equal($"shm: chmod: '{mode}' is no mode: 0640, or u=rw,g+r,o-w (shm chmod --help tells more)", Shm.Refuse("chmod", mode, "nothing"));

    [Fact]
    public void Removes_names_and_goes_on_after_one_that_fails()
    {
        using var objects = new Objects();
        string one = objects.Add("one"), two = objects.Add("two");
        var ran = Shm.Run("rm", one, objects.Prefix + "none", "/" + two);
        Assert.Equal($"shm: rm: {objects.Prefix}none: No such file or directory (ENOENT)", Shm.OneLine(ran, exitCode: 1));
        Assert.Empty(objects.Names());
        var dashed = objects.AddRaw("x", "x"u8);
        Shm.Print("mv", "--", dashed, "-" + dashed);
        Assert.Contains("is no option", Shm.Refuse("rm", "-" + dashed), StringComparison.Ordinal);
        Shm.Print("rm", "--", "-" + dashed);
        Assert.Null(SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes("-" + dashed)));
    }

    [Fact]
    public void Removes_many_by_pattern_only_where_that_is_said()
    {
        using var objects = new Objects();
        for (var number = 0; number < 7; number++)
        {
            objects.Add($"{number}");
        }

        var refusal = Shm.Refuse("rm", objects.All);
        Assert.StartsWith($"shm: rm: 7 objects match ({objects.Prefix}0, {objects.Prefix}1,", refusal, StringComparison.Ordinal);
        Assert.EndsWith("…): --yes removes them all", refusal, StringComparison.Ordinal);
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
    public void Asks_on_a_terminal_before_it_removes_many(string answer, int left)
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
