using System.Diagnostics;

namespace Posix.SharedMemory.Tool.Tests;

public sealed class Creating
{
    [Fact]
    public void Creates_an_object_with_exact_length_and_permissions()
    {
        using var objects = new Objects();
        var name = objects.Prefix + "a";
        Assert.Equal("", Shm.Print("create", "/" + name, "1.5M", "--mode", "0666"));
        using var memory = SharedMemoryObject.Open(name);
        var status = memory.GetStatus();
        Assert.Equal((3L << 19, 3L << 19, (UnixFileMode)0b110_110_110), (status.Length, status.AllocatedBytes, status.Permissions));
        Assert.Equal($"shm: create: {name}: File exists (EEXIST): an object already has this name; shm rm removes it, --on-conflict replaces it", Shm.Fail("create", name, "1"));
        Shm.Print("create", objects.Prefix + "s", "1G", "--sparse");
        Assert.Equal(0, SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(objects.Prefix + "s"))!.AllocatedBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--from -")]
    public void Replaces_an_object_only_if_asked(string source)
    {
        using var objects = new Objects();
        var name = objects.Add("a", 5);
        Assert.Equal(0, Shm.Run("old"u8.ToArray(), "write", name).ExitCode);
        using var old = SharedMemoryObject.Open(name);
        Ran Create(string action) => Shm.Run("new"u8.ToArray(), ["create", name, "7", .. source.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--on-conflict", action]);
        foreach (var action in (string[])["fail", "replace-abandoned"])
        {
            Assert.Contains("EEXIST", Shm.OneLine(Create(action), exitCode: 1), StringComparison.Ordinal);
            Assert.Equal(5, Objects.Read(name).Length);
        }

        Assert.Equal((0, "", ""), Create("replace") is var ran ? (ran.ExitCode, ran.Output, ran.Errors) : default);
        Assert.Equal(source.Length == 0 ? new byte[7] : "new\0\0\0\0"u8.ToArray(), Objects.Read(name));
        Assert.True(old.IsUnlinked);
        Assert.Equal("shm: create: 'no' is not a valid ACTION; choose from fail, replace-abandoned, replace (see shm create --help)", Shm.Refuse("create", name, "1", "--on-conflict", "no"));
    }

    [SkippableTheory]
    [InlineData("")]
    [InlineData("--from /dev/null")]
    public void Takes_over_the_name_that_a_killed_process_left(string source)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux can tell that an object is abandoned.");
        using var objects = new Objects();
        var name = objects.Prefix + "a";
        string[] words = ["create", name, "7", "--on-conflict", "replace-abandoned", .. source.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        using (var peer = Peer.Start("use", name, "create", "UnlinkOnDispose"))
        {
            Assert.Equal("using created", peer.ReadLine());
            Assert.Contains("EEXIST", Shm.Fail(words), StringComparison.Ordinal);
            peer.Kill();
        }

        Assert.Equal(["a"], objects.Names());
        Watchdog.Until(() => Shm.Run(words).ExitCode == 0, "the end of the membership");
        Assert.Equal(new byte[7], Objects.Read(name));
    }

    [SkippableFact]
    public void Belongs_to_the_group_from_the_start()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "Only root is in every group.");
        using var objects = new Objects();
        Shm.Print("create", objects.Prefix + "a", "1", "--mode", "02660", "--group", "54321");
        using var memory = SharedMemoryObject.Open(objects.Prefix + "a");
        var status = memory.GetStatus();
        Assert.Equal((54321u, (UnixFileMode)0b10_110_110_000), (status.GroupId, status.Permissions));
        Assert.Equal("shm: create: no group is called 'nothing at all' (see shm create --help)", Shm.Refuse("create", objects.Prefix + "b", "1", "--group", "nothing at all"));
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_001)]
    [InlineData(40_000_001)]
    public void Takes_bytes_from_a_file_or_a_pipe_of_any_length(int length)
    {
        Room.SkipUnlessFree(2L * length);
        using var objects = new Objects();
        using var file = new TemporaryFile();
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        File.WriteAllBytes(file.Path, bytes);
        Shm.Print("create", objects.Prefix + "file", "--from", file.Path);
        var ran = Shm.Run(bytes, "create", objects.Prefix + "pipe", "--from", "-", "--mode", "0640");
        Assert.Equal((0, "", ""), (ran.ExitCode, ran.Output, ran.Errors));
        Assert.True(bytes.AsSpan().SequenceEqual(Objects.Read(objects.Prefix + "file")));
        Assert.True(bytes.AsSpan().SequenceEqual(Objects.Read(objects.Prefix + "pipe")));
        using var memory = SharedMemoryObject.Open(objects.Prefix + "pipe");
        var status = memory.GetStatus();
        Assert.Equal((UnixFileMode)0b110_100_000, status.Permissions);
        Assert.InRange(status.AllocatedBytes, length, length + 4096);
    }

    [Fact]
    public void A_given_size_is_the_length_whatever_the_source_contains()
    {
        using var objects = new Objects();
        var name = objects.Prefix + "a";
        Assert.Equal(0, Shm.Run("abc"u8.ToArray(), "create", name, "8", "--from", "-").ExitCode);
        Assert.Equal("abc\0\0\0\0\0"u8.ToArray(), Objects.Read(name));
        var ran = Shm.Run("abcdefghi"u8.ToArray(), "create", objects.Prefix + "b", "8", "--from", "-");
        Assert.Equal("shm: create: standard input: it has more than 8 bytes, the SIZE given", Shm.OneLine(ran, exitCode: 1));
        Assert.Equal(["a"], objects.Names());
    }

    [Fact]
    public void Does_not_store_zeros_in_a_sparse_object()
    {
        using var objects = new Objects();
        var bytes = new byte[1_000_000];
        bytes[500_000] = 1;
        Assert.Equal(0, Shm.Run(bytes, "create", objects.Prefix + "a", "--from", "-", "--sparse").ExitCode);
        Assert.Equal(bytes, Objects.Read(objects.Prefix + "a"));
        using var memory = SharedMemoryObject.Open(objects.Prefix + "a");
        Assert.Equal(Environment.SystemPageSize, memory.GetStatus().AllocatedBytes);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void Is_not_seen_before_it_is_complete_and_leaves_nothing_when_interrupted(string signal, int exitCode)
    {
        using var objects = new Objects();
        using var shm = Shm.Start("create", objects.Prefix + "a", "--from", "-");
        var written = new byte[1 << 20];
        for (var round = 0; round < 20; round++)
        {
            shm.Input.BaseStream.Write(written);
        }

        shm.Input.BaseStream.Flush();
        Assert.Empty(objects.Names());
        using (var kill = Process.Start("kill", ["-" + signal, $"{shm.ProcessId}"]))
        {
            kill.WaitForExit();
        }

        // The end first: at the end of its input it would be complete.
        Assert.Throws<InvalidOperationException>(() => shm.ReadLine());
        var (code, output, _) = shm.Finish();
        Assert.Equal((exitCode, ""), (code, output));
        Assert.Empty(objects.Names());
    }

    [Fact]
    public void Fails_before_and_after_reading_if_the_name_is_taken_and_leaves_that_object_alone()
    {
        using var objects = new Objects();
        var name = objects.Prefix + "a";
        using var shm = Peer.Run(Shm.Program, "create", name, "--from", "-");
        shm.Input.Write("abc");
        shm.Input.Flush();
        objects.Add("a", 5);
        var (code, _, errors) = shm.Finish();
        Assert.Equal((1, $"shm: create: {name}: File exists (EEXIST): an object already has this name; shm rm removes it, --on-conflict replaces it\n"), (code, errors));
        Assert.Equal(new byte[5], Objects.Read(name));
        Assert.Contains("EEXIST", Shm.Fail("create", name, "--from", "/nonexistent"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("create: {0}a: give a SIZE, or a source with --from", "{0}a")]
    [InlineData("create: 'lots' is not a valid size; examples: 4096, 64K, 10M, 2G, 1.5GiB, 0x1000 (see shm create --help)", "{0}a", "lots")]
    [InlineData("create: '9E' is larger than any object can be (see shm create --help)", "{0}a", "9E")]
    [InlineData("create: '0.3' is not a whole number of bytes (see shm create --help)", "{0}a", "0.3")]
    [InlineData("create: '0999' is not a valid mode; examples: 0640, u=rw,g+r,o-w (see shm create --help)", "{0}a", "1", "--mode", "0999")]
    [InlineData("create: a name cannot contain a slash, except a leading one or /dev/shm/ in front (see shm create --help)", "{0}/a", "1")]
    [InlineData("create: a name cannot be empty (see shm create --help)", "/", "1")]
    [InlineData("create: a name cannot be '.' or '..' (see shm create --help)", "..", "1")]
    [InlineData(@"create: a backslash must be part of \\, \*, \?, \n, \t, \r or \xNN (see shm create --help)", @"{0}\q", "1")]
    [InlineData(@"create: {0}\xFF: a new name must be UTF-8", @"{0}\xff", "1")]
    public void Refuses_bad_input_before_anything_is_touched(string line, params string[] words)
    {
        using var objects = new Objects();
        Assert.Equal("shm: " + line.Replace("{0}", objects.Prefix, StringComparison.Ordinal), Shm.Refuse(["create", .. words.Select(word => word.Replace("{0}", objects.Prefix, StringComparison.Ordinal))]));
        Assert.Empty(objects.Names());
    }

    [Fact]
    public void Refuses_a_name_of_more_than_255_bytes() =>
        Assert.Equal("shm: create: a name can have at most 255 bytes, this one has 256 (see shm create --help)", Shm.Refuse("create", new string('é', 128), "1"));

    [Fact]
    public void Reports_a_file_that_does_not_exist_or_is_a_directory()
    {
        using var objects = new Objects();
        Assert.Equal("shm: create: /nonexistent: No such file or directory (ENOENT)", Shm.Fail("create", objects.Prefix + "a", "--from", "/nonexistent"));
        Assert.Equal("shm: create: /dev: Is a directory (EISDIR)", Shm.Fail("create", objects.Prefix + "a", "--from", "/dev"));
        Assert.Empty(objects.Names());
    }

    [SkippableFact]
    public void A_full_tmpfs_is_one_line_and_leaves_nothing()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        string[] inside =
        [
            "$SHM create fits 4M", "$SHM create big 5M", "head -c 5M /dev/zero 2>/dev/null | $SHM create piped --from -", "head -c 3M /dev/zero | $SHM create fits2 --from -",
            "$SHM resize fits 6M", "$SHM ls --names", "$SHM df --bytes",
        ];
        var ran = Shm.Shell(
            "unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=8m,mode=1777,nr_inodes=0 tmpfs /dev/shm && " + string.Join("; ", inside.Select(line => $"{{ {line}; }} 2>&1")) + "'");
        Assert.Equal(
            """
            shm: create: big: No space left on device (ENOSPC): 5242880 bytes requested, 4194304 bytes available in its file system; shm df shows what uses the room; --sparse reserves nothing
            shm: create: piped: No space left on device (ENOSPC): 262144 bytes requested, 0 bytes available in its file system; shm df shows what uses the room; --sparse reserves nothing
            shm: resize: fits: No space left on device (ENOSPC): 2097152 bytes requested, 1048576 bytes available in its file system; shm df shows what uses the room; --sparse reserves nothing
            fits
            fits2
              TOTAL     USED  AVAILABLE  USE%  OF
            8388608  7340032    1048576   88%  /dev/shm

            ALLOCATED  USE%  OWNER  NAME
              4194304   57%  root   fits
              3145728   43%  root   fits2

            """,
            ran.Output);
    }
}
