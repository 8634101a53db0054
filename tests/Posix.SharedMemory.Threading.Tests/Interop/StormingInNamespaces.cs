using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory.Threading.Tests.Peers;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Peers in C and .NET, inside and outside of PID namespaces of their own, that are killed at random instants. STRESS_SECONDS says how long.</summary>
public sealed class StormingInNamespaces(ITestOutputHelper output) : TwoParticipants
{
    private readonly Random _random = new(20261127);
    private long _entries;
    private long _longest;

    [SkippableFact]
    [Rule("languages.storm")]
    public void No_value_is_torn_and_no_process_hangs()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess && Installed.Has("unshare"), "A PID namespace needs root and unshare.");
        var seconds = double.Parse(Environment.GetEnvironmentVariable("STRESS_SECONDS") ?? "10", CultureInfo.InvariantCulture);
        var starts = Starts(CCompilation.Build("cc", "partner.c"), "/dev/shm/" + Memory.Name);
        var clock = Stopwatch.StartNew();
        var peers = starts.Select(start => start()).ToArray();
        var kills = 0;
        try
        {
            for (; clock.Elapsed.TotalSeconds < seconds; kills++)
            {
                var i = _random.Next(peers.Length);
                peers[i].ReadLine();
                Work(SharedMutex.At(Roster, Memory.Mutex));
                peers[i].Kill();
                peers[i].Dispose();
                peers[i] = starts[i]();
            }
        }
        finally
        {
            Array.ForEach(peers, peer => peer.Dispose());
        }

        Watchdog.Until(() => Roster.GetParticipants().Count == 2, "the ends of all peers");
        Storming.Enter(SharedMutex.At(Roster, Memory.Mutex), Mapping);
        ref var all = ref Mapping.GetReference<long>(Storming.First);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{kills} kills, {all} entries, {_entries} of them here, {Mapping.GetReference<long>(Storming.Repairs)} deaths found by .NET; the longest wait here was {_longest / 1000} microseconds"));
        Assert.True(kills > 0);
        Assert.Equal(0, Mapping.GetReference<long>(Storming.Torn));
        Assert.Equal(all, Mapping.GetReference<long>(Storming.Second));
    }

    private static Func<Peer>[] Starts(string program, string path) =>
    [
        () => Working(Peer.Run(program, path)),
        () => Working(InNamespace(program, path)),
        () => Partner.Start("work", Path.GetFileName(path)),
        () => InNamespace(Partner.Program, "work", Path.GetFileName(path)),
    ];

    private static Peer InNamespace(params string[] command) => Peer.Run("unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", .. command]);

    private static Peer Working(Peer peer)
    {
        peer.ReadLine();
        peer.Tell("work");
        return peer;
    }

    private void Work(SharedMutex mutex)
    {
        for (var until = Stopwatch.GetTimestamp() + _random.Next(20_000_000); Stopwatch.GetTimestamp() < until; _entries++)
        {
            var before = Stopwatch.GetTimestamp();
            Watchdog.Run(
                () =>
                {
                    Storming.Enter(mutex, Mapping);
                    return 0;
                },
                "an entry");
            _longest = Math.Max(_longest, Stopwatch.GetTimestamp() - before);
        }
    }
}
