using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests;

/// <summary>Channels where /dev/shm is not the tmpfs that it usually is: rows of the table in docs/platforms.md.</summary>
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
    [Rule("channel.create")]
    public void Messages_arrive_and_the_death_of_their_writer_is_found(string kind)
    {
        using var scratch = Scratch();
        using var writer = Start(kind, scratch, $"exec '{Partner.Program}' create {Name}");
        Assert.Equal("open", writer.ReadLine());
        Assert.Equal("True", writer.Ask("write before"));
        using var reader = Beside(writer, "reader", Name, "reader", "once");
        Assert.Equal("open", reader.ReadLine());
        Assert.Equal("True", writer.Ask("write after"));
        Assert.Equal("before", reader.Ask("read"));
        Assert.Equal("after", reader.Ask("read"));
        writer.Kill();
        Assert.Equal("waiting", reader.Ask("wait"));
        Assert.Equal("died", reader.ReadLine());
    }

    [SkippableTheory]
    [InlineData("missing", "ENOENT", "there is no /dev/shm on this machine")]
    [InlineData("read-only", "EROFS", "is mounted read-only")]
    [InlineData("0755", "EACCES", "")]
    [InlineData("Btrfs with a quota", "EDQUOT", "more than a quota")]
    [InlineData("tmpfs with a quota", "EDQUOT", "bytes left of the quota of user")]
    [Rule("channel.create")]
    public void Where_no_channel_can_be_created_the_error_says_why(string kind, string error, string reason)
    {
        using var scratch = Scratch();
        using var copy = new ReadableCopy();
        using var creator = Start(kind, scratch, $"exec setpriv --reuid={Privileged.Stranger} --regid={Privileged.Stranger} --clear-groups '{copy.PathOf(Partner.Program)}' create {Name} {2 * OddMemory.QuotaBytes}");
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
