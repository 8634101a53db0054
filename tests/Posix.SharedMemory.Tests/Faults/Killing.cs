using System.Globalization;

namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Kills a process before each of the system calls by which it changes shared memory, and looks at what it leaves.</summary>
/// <remarks>The calls in between change nothing that outlives a process: a kill before one of them is a kill before the next of these.</remarks>
public sealed class Killing
{
    private static readonly string[] s_everywhere = ["fallocate", "fchmod", "linkat", "rename", "renameat2", "unlink"];
    private static readonly string[] s_ofObjects = ["openat", "getdents64", "ftruncate"];

    private static int s_lengths = Random.Shared.Next(1 << 20);

    [SkippableTheory]
    [InlineData("create NAME LENGTH 0640")]
    [InlineData("create NAME LENGTH 0640 Sparse")]
    [InlineData("create NAME LENGTH 0640 Last")]
    [InlineData("open-or-create NAME LENGTH 0640")]
    [InlineData("create-unpublished LENGTH 0640|publish NAME NoReplace")]
    [Rule("create.killed")]
    [Rule("create.complete")]
    [Rule("publish.killed")]
    public void A_killed_creator_leaves_no_name_or_a_complete_object(string acts)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("killed");
        Walk(acts, name, name, killed =>
        {
            if (SharedMemoryObject.TryOpen(name, FileAccess.Read, out var memory))
            {
                using (memory)
                {
                    Assert.Equal(killed.Length, memory.Length);
                    Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, memory.Permissions);
                }

                SharedMemoryObject.Unlink(name);
            }

            Assert.Empty(TemporariesOf(killed.Length));
        });
    }

    [SkippableFact]
    [Rule("publish.killed")]
    [Rule("publish.replace")]
    public void A_publisher_killed_while_replacing_leaves_the_former_or_the_new_object_and_a_temporary_that_can_be_removed()
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("killed");
        var abandoned = 0;
        Occupy(name);
        Walk("create-unpublished LENGTH|publish NAME Replace", name, name, killed =>
        {
            using (var memory = SharedMemoryObject.Open(name))
            {
                Assert.Contains(memory.Length, new[] { 100, killed.Length });
            }

            var left = TemporariesOf(killed.Length);
            Assert.True(left.Count == 0 || (left.Count == 1 && killed.Call.StartsWith("rename", StringComparison.Ordinal)), $"{killed}: {string.Join(' ', left)}");
            abandoned += killed.Call.StartsWith("rename", StringComparison.Ordinal) ? 1 : 0;
            Occupy(name);
            _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
            Assert.Empty(TemporariesOf(killed.Length));
        });
        Assert.True(abandoned > 0, "No kill hit the instant between the two calls.");
    }

    [SkippableFact]
    [Rule("lifetime.crash")]
    [Rule("lifetime.last")]
    public void A_name_left_by_a_last_member_killed_while_leaving_goes_with_the_next_member()
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("killed");
        var left = 0;
        Walk("create NAME LENGTH Last|close", name, name, killed =>
        {
            left += name.Exists ? 1 : 0;
            SharedMemoryObject.OpenOrCreate(name, 1, out _, new() { Lifetime = Lifetime.UnlinkOnLastDispose }).Dispose();
            Assert.False(name.Exists);
        });
        Assert.True(left > 0, "No kill hit the instant before the name was removed.");
    }

    [SkippableTheory]
    [InlineData("Replace")]
    [InlineData("NoReplace")]
    [InlineData("Exchange")]
    [Rule("rename.replace")]
    public void A_process_killed_while_renaming_leaves_the_object_under_one_of_the_names(string mode)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var from = new TemporaryName("killed");
        using var to = new TemporaryName("killed");
        Walk($"create NAME LENGTH|rename NAME OTHER {mode}", from, to, killed =>
        {
            var found = new[] { from, to }.Count(name => name.Exists);
            Assert.True(found == 1 || (found == 0 && !killed.Call.StartsWith("rename", StringComparison.Ordinal)), $"{killed}: {found}");
            SharedMemoryObject.TryUnlink(from);
            SharedMemoryObject.TryUnlink(to);
        });
    }

    [SkippableTheory]
    [InlineData("Reserved")]
    [InlineData("Sparse")]
    [Rule("length.reserved")]
    public void A_process_killed_while_growing_leaves_the_former_or_the_new_length_and_the_bytes(string backing)
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        using var name = new TemporaryName("killed");
        using var memory = SharedMemoryObject.Create(name, 5001);
        var bytes = Enumerable.Range(0, 5001).Select(number => (byte)number).ToArray();
        memory.Write(bytes, 0);
        Walk($"open NAME|set-length LENGTH {backing}", name, name, killed =>
        {
            Assert.Contains(memory.Length, new[] { 5001, killed.Length });
            var read = new byte[memory.Length];
            memory.Read(read, 0);
            Assert.Equal(bytes, read[..5001]);
            Assert.False(read.AsSpan(5001).ContainsAnyExcept((byte)0));
            memory.SetLength(5001);
        });
    }

    /// <summary>Lets the peer run once to see which calls it makes, then once for each of them, killed before it.</summary>
    private static void Walk(string acts, TemporaryName name, TemporaryName other, Action<(string Call, long Length)> look)
    {
        string[] paths = ["/dev/shm", name.Path, other.Path];
        var kills = 0;
        foreach (var (calls, places) in new[] { (s_everywhere, Array.Empty<string>()), (s_ofObjects, paths) })
        {
            var length = NextLength();
            var (exitCode, output, log) = Traced.Act($"{string.Join(',', calls)}:delay_exit=1", places, Lines(acts, name, other, length));
            Assert.True(exitCode == 0 && !output.Contains('E', StringComparison.Ordinal), output);
            look(("none", length));
            foreach (var call in calls)
            {
                for (var occurrence = 1; occurrence <= MostPerThread(log, call); occurrence++)
                {
                    length = NextLength();
                    var injection = string.Create(CultureInfo.InvariantCulture, $"{call}:signal=SIGKILL:when={occurrence}");
                    (exitCode, output, _) = Traced.Act(injection, places, Lines(acts, name, other, length));
                    Assert.True(exitCode != 0, $"{injection} did not kill: {output}");
                    kills++;
                    look(($"{call} {occurrence}", length));
                }
            }
        }

        Assert.True(kills > 1, "Nothing was killed.");
    }

    private static string[] Lines(string acts, TemporaryName name, TemporaryName other, long length) =>
        [.. acts.Split('|').Select(act => act.Replace("NAME", name, StringComparison.Ordinal).Replace("OTHER", other, StringComparison.Ordinal)
            .Replace("LENGTH", length.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))];

    /// <summary>A length by which the object is known whatever its name. It is odd and longer than those that the tests start from.</summary>
    private static long NextLength() => 10_001 + (2 * Interlocked.Increment(ref s_lengths));

    private static int MostPerThread(string log, string call) => log.Split('\n')
        .Select(line => line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words.Length == 2 && words[1].TrimStart().StartsWith(call + "(", StringComparison.Ordinal))
        .GroupBy(words => words[0], StringComparer.Ordinal)
        .Select(thread => thread.Count())
        .DefaultIfEmpty()
        .Max();

    private static void Occupy(TemporaryName name)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(100);
        memory.Publish(name, RenameMode.Replace);
    }

    private static List<string> TemporariesOf(long length) =>
        [.. SharedMemoryDirectory.Enumerate()
            .Where(entry => entry.Name.StartsWith(".shm-publish-", StringComparison.Ordinal) && entry.Length == length)
            .Select(entry => entry.Name)];
}
