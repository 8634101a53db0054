namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Wrong usage is refused with one line and exit code 2, before anything is touched.</summary>
public sealed class WrongUsage
{
    public static TheoryData<string> Lines =>
    [
        "nonsense", "-x", "--json", "LS", "ls a b", "ls --sort", "ls --sort size", "ls --owner nobody-here", "ls --owner -5", "ls --larger", "ls --larger 1q", "ls --smaller -1", "ls --older 5", "ls --older 5y",
        "ls --newer soon", "ls --jsn", "ls --anonymous FREE", "ls --anonymous --names", "ls --reverse=maybe", @"ls '\q'", @"rm '\q*'", "stat", "stat NAME FREE", "stat --nope NAME", "stat NAME --json=2", "who", "who NAME x", "who --pid NAME",
        "create", "create FREE", "create FREE 1 2", "create FREE -1", "create FREE 1.0000001K", "create FREE 16E", "create FREE 99999999999999999999", "create FREE 0x", "create FREE 1KB1", "create FREE 1 --mode", "create FREE 1 --mode 8",
        "create FREE 1 --mode 10000", "create FREE 1 --mode u+q", "create FREE 1 --from", "create FREE 1 --sparse=x", "create FREE/x 1", "create .. 1", "write", "write NAME a b", "write NAME --offset", "write NAME --offset x",
        "write NAME --offset -1", "cat", "cat NAME FREE", "cat NAME --pid 1", "cat --pid 1", "cat --fd 1", "cat --pid x --fd 1", "cat --pid -1 --fd 1", "cat NAME --length x", "cat NAME --offset 99E", "dump", "dump NAME --length", "dump NAME x",
        "resize", "resize NAME", "resize NAME x", "resize NAME -1", "resize NAME 1 2", "resize NAME 9E", "mv", "mv NAME", "mv NAME FREE x", "mv NAME FREE --no-replace --exchange", "mv NAME .", "rm", "rm --if-unused", "rm --yes", "rm --yes=no NAME", "rm --yes:NAME", "rm -y=NAME", "rm --if-unused=NAME", "rm NAME --maybe",
        "rm ''", "chmod", "chmod 0600", "chmod 9 NAME", "chmod u=z NAME", "chmod 0600 NAME FREE", "chown", "chown 0", "chown : NAME", "chown 0:0 NAME x", "create FREE 1 --group", "create FREE 1 --on-conflict x", "df x", "df --sort", "gc --dry-run --remove", "gc --older x", "gc a b", "completion", "completion tcsh", "completion bash zsh", "map", "map NAME x",
        "map NAME --svg", "map NAME --svg ''", "create FREE --from ''", "write NAME ''", "demo --role", "watch a b", "top x", "top --json", "map NAME --json --svg x", "watch --count 0", "watch --count -1", "watch --count x", "top --interval -1", "top --sort x", "doctor x",
    ];

    [Theory]
    [MemberData(nameof(Lines))]
    public void Is_one_line_and_touches_nothing(string words)
    {
        using var objects = new Objects();
        var name = objects.Add("name", 5000);
        var line = words.Replace("NAME", name, StringComparison.Ordinal).Replace("FREE", objects.Prefix + "free", StringComparison.Ordinal);
        Assert.StartsWith("shm: ", Shm.OneLine(Shm.Shell($"$SHM {line} < /dev/null"), exitCode: 2), StringComparison.Ordinal);
        Assert.Equal(["name"], objects.Names());
        using var memory = SharedMemoryObject.Open(name);
        Assert.Equal((5000, UnixFileMode.UserRead | UnixFileMode.UserWrite), (memory.Length, memory.Permissions));
    }

    [Theory]
    [InlineData("shm: map: --json and --svg cannot be used together (see shm map --help)", "map", "x", "--json", "--svg", "y")]
    [InlineData("shm: watch: '0' is not a number from 1 on (see shm watch --help)", "watch", "--count", "0")]
    [InlineData("shm: top: --json needs --once (see shm top --help)", "top", "--json")]
    public void Says_where_to_find_help(string line, params string[] words) => Assert.Equal(line, Shm.Refuse(words));

    [Theory]
    [InlineData("create {0}b 8E")]
    [InlineData("create {0}b 7.9E --sparse")]
    [InlineData("create {0}b 100P")]
    [InlineData("resize {0}a 4E")]
    [InlineData("cat {0}a --offset 7E")]
    [InlineData("dump {0}a --offset 7E --length 7E")]
    [InlineData("write {0}a --offset 7E /dev/null")]
    public void A_size_that_no_machine_has_is_one_line(string words)
    {
        using var objects = new Objects();
        objects.Add("a");
        var ran = Shm.Shell("$SHM " + words.Replace("{0}", objects.Prefix, StringComparison.Ordinal));
        if (ran.ExitCode == 0)
        {
            // Sparse, the kernel takes nearly anything.
            Assert.Contains("--sparse", words, StringComparison.Ordinal);
        }
        else
        {
            Shm.OneLine(ran, exitCode: ran.ExitCode);
            Assert.InRange(ran.ExitCode, 1, 2);
            Assert.Equal(["a"], objects.Names());
        }
    }

    [Fact]
    public void Objects_of_the_greatest_length_are_listed_like_all_others()
    {
        using var objects = new Objects();
        objects.Add("one", long.MaxValue, backing: Backing.Sparse);
        objects.Add("two", long.MaxValue, backing: Backing.Sparse);
        Assert.Matches(@"2 of \d+ objects, 9223372036854775807 long, 0 allocated\n\z|2 objects, 9223372036854775807 long, 0 allocated\n\z", Shm.Print("ls", objects.All, "--bytes"));
        Assert.Equal(2, Objects.Json(Shm.Print("ls", objects.All, "--json", "--larger", "1E")).GetArrayLength());
        Assert.Contains("8E", Shm.Print("stat", objects.Prefix + "one"), StringComparison.Ordinal);
        Assert.Contains("hole: 9223372036854775807 bytes", Shm.Print("dump", objects.Prefix + "one"), StringComparison.Ordinal);
        Shm.Print("resize", objects.Prefix + "one", "1");
    }
}
