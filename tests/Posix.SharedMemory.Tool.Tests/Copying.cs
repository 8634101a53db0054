namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Bytes in, bytes out, and bytes to look at.</summary>
public sealed class Copying
{
    [Fact]
    public void Writes_at_the_offset_and_never_past_the_end()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 10);
        Assert.Equal(0, Shm.Run("xyz"u8.ToArray(), "write", name, "--offset", "4").ExitCode);
        Assert.Equal("\0\0\0\0xyz\0\0\0"u8.ToArray(), Objects.Read(name));
        using var file = new TemporaryFile();
        File.WriteAllText(file.Path, "0123456789+");
        Assert.Equal($"shm: write: {name}: the bytes do not fit: the object is 10 bytes long; shm resize makes it longer", Shm.Fail("write", name, file.Path));
        Assert.Equal("\0\0\0\0xyz\0\0\0"u8.ToArray(), Objects.Read(name));
        Assert.Equal($"shm: write: {name}: the bytes do not fit: the object is 10 bytes long, and writing starts at offset 11; shm resize makes it longer", Shm.Fail("write", name, "--offset", "11"));
        var ran = Shm.Run("abc"u8.ToArray(), "write", name, "-", "--offset", "8");
        Assert.Equal($"shm: write: {name}: the bytes do not fit: the object is 10 bytes long, and writing starts at offset 8; shm resize makes it longer; 2 bytes were written", Shm.OneLine(ran, exitCode: 1));
        Assert.Equal("\0\0\0\0xyz\0ab"u8.ToArray(), Objects.Read(name));
        Assert.StartsWith("shm: write: '1z' is not a valid size", Shm.Refuse("write", name, "--offset", "1z"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Does_not_write_binary_data_to_a_terminal_unless_forced()
    {
        Skip.IfNot(Installed.Has("script"), "script is not installed: there is no terminal to run in.");
        using var objects = new Objects();
        string text = objects.Add("text", 6), binary = objects.Add("binary", 70_000);
        Assert.Equal(0, Shm.Run("é\ntext"u8[..6].ToArray(), "write", text).ExitCode);
        Assert.Equal(0, Shm.Run([.. Enumerable.Repeat((byte)'x', 69_999), 0x1B], "write", binary).ExitCode);
        string OnTerminal(string words, int exitCode)
        {
            var ran = Shm.Shell($"script -qec \"$SHM {words}\" /dev/null", ("TERM", "xterm"));
            Assert.Equal(exitCode, ran.ExitCode);
            return ran.Output;
        }

        Assert.Equal("é\r\ntex", OnTerminal($"cat {text}", 0));
        var refusal = OnTerminal($"cat {binary}", 1);
        Assert.DoesNotContain('\e', refusal);
        Assert.EndsWith($"shm: cat: {binary}: it contains binary data, which is not written to a terminal; redirect it to a file, use shm dump to see it, or --force\r\n", refusal, StringComparison.Ordinal);
        Assert.EndsWith("\e", OnTerminal($"cat {binary} --force", 0), StringComparison.Ordinal);
        Assert.Equal(70_000, Shm.Print("cat", binary).Length);
    }

    [Fact]
    public void Prints_the_bytes_or_a_part_of_them()
    {
        using var objects = new Objects();
        var bytes = new byte[1_000_003];
        new Random(7).NextBytes(bytes);
        Assert.Equal(0, Shm.Run(bytes, "create", objects.Prefix + "a", "--from", "-").ExitCode);
        var name = objects.Prefix + "a";
        Assert.True(bytes.AsSpan().SequenceEqual(Shm.Run("cat", name).Bytes));
        Assert.Equal(bytes[5000..5016], Shm.Run("cat", name, "--offset", "5000", "--length", "0x10").Bytes);
        Assert.Empty(Shm.Run("cat", name, "--offset", "1000003").Bytes);
        Assert.Equal($"shm: cat: {name}: offset 1000004 is past the end of the object, which is 1000003 bytes long", Shm.Fail("cat", name, "--offset", "1000004"));
        Assert.Equal(bytes[1000000..], Shm.Run("cat", name, "--offset", "1000000", "--length", "4").Bytes);
        Assert.Equal(bytes, Shm.Shell($"$SHM cat {name} > out; cat out; rm out".Replace("out", Path.GetTempPath() + name, StringComparison.Ordinal)).Bytes);
    }

    [Fact]
    public void A_reader_that_stops_early_is_not_reported_as_a_failure()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 10 << 20);
        var ran = Shm.Shell($"$SHM cat {name} | head -c 5 | wc -c; $SHM dump {name} -v | head -n 1");
        Assert.Equal("5\n00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n", ran.Output);
        Assert.Equal("", ran.Errors);
        Assert.Matches("^shm: cat: standard output: .*ENOSPC", Shm.Shell($"$SHM cat {name} > /dev/full").Errors);
    }

    [Fact]
    public void Names_standard_output_if_writing_to_it_fails()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        foreach (var words in (string[])["ls", "ls --json", "top --once", $"stat {name}", $"dump {name}", "--help", "ls --help", "--version", "[suggest:3] 'ls '"])
        {
            var line = Shm.OneLine(Shm.Shell($"$SHM {words} > /dev/full"), exitCode: 1);
            Assert.EndsWith("standard output: No space left on device (ENOSPC)", line, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void A_source_that_cannot_be_read_is_named()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        var free = objects.Prefix + "free";
        Assert.Equal("shm: create: /tmp: Is a directory (EISDIR)", Shm.Fail("create", free, "--from", "/tmp"));
        Assert.Equal("shm: write: /tmp: Is a directory (EISDIR)", Shm.Fail("write", name, "/tmp"));
        Assert.Equal("shm: map: /tmp: Is a directory (EISDIR)", Shm.Fail("map", name, "--svg", "/tmp"));
        Assert.Equal("shm: create: /nowhere: No such file or directory (ENOENT)", Shm.Fail("create", free, "--from", "/nowhere"));
        Assert.Equal("shm: create: standard input: Bad file descriptor (EBADF)", Shm.OneLine(Shm.Shell($"timeout 20 $SHM create {free} --from - <&-"), exitCode: 1));
        Assert.Equal(["a"], objects.Names());
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        Assert.Equal("shm: create: /etc/shadow: Permission denied (EACCES)", Shm.OneLine(copy.RunAsStranger("create", free, "--from", "/etc/shadow"), exitCode: 1));
    }

    [SkippableFact]
    public void Dumps_as_hexdump_does()
    {
        Skip.IfNot(Installed.Has("hexdump"), "hexdump is not installed: there is nothing to compare with.");
        using var objects = new Objects();
        var name = objects.Add("a", 100_003);
        var bytes = new byte[100_003];
        new Random(3).NextBytes(bytes.AsSpan(40_000, 3_000));
        "text\twith\nspaces "u8.CopyTo(bytes.AsSpan(70_001));
        Assert.Equal(0, Shm.Run(bytes, "write", name).ExitCode);
        Assert.Equal(Shm.Shell($"hexdump -C /dev/shm/{name}").Output, Shm.Print("dump", name));
        Assert.Equal(Shm.Shell($"hexdump -v -C /dev/shm/{name}").Output, Shm.Print("dump", name, "--all"));
        Assert.Equal(Shm.Shell($"hexdump -C -s 70000 -n 40 /dev/shm/{name}").Output, Shm.Print("dump", name, "--offset", "70000", "--length", "40"));
        Assert.Equal(Shm.Shell($"hexdump -C -s 100000 -n 40 /dev/shm/{name}").Output, Shm.Print("dump", name, "--offset", "100000", "--length", "40"));
        Assert.Equal("00000000\n", Shm.Print("dump", objects.Add("empty", 0)));
    }

    [Fact]
    public void Marks_holes_in_the_dump()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 1 << 20, backing: Backing.Sparse);
        Assert.Equal(0, Shm.Run("abc"u8.ToArray(), "write", name, "--offset", "512K").ExitCode);
        var page = Environment.SystemPageSize;
        Assert.Equal(
            $"""
            00000000  hole: 524288 bytes that read as zero
            00080000  61 62 63 00 00 00 00 00  00 00 00 00 00 00 00 00  |abc.............|
            00080010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
            *
            {524288 + page:x8}  hole: {524288 - page} bytes that read as zero
            00100000

            """,
            Shm.Print("dump", name));
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("dump", "--all")]
    public void Reading_an_object_that_another_process_shortens_ends_cleanly(string command, params string[] options)
    {
        using var objects = new Objects();
        var name = objects.Add("a", 32 << 20);
        using var stop = new CancellationTokenSource();
        var cutting = Task.Run(() =>
        {
            using var memory = SharedMemoryObject.Open(name);
            while (!stop.IsCancellationRequested)
            {
                memory.SetLength(1000, Backing.Sparse);
                memory.SetLength(32 << 20, Backing.Sparse);
            }
        });
        for (var round = 0; round < 3; round++)
        {
            var ran = Shm.Run([command, name, .. options]);
            Assert.True(ran.ExitCode == 0 || ran.Errors.Contains("shortened the object meanwhile", StringComparison.Ordinal), $"{ran.ExitCode} {ran.Errors}");
            var writing = Shm.Run(new byte[20 << 20], "write", name);
            Assert.True(writing.ExitCode == 0 || writing.Errors.Split('\n').Length == 2, $"{writing.ExitCode} {writing.Errors}");
        }

        stop.Cancel();
        Watchdog.Run(() => cutting.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the other");
        Assert.Null(cutting.Exception);
    }
}
