namespace Posix.SharedMemory.Tests.Platforms;

/// <summary>Moving without replacing on file systems that make another file of a hard link.</summary>
public sealed class Reserving
{
    [Fact]
    [Rule("rename.lacking")]
    public void An_object_is_moved_and_a_name_that_is_taken_is_EEXIST()
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        Assert.Equal(Errno.None, Move(SystemCalls.Real, from, to));
        Assert.Equal((false, true), (from.Exists, to.Exists));
        SharedMemoryObject.Create(from, 2).Dispose();
        Assert.Equal(Errno.EEXIST, Move(SystemCalls.Real, from, to));
        Assert.Equal((2, 1), (LengthOf(from), LengthOf(to)));
    }

    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    [InlineData("EOPNOTSUPP")]
    [Rule("rename.lacking")]
    public void Without_symbolic_links_the_error_says_what_to_use_instead(string answer)
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        var failure = Assert.Throws<PlatformNotSupportedException>(() => Move(Failing("symlink", Enum.Parse<Errno>(answer)), from, to));
        Assert.Contains("RenameMode.Replace", failure.Message, StringComparison.Ordinal);
        Assert.Equal((true, false), (from.Exists, to.Exists));
    }

    [Theory]
    [InlineData("symlink", "ENOSPC")]
    [InlineData("rename", "EACCES")]
    [InlineData("rename", "EIO")]
    [Rule("rename.lacking")]
    [Rule("errors.clean")]
    public void A_failure_leaves_the_old_name_and_no_reservation(string call, string answer)
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        Assert.Equal(Enum.Parse<Errno>(answer), Move(Failing(call, Enum.Parse<Errno>(answer)), from, to));
        Assert.Equal((true, false), (from.Exists, to.Exists));
    }

    [Theory]
    [InlineData("statx")]
    [InlineData("rename")]
    [Rule("rename.lacking")]
    public void An_object_that_replaces_the_reservation_is_not_removed(string before)
    {
        using TemporaryName from = new(), to = new(), faster = new();
        SharedMemoryObject.Create(from, 1).Dispose();
        SharedMemoryObject.Create(faster, 2).Dispose();
        var script = new CallScript();
        script.Before(before, 1, () => File.Move(faster.Path, to.Path, overwrite: true));
        script.Arm((call, _, _) => before == "rename" && call == "rename" ? Errno.EIO : default);
        Assert.Equal(before == "rename" ? Errno.EIO : Errno.EEXIST, Move(script, from, to));
        Assert.Equal((1, 2), (LengthOf(from), LengthOf(to)));
    }

    [Fact]
    [Rule("rename.lacking")]
    [Rule("open.squatting")]
    public void A_process_that_opens_the_name_meanwhile_opens_the_object()
    {
        using TemporaryName from = new(), to = new();
        SharedMemoryObject.Create(from, 3).Dispose();
        File.CreateSymbolicLink(to.Path, $".//{from.Name}");
        // The second look finds the link still there; then the mover comes to its end.
        var platform = ScriptedPlatform.Before("readlink", 2, () => File.Move(from.Path, to.Path, overwrite: true));
        using (Platform.Substitute(platform))
        {
            using var opened = SharedMemoryObject.Open(to);
            Assert.Equal(3, opened.Length);
        }

        Assert.True(platform.Fired);
    }

    private static Errno Move(SystemCalls calls, TemporaryName from, TemporaryName to) =>
        new LinuxReservation(calls, new(calls)).Move([.. System.Text.Encoding.UTF8.GetBytes(from.Path), 0], [.. System.Text.Encoding.UTF8.GetBytes(to.Path), 0]);

    private static CallScript Failing(string call, Errno errno)
    {
        var script = new CallScript();
        script.Arm((made, _, _) => made == call ? errno : default);
        return script;
    }

    private static long LengthOf(TemporaryName name) => SharedMemoryDirectory.Find(name)!.Length;
}
