using System.Globalization;

namespace Posix.SharedMemory.Tests.Races;

/// <summary>Real processes that want the same name.</summary>
public sealed class Contending
{
    [Fact]
    [Rule("create.once")]
    public void Of_two_hundred_concurrent_creators_exactly_one_succeeds()
    {
        const int Processes = 4, Threads = 50, Rounds = 100;
        using var name = new TemporaryName("c");
        var peers = Peers(Processes, "race-create", name, Text(Threads), Text(Rounds));
        try
        {
            var counts = Results(peers).Select(line => line.Split(' ').Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray()).ToList();
            Assert.Equal(Rounds, counts.Sum(count => count[0]));
            Assert.Equal((Processes * Threads * Rounds) - Rounds, counts.Sum(count => count[1]));
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
            for (var round = 0; round < Rounds; round++)
            {
                SharedMemoryObject.TryUnlink($"{name}-{round}");
            }
        }
    }

    [Fact]
    [Rule("openorcreate.race")]
    public void Creators_beside_removers_always_get_an_object_and_know_whether_they_created_it()
    {
        using var name = new TemporaryName("race");
        var peers = Peers(5, "race-open-or-create", name, "4000");
        try
        {
            Assert.Contains(Results(peers), line => line != "0");
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }
    }

    [Fact]
    [Rule("openorcreate.race")]
    public void A_name_created_between_looking_and_creating_is_opened()
    {
        using var name = new TemporaryName("race");
        var platform = ScriptedPlatform.Before("linkat", 1, () => SharedMemoryObject.Create(name, 77).Dispose());
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.OpenOrCreate(name, 100, out var created);
            Assert.False(created);
            Assert.Equal(77, memory.Length);
        }

        Assert.True(platform.Fired);
    }

    [Fact]
    [Rule("openorcreate.race")]
    public void A_name_removed_between_creating_and_opening_is_created_in_the_end()
    {
        using var name = new TemporaryName("race");
        using var former = SharedMemoryObject.Create(name, 77);
        var platform = ScriptedPlatform.Before("open", 1, () => SharedMemoryObject.Unlink(name));
        using (Platform.Substitute(platform))
        {
            using var memory = SharedMemoryObject.OpenOrCreate(name, 100, out var created);
            Assert.True(created);
            Assert.Equal(100, memory.Length);
        }

        Assert.True(platform.Fired);
    }

    internal static List<Peer> Peers(int count, string command, params string[] arguments) =>
        [.. Enumerable.Range(0, count).Select(_ => Peer.Start(command, arguments))];

    /// <summary>Lets peers that are ready start together, and reads what each has to say at its end.</summary>
    internal static List<string> Results(List<Peer> peers)
    {
        Start(peers);
        return Ends(peers);
    }

    internal static void Start(List<Peer> peers)
    {
        peers.ForEach(peer => Assert.Equal("ready", peer.ReadLine()));
        peers.ForEach(peer => peer.Tell("go"));
    }

    internal static List<string> Stop(List<Peer> peers)
    {
        peers.ForEach(peer => peer.Tell("stop"));
        return Ends(peers);
    }

    internal static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static List<string> Ends(List<Peer> peers) => [.. peers.Select(peer =>
    {
        var line = peer.ReadLine();
        var (exitCode, _, errors) = peer.Finish();
        Assert.True(exitCode == 0, errors);
        return line;
    })];
}
