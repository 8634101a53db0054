using System.Globalization;
using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Two processes that start at once over a named lock whose last user was killed. One of them is killed before one of its system calls.</summary>
public sealed class Restarting : IDisposable
{
    private readonly TemporaryName _name = new("restarted");

    /// <summary>The long form, LONG_KILLS=1, takes each call on the directory and the object, and each of its occurrences.</summary>
    private static string[] Calls => Environment.GetEnvironmentVariable("LONG_KILLS") == "1"
        ? ["linkat", "rename", "renameat2", "unlink", "openat", "fcntl", "ftruncate", "fallocate", "fchmod", "statx", "mmap", "mremap"]
        : ["linkat", "rename", "renameat2"];

    [SkippableFact]
    [Rule("named.restart")]
    public void Two_processes_use_one_lock_whichever_of_them_is_killed_and_when()
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        var kills = 0;
        foreach (var call in Calls)
        {
            Abandon();
            // Alone, it comes to each of its calls. At the same time as another one, only if it is the faster.
            for (var occurrence = 1; KillAt(call, occurrence, together: false); occurrence++)
            {
                kills++;
                KillAt(call, occurrence, together: true);
            }
        }

        MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
        Assert.True(kills > 1, "Nothing was killed.");
    }

    public void Dispose() => _name.Dispose();

    /// <returns>Whether the process made the call so often, and was killed by it.</returns>
    private bool KillAt(string call, int occurrence, bool together)
    {
        string[] where = call is "linkat" or "rename" or "renameat2" ? [] : ["-P", "/dev/shm", "-P", _name.Path];
        var injection = string.Create(CultureInfo.InvariantCulture, $"inject={call}:signal=SIGKILL:when={occurrence}");
        using var victim = Peer.Run("strace", ["-f", "-qq", "-o", "/dev/null", .. where, "-e", $"trace={call}", "-e", injection, Partner.Program, "named-restart", _name]);
        using var rival = Partner.Start("named-restart", _name);
        Assert.True(Reaches(victim, "ready") && Reaches(rival, "ready"));
        victim.Tell("go");
        var isKilled = !together && !Reaches(victim, "open");
        rival.Tell("go");
        isKilled |= together && !Reaches(victim, "open");
        // A tracer that is killed lets its program run on: one that was not killed leaves by itself.
        victim.Tell("leave");
        Assert.True(Reaches(rival, "held"));
        using (var judge = NamedMutex.OpenExisting(_name))
        {
            Assert.False(judge.Lock.TryEnterUnrepaired(out _), $"Killed at {injection}: two locks have one name.");
        }

        rival.Kill();
        Assert.True(_name.Exists || !isKilled);
        _ = victim.Finish();
        return isKilled;
    }

    private void Abandon()
    {
        using var last = Partner.Start("named-hold", _name);
        Assert.Equal("held", last.ReadLine());
        last.Kill();
    }

    private static bool Reaches(Peer peer, string line)
    {
        try
        {
            while (peer.ReadLine() != line)
            {
                // It is on its way.
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            // It was killed: its output has ended.
            return false;
        }
    }
}
