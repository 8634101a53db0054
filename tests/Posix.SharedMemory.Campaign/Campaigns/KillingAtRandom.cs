namespace Posix.SharedMemory.Campaign;

/// <summary>Three processes share names, in roles that change; one after another is killed or stopped, at any moment.</summary>
internal sealed class KillingAtRandom : FaultCampaign
{
    private const int Processes = 3, RoundsBetweenQuiet = 20;
    private static readonly string[] s_roles = ["create", "publish", "rename", "grow", "member", "receive", "region"];

    internal override string Name => "kill-at-random";

    internal override double Share => 25;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("an object that is visible before it is written", session => PlantActor(session, "torn")),
        new("an object that is shorter than its name says", session => PlantActor(session, "short")),
        new("an object that got lost between two names", session =>
        {
            using var scene = new CrowdScene(session);
            SharedMemoryObject.Unlink(session.Prefix + "r1");
            scene.LookWhenQuiet();
        }),
        new("a temporary name that nobody removes", session =>
        {
            using var scene = new CrowdScene(session);
            using var name = TemporaryName.Of(PublishingName.Make());
            Crowd.PublishOne(session.Prefix, name, 1, new(1));

            // Another open of it holds the lock of one who publishes: to those who sweep, the maker lives.
            using var holder = Actor.Start("faulty", "grow-lock", name);
            _ = holder.ReadLine();
            scene.LookWhenQuiet();
            holder.Kill();
        }),
        new("a slot that is marked full and is not", session =>
        {
            using var scene = new CrowdScene(session);
            using var memory = SharedMemoryObject.Open(Slots.NameIn(session.Prefix));
            memory.SetLength(4096);
            memory.Write([1], 64);
            scene.Look();
        }),
        new("a name that is left though its last member has ended", session =>
        {
            using var scene = new CrowdScene(session);
            using var other = SharedMemoryObject.OpenOrCreate(session.Prefix + "l", 64, out _, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
            scene.LookWhenQuiet();
        }),
        new("a process that ends by itself", session =>
        {
            using var scene = new CrowdScene(session);
            using var actor = Actor.Start("faulty", "crash", session.Prefix);
            scene.Finish(actor, "faulty");
        }),
    ];

    internal override void Run(Session session)
    {
        using var scene = new CrowdScene(session);
        var peers = new List<(Peer Peer, string Role)>();
        var starting = new HashSet<Peer>();
        try
        {
            foreach (var random in session.Rounds(atLeast: 5))
            {
                while (peers.Count < Processes)
                {
                    peers.Add(Start(scene, random));
                    starting.Add(peers[^1].Peer);
                }

                peers.Where(peer => starting.Remove(peer.Peer)).ToList().ForEach(peer => AwaitStart(peer));
                Thread.Sleep(random.Next(25));
                var at = random.Next(peers.Count);
                if (random.Next(4) == 0)
                {
                    Stop(session, scene, peers[at], random);
                }
                else
                {
                    Kill(session, peers[at]);
                    peers[at] = Start(scene, random);
                    starting.Add(peers[at].Peer);
                }

                scene.Look();
                if (session.Round % RoundsBetweenQuiet == RoundsBetweenQuiet - 1)
                {
                    peers.Where(peer => starting.Remove(peer.Peer)).ToList().ForEach(peer => AwaitStart(peer));
                    Quieten(scene, peers);
                }
            }

            Quieten(scene, peers);
        }
        finally
        {
            peers.ForEach(peer => peer.Peer.Dispose());
        }
    }

    private static (Peer Peer, string Role) Start(CrowdScene scene, Random random)
    {
        var role = s_roles[random.Next(s_roles.Length)];
        return (Actor.Start(role, scene.Prefix, Actor.Text(random.Next()), scene.SocketPath), role);
    }

    private static void AwaitStart((Peer Peer, string Role) started)
    {
        if (started.Peer.ReadLine() is var line && line != "ready")
        {
            throw new InvalidOperationException($"{started.Role}: {line}");
        }
    }

    private static void Kill(Session session, (Peer Peer, string Role) victim)
    {
        using (victim.Peer)
        {
            victim.Peer.Kill();
            var (exitCode, _, errors) = victim.Peer.Finish();
            if (exitCode != 128 + Native.SIGKILL || errors.Length > 0)
            {
                session.Violate($"{victim.Role} was not killed, but ended with {exitCode}: {errors}");
            }
        }

        session.Count($"{CrowdScene.Doer(victim.Role)} killed");
    }

    private static void Stop(Session session, CrowdScene scene, (Peer Peer, string Role) victim, Random random)
    {
        Native.Kill(victim.Peer.ProcessId, Native.SIGSTOP);
        try
        {
            Watchdog.Until(() => CrowdScene.IsStopped(victim.Peer), "a process to stop");
            scene.Look();
            scene.GoOn(random);
        }
        finally
        {
            Native.Kill(victim.Peer.ProcessId, Native.SIGCONT);
        }

        session.Count($"{CrowdScene.Doer(victim.Role)} stopped");
    }

    /// <summary>Has all leave in order, and looks at what there is then.</summary>
    private static void Quieten(CrowdScene scene, List<(Peer Peer, string Role)> peers)
    {
        scene.HangUp();
        foreach (var (peer, role) in peers)
        {
            using (peer)
            {
                scene.Finish(peer, role);
            }
        }

        peers.Clear();
        scene.LookWhenQuiet();
    }

    private static void PlantActor(Session session, string fault)
    {
        using var scene = new CrowdScene(session);
        using var actor = Actor.Start("faulty", fault, session.Prefix);
        _ = actor.ReadLine();
        scene.Look();
        actor.Kill();
    }
}
