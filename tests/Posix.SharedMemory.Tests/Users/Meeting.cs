using System.Globalization;

namespace Posix.SharedMemory.Tests.Users;

/// <summary>Another user's objects.</summary>
public sealed class Meeting
{
    [SkippableFact]
    [Rule("open.access")]
    [Rule("unlink.foreign")]
    [Rule("rename.foreign")]
    [Rule("permissions.set")]
    public void A_stranger_gets_EACCES_and_EPERM_and_changes_nothing()
    {
        SkipWithoutStrangers();
        using var copy = new ReadableCopy();
        using var closed = new TemporaryName("mine");
        using var shared = new TemporaryName("mine");
        using var own = new TemporaryName("theirs");
        using var missing = new TemporaryName("none");
        using var mine = SharedMemoryObject.Create(closed, 5000);
        const UnixFileMode All = (UnixFileMode)0x1B6;
        using var ours = SharedMemoryObject.Create(shared, 5000, new() { Permissions = All });
        using var stranger = Privileged.StartAsStranger(copy, "act");

        foreach (var act in new[]
        {
            $"open {closed}", $"open {closed} read", $"open-mode {closed} OpenOrCreate", $"open-mode {closed} Truncate", $"open-or-create {closed} 10",
            $"unlink {closed}", $"try-unlink {shared}", $"rename {closed} {missing} Replace", $"rename {shared} {missing} NoReplace",
            $"rename {shared} {missing} Exchange",
        })
        {
            Expect(stranger, act, "EACCES");
        }

        Expect(stranger, $"create {own} 100 0666", "ok");
        foreach (var mode in Enum.GetValues<RenameMode>())
        {
            Expect(stranger, $"rename {own} {shared} {mode}", mode == RenameMode.NoReplace ? "EEXIST" : "EACCES");
            Expect(stranger, $"rename {shared} {own} {mode}", mode == RenameMode.NoReplace ? "EEXIST" : "EACCES");
        }

        Expect(stranger, "create-unpublished 10", "ok");
        Expect(stranger, $"publish {shared} NoReplace", "EEXIST");
        Expect(stranger, $"publish {shared} Replace", "EACCES");
        Expect(stranger, $"open {shared}", "ok 5000");
        Expect(stranger, "chmod 0600", "EPERM");
        Expect(stranger, "write 0 10 1", "ok");
        Assert.Equal(0, stranger.Finish().ExitCode);

        Assert.Equal(5000, mine.Length);
        Assert.False(mine.IsUnlinked);
        Assert.False(ours.IsUnlinked);
        Assert.Equal(All, ours.Permissions);
        Assert.False(missing.Exists);
        Assert.DoesNotContain(
            SharedMemoryDirectory.Enumerate(),
            entry => entry.Name.StartsWith(".shm-publish-", StringComparison.Ordinal) && entry.UserId == Privileged.Stranger);
    }

    [SkippableFact]
    [Rule("lifetime.last")]
    [Rule("lifetime.follow")]
    public void A_stranger_who_may_only_read_leaves_the_name_to_its_owner()
    {
        SkipWithoutStrangers();
        using var copy = new ReadableCopy();
        using var name = new TemporaryName("member");
        var options = new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose, Permissions = (UnixFileMode)0x1A4 };
        var memory = SharedMemoryObject.Create(name, 10, options);
        using var stranger = Privileged.StartAsStranger(copy, "act");
        Expect(stranger, $"open {name} read", "ok 10");
        memory.Dispose();
        Assert.True(name.Exists);
        memory = SharedMemoryObject.Open(name);
        Expect(stranger, "close", "ok");
        Assert.True(name.Exists);
        memory.Dispose();
        Assert.False(name.Exists);
        Assert.Equal(0, stranger.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("holders.unknown")]
    public void Processes_that_a_user_may_not_inspect_count_as_unknown()
    {
        SkipWithoutStrangers();
        using var copy = new ReadableCopy();
        using var name = new TemporaryName("held");
        using var memory = SharedMemoryObject.Create(name, 10, new() { Permissions = (UnixFileMode)0x1B6 });
        using var fellow = Privileged.StartAsStranger(copy, "hold", name);
        Assert.Equal("held", fellow.ReadLine());
        using var stranger = Privileged.StartAsStranger(copy, "act");
        stranger.Tell($"holders {name}");
        var answer = stranger.ReadLine();
        Assert.StartsWith("ok ", answer, StringComparison.Ordinal);
        var lists = answer[3..].Split(';')
            .Select(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture)).ToList())
            .ToArray();
        Assert.Contains(fellow.ProcessId, lists[0]);
        Assert.Contains(Environment.ProcessId, lists[1]);
        Assert.DoesNotContain(Environment.ProcessId, lists[0]);
        Assert.Equal(0, stranger.Finish().ExitCode);
    }

    [Fact]
    [Rule("holders.unknown")]
    public void A_list_of_holders_is_complete_only_if_every_process_could_be_read()
    {
        using var name = new TemporaryName("held");
        using var memory = SharedMemoryObject.Create(name, 10);
        var holders = SharedMemoryDirectory.GetHolders(name);
        Assert.Contains(holders, holder => holder.ProcessId == Environment.ProcessId);
        Assert.Equal(holders.UnreadableProcessIds.Count == 0, holders.IsComplete);

        // The first process belongs to root: this user either is root or may not look.
        Assert.True(Environment.IsPrivilegedProcess || holders.UnreadableProcessIds.Contains(1));
    }

    internal static void SkipWithoutStrangers() => Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);

    internal static void Expect(Peer peer, string act, string start)
    {
        peer.Tell(act);
        var answer = peer.ReadLine();
        Assert.True(answer.Split(' ')[0] == start.Split(' ')[0] && answer.StartsWith(start, StringComparison.Ordinal), $"{act}: {answer}, not {start}");
    }
}
