using System.Globalization;

namespace Posix.SharedMemory.Campaign;

/// <summary>A worker does everything at random, while the system runs short of something, or lacks it: it gets an error that says so, lives, and leaves nothing.</summary>
internal sealed class RunningShort : FaultCampaign
{
    internal override string Name => "run-short";

    internal override double Share => 15;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("an error that may not come", session => Work(session, new("planted") { Start = _ => Actor.Start("faulty", "crash", session.Prefix) }, new(1))),
        new("a worker that is killed", session => Work(session, new("planted") { Start = _ => Peer.Run("sh", "-c", "echo ready; kill -KILL $$") }, new(1))),
        new("something left behind", session => Work(session, new("planted") { Start = _ => Peer.Run("sh", "-c", "echo ready; echo 1; echo; echo left 1 0") }, new(1))),
    ];

    internal override void Run(Session session)
    {
        using var shortages = new Shortages(session);
        var ahead = new List<Shortage>();
        foreach (var random in session.Rounds(atLeast: Math.Min(4, shortages.All.Count)))
        {
            if (ahead.Count == 0)
            {
                ahead.AddRange(shortages.All);
                ahead.AddRange(Shortages.SomeFilters(random));
                random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ahead));
            }

            Work(session, ahead[^1], random);
            ahead.RemoveAt(ahead.Count - 1);
        }
    }

    private static void Work(Session session, Shortage shortage, Random random)
    {
        using var around = shortage.Around?.Invoke();
        using var worker = shortage.Start(["work", $"{session.Prefix}{Actor.Text(session.Round)}-", Actor.Text(random.Next()), shortage.Where, .. shortage.Errors]);
        try
        {
            if (worker.ReadLine() is var line && line != "ready")
            {
                session.Violate($"{shortage.What}: {line}");
                return;
            }

            shortage.Then?.Invoke(worker);
            Harass(shortage, worker, random);

            if (shortage.Lift is { } lift)
            {
                Limit(worker, lift);
            }

            Judge(session, shortage, worker);
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException or IOException)
        {
            session.Violate($"{shortage.What}: {e.Message}");
        }
    }

    /// <summary>Changes the limit now and then. A worker that has ended by itself meanwhile has no more: its end is judged.</summary>
    private static void Harass(Shortage shortage, Peer worker, Random random)
    {
        var moments = 1 + random.Next(8);
        for (var moment = 0; moment < moments && Directory.Exists($"/proc/{worker.ProcessId}/fd"); moment++)
        {
            try
            {
                if (shortage.Limit?.Invoke(worker, random) is { } limit)
                {
                    Limit(worker, limit);
                }
            }
            catch (IOException)
            {
                return;
            }

            Thread.Sleep(random.Next(100));
        }
    }

    /// <summary>What the runtime says when it gets nothing for itself, and ends: no library can promise more.</summary>
    private static bool IsRuntimesOwn(string errors) =>
        errors.StartsWith("Out of memory.", StringComparison.Ordinal) || errors.Contains("Failed to create the thread pool", StringComparison.Ordinal) || errors.Contains("Failed to create RW mapping for RX memory", StringComparison.Ordinal);

    private static void Judge(Session session, Shortage shortage, Peer worker)
    {
        var (exitCode, output, errors) = worker.Finish();
        if (exitCode == 134 && shortage.Limit is not null && IsRuntimesOwn(errors))
        {
            session.Count("ends of the runtime itself, which got nothing");
            return;
        }

        if (exitCode != 0 || output.Split('\n') is not [var acts, var refusals, var left, ..])
        {
            session.Violate($"{shortage.What}: the worker ended with {exitCode.ToString(CultureInfo.InvariantCulture)}: {output}{errors}");
            return;
        }

        if (left != "left 0 0")
        {
            session.Violate($"{shortage.What}: {left} (names, temporary names)");
        }

        session.Count("acts", Actor.Number(acts));
        session.Count("of them refused", refusals.Split(' ', StringSplitOptions.RemoveEmptyEntries).Sum(refusal => Actor.Number(refusal.Split(':')[1])));
        session.Count($"times {shortage.What}");
    }

    private static void Limit(Peer worker, string limit)
    {
        using var prlimit = Peer.Run("prlimit", $"--pid={Actor.Text(worker.ProcessId)}", limit);
        _ = prlimit.Finish();
    }
}
