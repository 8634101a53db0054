namespace Posix.SharedMemory.Tests.Users;

/// <summary>Changes a setting of the whole machine: nothing else of this program runs meanwhile.</summary>
[CollectionDefinition(nameof(ProtectionAlone), DisableParallelization = true)]
public sealed class ProtectionAlone;

[Collection(nameof(ProtectionAlone))]
public sealed class Protecting
{
    [SkippableTheory]
    [InlineData("1")]
    [InlineData("2")]
    [Rule("openorcreate.protected")]
    public void Opens_another_users_object_where_protected_regular_is_set(string value)
    {
        Meeting.SkipWithoutStrangers();
        using var setting = KernelSetting.TrySet(KernelSetting.ProtectedRegular, value, out var obstacle);
        Skip.If(setting is null, obstacle);
        using var copy = new ReadableCopy();
        using var theirs = new TemporaryName("theirs");
        using var stranger = Privileged.StartAsStranger(copy, "act");
        Meeting.Expect(stranger, $"create {theirs} 77 0666", "ok");

        // That the setting bites is seen by O_CREAT failing, for root too.
        var exception = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Open(theirs, FileMode.OpenOrCreate));
        Assert.Equal(Errno.EACCES, exception.Errno);
        using (var memory = SharedMemoryObject.OpenOrCreate(theirs, 100, out var created))
        {
            Assert.False(created);
            Assert.Equal(77, memory.Length);
        }

        // And for two strangers. (The owner of /dev/shm is trusted: nothing is forbidden with an object of root's.)
        using var other = Privileged.StartAs(Privileged.Stranger + 1, copy, "act");
        Meeting.Expect(other, $"open-mode {theirs} OpenOrCreate", "EACCES");
        Meeting.Expect(other, $"open-or-create {theirs} 10", "ok existing");
        Meeting.Expect(other, "length", "ok 77");
        Assert.Equal(0, other.Finish().ExitCode);
        Assert.Equal(0, stranger.Finish().ExitCode);
    }
}
