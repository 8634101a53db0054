using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Users;

/// <summary>Changes a setting of the whole machine: nothing else of this program runs meanwhile.</summary>
[CollectionDefinition(nameof(ProtectionAlone), DisableParallelization = true)]
public sealed class ProtectionAlone;

[Collection(nameof(ProtectionAlone))]
public sealed class Protecting
{
    private const string Setting = "/proc/sys/fs/protected_regular";

    [SkippableTheory]
    [InlineData("1")]
    [InlineData("2")]
    [Rule("openorcreate.protected")]
    public void Opens_another_users_object_where_protected_regular_is_set(string value)
    {
        Meeting.SkipWithoutStrangers();
        using var setting = OpenAlone();
        var former = Get(setting);
        try
        {
            Set(setting, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Skip.If(true, $"{Setting} cannot be set here: {e.Message}");
        }

        try
        {
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
        finally
        {
            Set(setting, former);
        }
    }

    /// <summary>Waits its turn among the runs that change the setting, so that each restores what was there before all of them.</summary>
    private static SafeFileHandle OpenAlone()
    {
        SafeFileHandle? setting = null;
        try
        {
            setting = Native.Open(Setting, Native.O_RDWR);
        }
        catch (IOException e)
        {
            Skip.If(true, $"{Setting} cannot be set here: {e.Message}");
        }

        Watchdog.Until(() => Native.TryLockAlone(setting!), "the other runs to restore the setting");
        return setting!;
    }

    private static string Get(SafeFileHandle setting)
    {
        var text = new byte[16];
        return Encoding.ASCII.GetString(text, 0, RandomAccess.Read(setting, text, 0));
    }

    private static void Set(SafeFileHandle setting, string value) => RandomAccess.Write(setting, Encoding.ASCII.GetBytes(value), 0);
}
