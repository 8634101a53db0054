namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Whose an object is: <see cref="SharedMemoryObject.SetOwner"/> and <see cref="SharedMemoryOptions.GroupId"/>.</summary>
public sealed class Owning
{
    private const UnixFileMode Shared = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    [SkippableTheory]
    [InlineData("Create")]
    [InlineData("OpenOrCreate")]
    [InlineData("Publish")]
    [Rule("owner.group")]
    public void A_new_object_belongs_to_its_group_before_it_has_its_name(string way)
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle ?? "");
        using var name = new TemporaryName();
        var options = new SharedMemoryOptions { GroupId = Privileged.Stranger, Permissions = Shared | UnixFileMode.SetGroup };
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var memory = way switch
            {
                "Create" => SharedMemoryObject.Create(name, 1, options),
                "OpenOrCreate" => SharedMemoryObject.OpenOrCreate(name, 1, out _, options),
                _ => SharedMemoryObject.CreateUnpublished(1, options),
            };
            if (way == "Publish")
            {
                memory.Publish(name);
            }

            Assert.Equal(((uint)Privileged.Stranger, options.Permissions), (memory.GetStatus().GroupId, memory.Permissions));
        }

        var calls = platform.Calls.ToList();
        Assert.True(calls.IndexOf("fchown") < calls.IndexOf("fchmod"));
        Assert.True(calls.IndexOf("fchmod") < calls.IndexOf("linkat"));
    }

    [SkippableFact]
    [Rule("owner.set")]
    public void Root_gives_an_object_away_and_null_leaves_what_it_was()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle ?? "");
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        var before = memory.GetStatus();
        memory.SetOwner(null, null);
        Assert.Equal((before.UserId, before.GroupId), (memory.GetStatus().UserId, memory.GetStatus().GroupId));
        memory.SetOwner(null, 77);
        memory.SetOwner(Privileged.Stranger, null);
        Assert.Equal(((uint)Privileged.Stranger, 77u), (memory.GetStatus().UserId, memory.GetStatus().GroupId));
        using var copy = new ReadableCopy();
        using var stranger = Privileged.StartAsStranger(copy, "act");
        Assert.Equal("ok 1", stranger.Ask($"open {name}"));
        Assert.Equal("ok", stranger.Ask($"unlink {name}"));
    }

    [Fact]
    [Rule("owner.set")]
    public void A_refusal_is_EPERM_with_advice_and_an_invalid_number_is_refused_before_the_call()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.SetOwner(uint.MaxValue, null));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.SetOwner(null, uint.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedMemoryObject.CreateUnpublished(1, new() { GroupId = uint.MaxValue }));
        using var refusing = new TemporaryName();
        using (Platform.Substitute(new ScriptedPlatform("fchown", Errno.EPERM)))
        {
            var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(refusing, 1, new() { GroupId = 1 }));
            Assert.Equal((Errno.EPERM, "fchown", refusing.Name), (failure.Errno, failure.Operation, failure.ObjectName));
            Assert.Contains("only root", failure.Message, StringComparison.Ordinal);
        }

        Assert.False(refusing.Exists);
    }

    [SkippableFact]
    [Rule("create.setgroup")]
    public void A_set_group_ID_bit_that_the_kernel_drops_is_reported_as_EPERM()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle ?? "");
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle ?? "");
        using var copy = new ReadableCopy();
        // A directory whose group new files get, and a user that is not in it.
        using var peer = Peer.Run(
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            $"mount -t tmpfs -o size=8m,mode=3777,gid=77 tmpfs /dev/shm && exec setpriv --reuid={Privileged.Stranger} --regid={Privileged.Stranger} --clear-groups '{copy.Program}' act");
        Assert.StartsWith("EPERM ", peer.Ask("create plain 10 02660"), StringComparison.Ordinal);
        Assert.Equal("ok 0", peer.Ask("try-unlink plain"));
        Assert.Equal("ok", peer.Ask("create plain 10 0660"));
        var refusal = peer.Ask("chmod 2660");
        Assert.StartsWith("EPERM ", refusal, StringComparison.Ordinal);
        Assert.Contains("set-group", refusal, StringComparison.Ordinal);
    }
}
