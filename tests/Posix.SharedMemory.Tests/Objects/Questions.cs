namespace Posix.SharedMemory.Tests.Objects;

/// <summary>The calls that only ask: each of them costs as much as a tenth of what it is asked for.</summary>
public sealed class Questions
{
    private const string Stat = "statx", Room = "fstatfs", Seals = "fcntl(F_GET_SEALS)", Lock = "fcntl(F_OFD_GETLK)";

    public static TheoryData<string, string[]> Lives => new()
    {
        { "create", [Stat, Stat] },
        { "create large", [Stat, Room, Stat, Stat] },
        { "classic", [Stat, Lock, Stat] },
        { "attach", [Seals, Lock, Stat] },
        { "attach, handle given out", [Seals, Lock, Stat] },
        { "unpublished", [Stat, Stat] },
        { "anonymous", [Seals, Stat] },
    };

    [Theory]
    [MemberData(nameof(Lives))]
    [Rule("objects.questions")]
    public void Makes_only_the_system_calls_that_a_promise_needs(string life, string[] expected)
    {
        using var name = new TemporaryName();
        using var other = new TemporaryName();
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var existing = SharedMemoryObject.Create(other, 4096);
            // What is found out once, such as whether a file without a name can get one, is known from here on.
            var before = platform.Calls.Count;
            using (var memory = life switch
            {
                "create" => SharedMemoryObject.Create(name, 4096),
                "create large" => SharedMemoryObject.Create(name, 1 << 20),
                "classic" => SharedMemoryObject.Open(name, FileMode.CreateNew),
                "unpublished" => SharedMemoryObject.CreateUnpublished(4096),
                "anonymous" => SharedMemoryObject.CreateAnonymous(4096),
                _ => SharedMemoryObject.Open(other),
            })
            {
                if (life == "classic")
                {
                    memory.SetLength(4096);
                }

                if (life == "attach, handle given out")
                {
                    _ = memory.SafeFileHandle;
                }

                memory.Map().Dispose();
            }

            string[] asking = [Stat, Room, Seals, Lock];
            Assert.Equal(expected, platform.Calls.Skip(before).Where(asking.Contains));
        }
    }

    [Fact]
    [Rule("objects.questions")]
    public void A_look_for_holders_makes_only_the_system_calls_that_its_answer_needs()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 4096).Dispose();
        var entry = SharedMemoryDirectory.Find(name.Name)!;
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            var before = 0;
            // A child of another test holds everything that this process had open until it runs its program.
            Watchdog.Until(
                () =>
                {
                    before = platform.Calls.Count;
                    return entry.IsHeld() is false;
                },
                "no holder");
            Assert.Equal(["open", Stat, "fcntl(F_SETSIG)", "fcntl(F_SETLEASE)", Seals], platform.Calls.Skip(before));
        }
    }
}
