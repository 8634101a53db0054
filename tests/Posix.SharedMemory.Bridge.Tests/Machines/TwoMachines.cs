using System.Globalization;
using Posix.SharedMemory.Bridge.Tests.Nats;
using Posix.SharedMemory.Bridge.Tests.Tool;

namespace Posix.SharedMemory.Bridge.Tests.Machines;

/// <summary>
/// Two machines, each a network and a mount namespace with a /dev/shm of its own, joined by a cable. On A are a server, which is not configured, and a bridge that exports; on B is one that imports.
/// </summary>
internal sealed class TwoMachines : IDisposable
{
    private const string Address = "10.98.0.1";

    private static int s_count;

    private readonly string _a = $"shmbt-a-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
    private readonly string _b;
    private readonly List<Peer> _peers = [];
    private readonly bool _keeps;
    private readonly string[] _words;
    private Peer _keeperA = null!;
    private Peer _keeperB = null!;

    /// <summary>Makes the machines, with their server and bridges, or skips the test where that is not allowed.</summary>
    /// <param name="words">Words for both bridges.</param>
    /// <param name="keeps">Whether the server keeps messages.</param>
    internal TwoMachines(string[]? words = null, bool keeps = false)
    {
        (_b, _keeps, _words) = (_a.Replace("-a-", "-b-", StringComparison.Ordinal), keeps, words ?? []);
        Skip.If(NatsServer.Program is null, "nats-server is not installed");
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        try
        {
            Require("ip", "netns", "add", _a);
            Require("ip", "netns", "add", _b);
            Require("ip", "link", "add", "cable", "netns", _a, "type", "veth", "peer", "name", "cable", "netns", _b);
            _keeperA = Begin(_a, Address);
            _keeperB = Begin(_b, "10.98.0.2");
            Server = Serve();
            (Exporter, Importer) = (Export(), Import());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal LossLines Losses { get; } = new();


    internal Peer Server { get; private set; }

    internal Peer Exporter { get; private set; }

    internal Peer Importer { get; private set; }

    private static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Bridge.Tests");

    /// <summary>Starts this program as another process on A.</summary>
    internal Peer OnA(params string[] words) => On(_keeperA, Program, words);

    /// <summary>Starts this program as another process on B.</summary>
    internal Peer OnB(params string[] words) => On(_keeperB, Program, words);

    internal void KillServer()
    {
        Server.Kill();
        Server = Serve();
    }

    internal void KillExporter()
    {
        Exporter.Kill();
        Exporter = Export();
    }

    internal void KillImporter()
    {
        Importer.Kill();
        Importer = Import();
    }

    /// <summary>Waits until both bridges that run now have been connected.</summary>
    internal void AwaitBridges()
    {
        Watchdog.Until(() => Losses.HasBegun(Exporter) && Losses.HasBegun(Importer), "the bridges to be connected");
        Assert.False(Exporter.HasExited || Importer.HasExited, "a bridge has ended");
    }

    /// <summary>Pulls the cable out, or plugs it in.</summary>
    internal void Cable(bool isIn) => Require("ip", "-n", _a, "link", "set", "cable", isIn ? "up" : "down");

    /// <summary>Makes the cable slow; skips the test where the kernel cannot.</summary>
    internal void Slow(int megabits)
    {
        using var shaping = Peer.Run("ip", "netns", "exec", _a, "tc", "qdisc", "add", "dev", "cable", "root", "tbf", "rate", string.Create(CultureInfo.InvariantCulture, $"{megabits}mbit"), "burst", "64kb", "latency", "50ms");
        var (exitCode, _, errors) = shaping.Finish();
        Skip.If(exitCode != 0, $"the kernel cannot shape a link: {errors}");
    }

    public void Dispose()
    {
        _peers.ForEach(peer => peer.Dispose());
        foreach (var name in new[] { _a, _b })
        {
            using var removal = Peer.Run("ip", "netns", "del", name);
            removal.Finish();
        }
    }

    private static void Require(string program, params string[] words)
    {
        using var peer = Peer.Run(program, words);
        var (exitCode, _, errors) = peer.Finish();
        Skip.If(exitCode != 0, $"this user may not: {program} {string.Join(' ', words)}: {errors}");
    }

    /// <summary>A process that keeps the mount namespace of a machine.</summary>
    private Peer Begin(string name, string address)
    {
        Require("ip", "-n", name, "addr", "add", address + "/24", "dev", "cable");
        Require("ip", "-n", name, "link", "set", "cable", "up");
        Require("ip", "-n", name, "link", "set", "lo", "up");
        var keeper = Add(Peer.Run("ip", "netns", "exec", name, "unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t tmpfs -o size=256m,mode=1777 tmpfs /dev/shm && echo ready && exec cat"));
        Assert.Equal("ready", keeper.ReadLine());
        return keeper;
    }

    private Peer Serve()
    {
        var server = On(_keeperA, NatsServer.Program!, ["-a", Address, "-p", "4222", .. _keeps ? (string[])["-js", "-sd", "/dev/shm/js"] : []]);
        Watchdog.Until(
            () =>
            {
                Assert.False(server.HasExited, "the server has ended");
                using var look = Start(_keeperA, "bash", "-c", $"exec 3<>/dev/tcp/{Address}/4222");
                return look.Finish().ExitCode == 0;
            },
            "the server to listen");
        return server;
    }

    private Peer Export() => Bridge(_keeperA, "a", "--export");

    private Peer Import() => Bridge(_keeperB, "b", "--import");

    private Peer Bridge(Peer keeper, string host, string way) => Losses.Listen(On(keeper, ShmBridge.Program, [$"nats://{Address}:4222", "--host", host, way, "*", .. _words]));

    private Peer On(Peer keeper, string program, string[] words) => Add(Start(keeper, program, words));

    private static Peer Start(Peer keeper, string program, params string[] words) =>
        Peer.Run("nsenter", ["--target", keeper.ProcessId.ToString(CultureInfo.InvariantCulture), "--mount", "--net", program, .. words]);

    private Peer Add(Peer peer)
    {
        lock (_peers)
        {
            _peers.Add(peer);
        }

        return peer;
    }
}
