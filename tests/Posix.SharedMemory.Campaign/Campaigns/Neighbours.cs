using System.Globalization;

namespace Posix.SharedMemory.Campaign;

/// <summary>A worker does all that is safe, while neighbours of the same user and of another do what they can to the names it uses.</summary>
internal sealed class Neighbours : FaultCampaign
{
    private const string Canary = "nobody writes here\n";

    internal override string Name => "hostile-neighbours";

    internal override double Share => 15;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("a link that is followed", session => Plant(session, "follow")),
        new("a worker that a FIFO blocks", session => Plant(session, "block")),
        new("a worker that a truncation kills", session => Plant(session, "fault")),
    ];

    internal override void Run(Session session)
    {
        using var copy = new ReadableCopy();
        if (Privileged.StrangerObstacle is { } obstacle)
        {
            session.Skip($"neighbours who are another user: {obstacle}");
        }

        foreach (var random in session.Rounds())
        {
            var isStranger = Privileged.StrangerObstacle is null && random.Next(2) == 0;
            Meet(session, random, isStranger ? copy : null, TimeSpan.FromMilliseconds(300 + random.Next(1500)));
        }
    }

    private static void Meet(Session session, Random random, ReadableCopy? strangers, TimeSpan time)
    {
        var directory = Directory.CreateTempSubdirectory("canary");
        try
        {
            var canary = PutCanary(directory);
            var prefix = $"{session.Prefix}{Actor.Text(session.Round)}-";
            using var worker = Actor.Start("work", prefix, Actor.Text(random.Next()), "hostile");
            using var first = StartNeighbour(strangers, prefix, random, canary);
            using var second = StartNeighbour(random.Next(2) == 0 ? strangers : null, prefix, random, canary);
            Demand(session, worker.ReadLine() == "ready" && first.ReadLine() == "ready" && second.ReadLine() == "ready", "somebody is not ready");
            Thread.Sleep(time);
            Judge(session, worker, "the worker");
            foreach (var neighbour in new[] { first, second })
            {
                var lines = neighbour.Finish().Output.Split('\n');
                session.Count("acts of neighbours", lines.Length > 1 && lines[1].StartsWith("harmed ", StringComparison.Ordinal) ? Actor.Number(lines[1][7..]) : 0);
            }

            session.Count(strangers is null ? "meetings with the same user" : "meetings with another user");
            LookAtCanary(session, canary);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static Peer StartNeighbour(ReadableCopy? strangers, string prefix, Random random, string canary) => strangers is null
        ? Actor.Start("harm", prefix, Actor.Text(random.Next()), canary)
        : Privileged.RunAs(Privileged.Stranger, strangers.PathOf(Actor.Program), "actor", "harm", prefix, Actor.Text(random.Next()), canary);

    private static void Judge(Session session, Peer worker, string who, TimeSpan? limit = null)
    {
        try
        {
            var (exitCode, output, errors) = worker.Finish(limit);
            Demand(session, exitCode == 0, $"{who} ended with {exitCode.ToString(CultureInfo.InvariantCulture)}: {errors}");
            if (exitCode == 0 && output.Split('\n') is [var acts, var refusals, ..])
            {
                session.Count("acts of the worker", Actor.Number(acts));
                session.Count("of them refused", refusals.Split(' ', StringSplitOptions.RemoveEmptyEntries).Sum(refusal => Actor.Number(refusal.Split(':')[1])));
            }
        }
        catch (TimeoutException e)
        {
            session.Violate($"{who} is blocked: {e.Message}");
        }
    }

    private static string PutCanary(DirectoryInfo directory)
    {
        var path = Path.Combine(directory.FullName, "canary");
        File.WriteAllText(path, Canary);
        using var chmod = Peer.Run("chmod", "0755", directory.FullName);
        _ = chmod.Finish();
        Native.TryChangeMode(path, 0x1B6);
        return path;
    }

    private static void LookAtCanary(Session session, string canary)
    {
        Demand(session, File.ReadAllText(canary) == Canary && new FileInfo(canary).UnixFileMode == (UnixFileMode)0x1B6, "a link has been followed: the file it leads to has changed");
        Demand(session, Directory.GetFileSystemEntries(Path.GetDirectoryName(canary)!).Length == 1, "a link has been followed: there is something beside the file it leads to");
    }

    private static void Plant(Session session, string fault)
    {
        var directory = Directory.CreateTempSubdirectory("canary");
        try
        {
            var canary = PutCanary(directory);
            var path = "/dev/shm/" + session.Prefix + "n0";
            if (fault == "follow")
            {
                File.CreateSymbolicLink(path, canary);
            }
            else if (fault == "block")
            {
                Native.MakeFifo(path);
            }

            using var worker = Actor.Start("faulty", fault, session.Prefix + "n0");
            Judge(session, worker, "the worker", fault == "block" ? TimeSpan.FromSeconds(3) : null);
            LookAtCanary(session, canary);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static void Demand(Session session, bool condition, string complaint)
    {
        if (!condition)
        {
            session.Violate(complaint);
        }
    }
}
