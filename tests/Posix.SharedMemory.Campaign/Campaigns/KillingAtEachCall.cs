namespace Posix.SharedMemory.Campaign;

/// <summary>
/// A process does one operation, of all that the fault walk knows, and is killed, or stopped, before one of its calls: each of them in turn.
/// </summary>
internal sealed class KillingAtEachCall : FaultCampaign
{
    private readonly Dictionary<string, (int Calls, string[] After)> _known = new(StringComparer.Ordinal);
    private readonly List<FaultPath> _ahead = [];

    internal override string Name => "kill-at-each-call";

    internal override double Share => 20;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("an object left half made", session =>
        {
            using var scene = new PathScene(session, FaultPaths.All.Single(path => path.Name == "Publish NoReplace Keep"));
            using (var memory = SharedMemoryObject.Open(scene.Name, FileMode.CreateNew))
            {
                scene.Look("planted", [["absent", "absent"]]);
            }
        }),
        new("a temporary name where none may be", session =>
        {
            using var scene = new PathScene(session, FaultPaths.All.Single(path => path.Name == "Create Reserved Keep"));
            using var name = TemporaryName.Of(PublishingName.Make());
            SharedMemoryObject.Create(name, scene.Length).Dispose();
            scene.Look("planted", [["absent", "absent"]]);
        }),
        new("a membership that a survivor cannot take over", session =>
        {
            using var scene = new PathScene(session, FaultPaths.All[0]);
            using var user = SharedMemoryObject.Create(scene.Name, 1, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
            scene.Survive("planted");
        }),
    ];

    internal override void Run(Session session)
    {
        foreach (var random in session.Rounds(atLeast: 3))
        {
            if (_ahead.Count == 0)
            {
                _ahead.AddRange(FaultPaths.All);
                random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ahead));
                session.Count("walks over all operations begun");
            }

            var path = _ahead[^1];
            _ahead.RemoveAt(_ahead.Count - 1);
            Learn(session, path);
            for (var at = 1; at <= Math.Min(_known[path.Name].Calls, path.Calls) && (!session.IsOver || session.Round < 3); at++)
            {
                var signal = random.Next(4) == 0 ? Native.SIGSTOP : Native.SIGKILL;
                Signal(session, path, signal, at);
            }

            session.Count("operations walked");
        }
    }

    /// <summary>Lets the operation be once, to see how many calls it makes and what it leaves.</summary>
    private void Learn(Session session, FaultPath path)
    {
        if (_known.ContainsKey(path.Name))
        {
            return;
        }

        using var scene = new PathScene(session, path);
        using var peer = Actor.Start(scene.Arguments(0, 0));
        Expect(peer.ReadLine(), "arranged");
        var calls = Actor.Number(peer.Ask("go").Split(' ')[1]);
        _known[path.Name] = (calls, scene.State());
        _ = peer.Finish();
    }

    private void Signal(Session session, FaultPath path, int signal, int at)
    {
        var where = $"before call {Actor.Text(at)}";
        using var scene = new PathScene(session, path);
        using var peer = Actor.Start(scene.Arguments(signal, at));
        Expect(peer.ReadLine(), "arranged");
        var before = scene.State();
        peer.Tell("go");
        if (signal == Native.SIGSTOP)
        {
            GoOn(session, path, peer, scene, where);
            return;
        }

        var (exitCode, output, errors) = peer.Finish();
        if (exitCode == 128 + Native.SIGKILL)
        {
            scene.Look("killed " + where, [before, _known[path.Name].After]);
            scene.Survive("killed " + where);
            session.Count("kills");
        }
        else if (exitCode != 0 || !path.DependsOnNeighbours)
        {
            session.Violate($"{path.Name} was not killed {where}, but ended with {exitCode}: {output} {errors}");
        }
    }

    /// <summary>While a process is stopped in the middle, others see the state before or after its operation, and do not wait to see it; then it goes on.</summary>
    private static void GoOn(Session session, FaultPath path, Peer peer, PathScene scene, string where)
    {
        Task<string> done = Task.Run(peer.ReadLine);
        Watchdog.Until(() => done.IsCompleted || File.ReadAllText($"/proc/{peer.ProcessId}/stat").Contains(") T ", StringComparison.Ordinal), "a process to stop");
        if (!done.IsCompleted)
        {
            LookMeanwhile(session, path, scene, where);
            using (SharedMemoryObject.Create(session.Prefix + "c", 100, new() { Lifetime = Lifetime.UnlinkOnDispose }))
            {
                _ = SharedMemoryDirectory.Enumerate().Count();
            }

            Native.Kill(peer.ProcessId, Native.SIGCONT);
            session.Count("stops");
        }

        Expect(done.GetAwaiter().GetResult().Split(' ')[0], "done");
        var (exitCode, _, errors) = peer.Finish();
        if (exitCode != 0)
        {
            session.Violate($"{path.Name}, stopped {where} and continued, ended with {exitCode}: {errors}");
        }
    }

    private static void LookMeanwhile(Session session, FaultPath path, PathScene scene, string where)
    {
        try
        {
            _ = Watchdog.Run(scene.State, $"a look at what {path.Name} is doing, stopped {where}");
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EAGAIN && path.Name == "Entry asked")
        {
            // While the stopped process has the kernel's lease, no other process opens the object.
            session.Count("looks that were held up by a process stopped while it asked the kernel");
        }
    }

    private static void Expect(string line, string expected)
    {
        if (line != expected)
        {
            throw new InvalidOperationException($"Expected '{expected}', got '{line}'.");
        }
    }
}
