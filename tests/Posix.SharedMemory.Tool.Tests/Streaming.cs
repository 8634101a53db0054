namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Where the output goes may fail, too.</summary>
public sealed class Streaming
{
    private const int Broken = 141;

    public static TheoryData<string> Printing => ["ls", "ls --json", "ls --names", "ls --anonymous", "stat NAME", "who NAME", "who NAME --json", "cat NAME", "dump NAME -v", "map NAME", "df", "df --json", "gc", "doctor", "top --once", "completion bash", "--version", "--help", "ls --help"];

    [Theory]
    [MemberData(nameof(Printing))]
    public void A_full_disk_is_one_line_and_a_failure(string words)
    {
        using var objects = new Objects();
        var ran = Shm.Shell($"$SHM {words.Replace("NAME", objects.Add("a", 70_000), StringComparison.Ordinal)} > /dev/full");
        Assert.Equal(1, ran.ExitCode);
        Assert.Matches(@"\Ashm: [^\n]*No space left on device \(ENOSPC\)\n\z", ran.Errors);
    }

    [Theory]
    [MemberData(nameof(Printing))]
    public void A_closed_output_is_one_line_and_a_failure(string words)
    {
        using var objects = new Objects();
        var ran = Shm.Shell($"$SHM {words.Replace("NAME", objects.Add("a", 70_000), StringComparison.Ordinal)} >&-");
        Assert.Equal(1, ran.ExitCode);
        Assert.Matches(@"\Ashm: [^\n]*Bad file descriptor \(EBADF\)\n\z", ran.Errors);
    }

    [Theory]
    [InlineData("cat NAME")]
    [InlineData("dump NAME -v")]
    [InlineData("dump NAME --all --offset 1")]
    public void Ends_silently_with_the_exit_code_of_SIGPIPE_if_its_reader_is_gone(string words)
    {
        using var objects = new Objects();
        var line = $"$SHM {words.Replace("NAME", objects.Add("a", 4 << 20), StringComparison.Ordinal)}";
        Assert.Equal(new(Broken, [], ""), Shm.Shell($"{{ {line}; echo $? >&3; }} 3>&1 >/dev/null | head -c 1 >/dev/null; exit {Broken}") with { Bytes = [] });
        var ran = Shm.Shell($"{{ {{ {line}; echo $? >&2; }} | head -c 1; }} 2>&1 >/dev/null");
        Assert.Equal($"{Broken}\n", ran.Output);
    }

    [Fact]
    public void A_closed_input_is_one_line_and_a_failure()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        Assert.Equal("shm: write: standard input: Bad file descriptor (EBADF)", Shm.OneLine(Shm.Shell($"$SHM write {name} <&-"), exitCode: 1));
        Assert.Equal("shm: create: standard input: Bad file descriptor (EBADF)", Shm.OneLine(Shm.Shell($"$SHM create {name}b --from - <&-"), exitCode: 1));
        Assert.Equal(["a"], objects.Names());
        Assert.Equal($"{name}\n", Shm.Shell($"$SHM ls --names {name} <&-").Output);
    }

    [Fact]
    public void Without_standard_error_the_exit_code_still_reports_failure()
    {
        using var objects = new Objects();
        Assert.Equal("1\n2\n1\n", Shm.Shell($"$SHM stat {objects.Prefix}x 2>&-; echo $?; $SHM nonsense 2>&-; echo $?; $SHM stat {objects.Prefix}x 2>/dev/full; echo $?").Output);
    }

    [Fact]
    public void Several_commands_append_to_one_file()
    {
        using var objects = new Objects();
        using var file = new TemporaryFile();
        string a = objects.Add("a", 3), b = objects.Add("b", 5);
        Assert.Equal(0, Shm.Shell($"{{ $SHM ls --names {a}; $SHM cat {b}; $SHM ls --names {b}; }} > {file.Path}; $SHM ls --names {a} >> {file.Path}").ExitCode);
        Assert.Equal($"{a}\n\0\0\0\0\0{b}\n{a}\n", File.ReadAllText(file.Path));
    }
}
