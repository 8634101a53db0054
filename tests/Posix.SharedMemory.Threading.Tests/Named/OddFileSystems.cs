using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Named locks where /dev/shm is not the tmpfs that it usually is: rows of the table in docs/platforms.md.</summary>
public sealed class OddFileSystems
{
    private const string Name = "odd";

    [SkippableTheory]
    [InlineData("tmpfs")]
    [InlineData("ramfs")]
    [InlineData("overlay")]
    [InlineData("ext4")]
    [InlineData("bindfs")]
    [InlineData("link")]
    [Rule("named.create")]
    [Rule("named.keep")]
    public void A_named_mutex_keeps_another_process_out_until_its_owner_is_killed(string kind)
    {
        using var scratch = Scratch();
        using var owner = Start(kind, scratch, $"exec '{Partner.Program}' named-keep {Name}");
        Assert.Equal("held", owner.ReadLine());
        using var other = Beside(owner, "named-enter", Name);
        Assert.Equal("taken", other.ReadLine());
        owner.Kill();
        Assert.Equal("abandoned", other.ReadLine());
        Assert.Equal(0, other.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("missing", "ENOENT", "there is no /dev/shm on this machine")]
    [InlineData("read-only", "EROFS", "is mounted read-only")]
    [InlineData("0755", "EACCES", "")]
    [Rule("named.create")]
    public void Where_no_named_mutex_can_be_created_the_error_says_why(string kind, string error, string reason)
    {
        using var scratch = Scratch();
        using var copy = new ReadableCopy();
        using var creator = Start(kind, scratch, $"exec setpriv --reuid={Privileged.Stranger} --regid={Privileged.Stranger} --clear-groups '{copy.PathOf(Partner.Program)}' named-keep {Name}");
        var (exitCode, _, errors) = creator.Finish();
        Assert.NotEqual(0, exitCode);
        Assert.Contains(error, errors, StringComparison.Ordinal);
        Assert.Contains(reason, errors, StringComparison.Ordinal);
    }

    private static TemporaryDirectory Scratch()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var scratch = TemporaryDirectory.OnDisk();
        Skip.If(scratch is null, "There is no disk here.");
        return scratch!;
    }

    private static Peer Start(string kind, TemporaryDirectory scratch, string command)
    {
        var peer = OddMemory.Run(kind, scratch, command);
        var line = peer.ReadLine();
        Skip.If(line != "ready", line);
        return peer;
    }

    /// <summary>Starts another process where a peer runs that was started here.</summary>
    private static Peer Beside(Peer peer, params string[] arguments) =>
        Peer.Run("nsenter", ["-m", "-t", peer.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), Partner.Program, .. arguments]);
}
