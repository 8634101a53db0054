using System.Globalization;
using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Processes that see the machine in other ways than the owner of a seat does: none of that makes it dead.</summary>
public sealed class Surroundings
{
    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>A shell's words before the program, by what they do to its surroundings.</summary>
    private static readonly Dictionary<string, string> s_before = new(StringComparer.Ordinal)
    {
        ["only processes in /proc"] = "mount -t proc -o subset=pid proc /proc && ",
        ["a boot number of its own"] = $"echo 01234567-89ab-cdef-0123-456789abcdef >/tmp/boot-$$ && mount --bind /tmp/boot-$$ {BootFile} && rm /tmp/boot-$$ && ",
        ["a hidden boot number"] = $"mount --bind /dev/null {BootFile} && ",
        ["an empty /proc"] = "mount -t tmpfs none /proc && ",
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var surrounding in s_before.Keys.Append("a time namespace"))
            {
                // The runtime does not start without /proc.
                foreach (var program in surrounding == "an empty /proc" ? ["C", "Python"] : (string[])[".NET", "C", "Python"])
                {
                    cases.Add(surrounding, program);
                }
            }

            return cases;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    [Rule("roster.surroundings")]
    public void The_owner_of_a_seat_is_alive_for_a_process_that_sees(string surrounding, string program)
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping, 0, seats: 1);
        using var peer = Start(surrounding, Command(program, memory));
        Assert.Equal(program == ".NET" ? "1 alive, full" : "full", peer.ReadLine());
        Assert.True(roster.IsAlive(roster.Self));
        Assert.Equal(1u, memory.Word(64 + 4) & 0x3FFFF);
    }

    [SkippableTheory]
    [InlineData(".NET")]
    [InlineData("C")]
    [Rule("roster.surroundings")]
    public void A_process_of_the_same_time_namespace_finds_a_death_that_was_not_marked(string program)
    {
        using var memory = new Memory();
        using var peer = Start("a time namespace", $"{Command("C", memory)} die; read ready; {Command(program, memory)}");
        var life = uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture);
        Watchdog.Until(() => memory.Word(64) == 0xC0000000, "the kernel's mark");
        // As if there were none.
        memory.Store(64, life);
        peer.Tell("look");
        Assert.Equal(program == ".NET" ? "1 alive, joined" : "joined", peer.ReadLine());
    }

    private static string Command(string program, Memory memory)
    {
        Skip.If(program == "Python" && !Installed.Has("python3"), "python3 is not on this machine.");
        return program switch
        {
            "C" => $"'{CCompilation.Build("cc", "looker.c")}' /dev/shm/{memory.Name}",
            "Python" => $"env PYTHONPATH='{Path.Combine(AppContext.BaseDirectory, "interop")}' python3 '{Path.Combine(AppContext.BaseDirectory, "Interop", "looker.py")}' /dev/shm/{memory.Name}",
            _ => $"'{Partner.Program}' look {memory.Name} 1",
        };
    }

    private static Peer Start(string surrounding, string command)
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        if (!s_before.TryGetValue(surrounding, out var before))
        {
            Skip.IfNot(File.Exists("/proc/self/ns/time"), "This kernel has no time namespaces.");
            return Peer.Run("unshare", "--time", "--boottime", "86400", "--fork", "--kill-child", "sh", "-c", command);
        }

        return Peer.Run("unshare", "--mount", "--propagation", "private", "sh", "-c", before + "exec " + command);
    }
}
