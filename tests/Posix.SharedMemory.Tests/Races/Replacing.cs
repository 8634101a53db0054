namespace Posix.SharedMemory.Tests.Races;

/// <summary>Readers in other processes open a name all the time while it is given to other objects.</summary>
public sealed class Replacing
{
    private const int Rounds = 8_000;

    [Fact]
    [Rule("rename.replace")]
    public void Readers_of_the_target_find_one_whole_object_or_the_other() => UnderReaders((name, other) =>
    {
        for (var round = 0; round < Rounds; round++)
        {
            Make(other, round);
            SharedMemoryObject.Rename(other, name);
        }
    });

    [Fact]
    [Rule("publish.replace")]
    public void Readers_of_a_name_that_is_published_again_find_one_whole_object_or_the_other() => UnderReaders((name, _) =>
    {
        for (var round = 0; round < Rounds; round++)
        {
            using var memory = SharedMemoryObject.CreateUnpublished(LengthOf(round));
            memory.Write(BytesOf(round), 0);
            memory.Publish(name, RenameMode.Replace);
        }
    });

    [Fact]
    [Rule("rename.exchange")]
    public void Readers_of_exchanged_names_find_one_whole_object_or_the_other() => UnderReaders((name, other) =>
    {
        Make(other, 7);
        for (var round = 0; round < 5 * Rounds; round++)
        {
            SharedMemoryObject.Rename(other, name, RenameMode.Exchange);
        }
    });

    [Fact]
    [Rule("publish.replace")]
    [Rule("publish.killed")]
    public void A_temporary_name_is_not_swept_while_its_maker_lives()
    {
        using var name = new TemporaryName("live");
        SharedMemoryObject.Create(name, 1).Dispose();
        var kept = 0;
        ObjectIdentity identity = default;
        var platform = ScriptedPlatform.Before("rename", 1, () =>
        {
            // Another publisher comes between the two calls of the first: it sweeps, and has to leave the first one's temporary.
            using var second = SharedMemoryObject.CreateUnpublished(2);
            second.Publish(name, RenameMode.Replace);
            kept = SharedMemoryDirectory.Enumerate()
                .Count(entry => entry.Name.StartsWith(".shm-publish-", StringComparison.Ordinal) && entry.Identity == identity);
        });
        using (Platform.Substitute(platform))
        {
            using var first = SharedMemoryObject.CreateUnpublished(3);
            identity = first.GetStatus().Identity;
            first.Publish(name, RenameMode.Replace);
        }

        Assert.True(platform.Fired);
        Assert.Equal(1, kept);
        using var published = SharedMemoryObject.Open(name);
        Assert.Equal(identity, published.GetStatus().Identity);
    }

    [Fact]
    [Rule("rename.exchange-missing")]
    public void Exchange_succeeds_when_the_target_is_created_while_it_was_missing()
    {
        using var from = new TemporaryName("from");
        using var to = new TemporaryName("to");
        Make(from, 1);
        var platform = ScriptedPlatform.Before("renameat2", 2, () => Make(to, 2));
        using (Platform.Substitute(platform))
        {
            SharedMemoryObject.Rename(from, to, RenameMode.Exchange);
        }

        Assert.True(platform.Fired);
        using var first = SharedMemoryObject.Open(from);
        using var second = SharedMemoryObject.Open(to);
        Assert.Equal(LengthOf(2), first.Length);
        Assert.Equal(LengthOf(1), second.Length);
    }

    [Fact]
    [Rule("rename.exchange-missing")]
    public void Exchange_never_fails_while_another_process_creates_and_removes_the_target()
    {
        using var from = new TemporaryName("from");
        using var to = new TemporaryName("to");
        using var memory = SharedMemoryObject.Create(from, 10);
        var peers = Contending.Peers(2, "race-target", to, "20");
        try
        {
            Contending.Start(peers);
            for (var round = 0; round < Rounds; round++)
            {
                SharedMemoryObject.Rename(from, to, RenameMode.Exchange);

                // The moved object may have been removed as the target by now: then there is a new one.
                if (!SharedMemoryObject.TryOpen(from, FileAccess.Read, out var back))
                {
                    SharedMemoryObject.OpenOrCreate(from, 10, out _).Dispose();
                }

                back?.Dispose();
            }

            Contending.Stop(peers);
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }
    }

    // On a busy machine all may be replaced before anybody reads: then nothing was tried.
    private static void UnderReaders(Action<string, string> replace) => Watchdog.Until(() => IsReadMeanwhile(replace), "readers at work at the same time");

    private static bool IsReadMeanwhile(Action<string, string> replace)
    {
        using var name = new TemporaryName("replace");
        using var other = new TemporaryName("other");
        Make(name, 3);
        var peers = Contending.Peers(3, "race-read", name);
        try
        {
            Contending.Start(peers);
            replace(name, other);
            return Contending.Stop(peers).Any(line => line != "0");
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }
    }

    private static void Make(string name, int round)
    {
        // A whole object as `race-read` knows it; complete before it has the name.
        using var memory = SharedMemoryObject.CreateUnpublished(LengthOf(round));
        memory.Write(BytesOf(round), 0);
        memory.Publish(name);
    }

    private static long LengthOf(int round) => (64 * (round % 255)) + 8;

    private static byte[] BytesOf(int round)
    {
        var bytes = new byte[LengthOf(round)];
        bytes.AsSpan().Fill((byte)(round % 255));
        return bytes;
    }
}
