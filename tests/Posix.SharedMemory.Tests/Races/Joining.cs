using System.Globalization;

namespace Posix.SharedMemory.Tests.Races;

/// <summary>Members of one object join, leave cleanly, and are killed.</summary>
public sealed class Joining
{
    [Fact]
    [Rule("lifetime.crash")]
    [Rule("lifetime.last")]
    [Rule("lifetime.follow")]
    public void The_name_exists_while_a_member_lives_and_is_gone_when_the_last_one_has_left()
    {
        const int Kills = 25;
        using var name = new TemporaryName("member");
        var peers = Contending.Peers(8, "race-join", name);
        try
        {
            Contending.Start(peers);
            for (var kill = 0; kill < Kills; kill++)
            {
                // A user that found something wrong has ended by itself, and says so when its end is read below.
                var at = Random.Shared.Next(peers.Count);
                var next = Peer.Start("race-join", name);
                Assert.Equal("ready", next.ReadLine());
                peers[at].Kill();
                var (_, _, errors) = peers[at].Finish();
                Assert.True(errors.Length == 0, errors);
                peers[at].Dispose();
                peers[at] = next;
                next.Tell("go");
            }

            var rounds = Contending.Stop(peers).Sum(line => int.Parse(line, CultureInfo.InvariantCulture));
            Assert.True(rounds > 1000, $"Only {rounds} rounds.");
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }

        // Each has joined after the last kill, or was there, and has left in order.
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("lifetime.last")]
    public void Members_that_leave_at_the_same_instant_leave_no_name()
    {
        const int Users = 4, Rounds = 1000;
        using var name = new TemporaryName("leave");
        using var meeting = new TemporaryName("meet");
        SharedMemoryObject.Create(meeting, sizeof(long)).Dispose();
        var peers = Enumerable.Range(0, Users)
            .Select(user => Peer.Start("race-leave", name, meeting, Contending.Text(user), Contending.Text(Users), Contending.Text(Rounds)))
            .ToList();
        try
        {
            // The number is that of rounds whose name was still there when all had left.
            Assert.All(Contending.Results(peers), line => Assert.Equal("0", line));
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }

        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("lifetime.crash")]
    public void A_killed_member_counts_as_gone_at_once()
    {
        using var name = new TemporaryName("member");
        var memory = SharedMemoryObject.Create(name, 64, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        using (var peer = Peer.Start("hold", name))
        {
            Assert.Equal("held", peer.ReadLine());
            peer.Kill();
        }

        memory.Dispose();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("lifetime.crash")]
    public void The_name_stays_for_another_member_when_the_creator_is_killed()
    {
        using var name = new TemporaryName("member");
        using (var creator = Peer.Start("act"))
        {
            creator.Tell($"create {name} 64 Last");
            Assert.Equal("ok", creator.ReadLine());
            using var follower = SharedMemoryObject.Open(name);
            creator.Kill();
            Assert.True(name.Exists);
        }

        Assert.False(name.Exists);
    }

    [SkippableFact]
    [Rule("lifetime.crash")]
    public void A_member_killed_in_another_PID_namespace_counts_as_gone_and_a_living_one_counts()
    {
        var obstacle = Privileged.NamespaceObstacle;
        Skip.If(obstacle is not null, obstacle);
        using var name = new TemporaryName("member");
        var memory = SharedMemoryObject.Create(name, 64, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        using (var inside = Peer.Run("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", Peer.Program, "hold", name))
        {
            Assert.Equal("held", inside.ReadLine());
            memory.Dispose();
            Assert.True(name.Exists);
            memory = SharedMemoryObject.Open(name);
            // A process that another test starts at this moment holds all of this one's descriptors until it executes its program.
            int[] users = [];
            Watchdog.Until(
                () => (users = [.. SharedMemoryDirectory.GetHolders(name).Where(holder => holder.Command.StartsWith("Posix.SharedMem", StringComparison.Ordinal)).Select(holder => holder.ProcessId)]).Length == 1,
                "one holder");
            var user = users[0];
            inside.Kill();

            // Killing the namespace's keeper kills what is in it, a moment later; a zombie has let go of all it had.
            Watchdog.Until(() => HasEnded(user), "the user's end");
        }

        memory.Dispose();
        Assert.False(name.Exists);
    }

    private static bool HasEnded(int processId)
    {
        try
        {
            // The first thread may be a zombie while others still hold what they share.
            return File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal)
                && Directory.GetDirectories($"/proc/{processId}/task").Length == 1;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
