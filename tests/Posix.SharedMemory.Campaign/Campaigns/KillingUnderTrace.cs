using System.Text.RegularExpressions;

namespace Posix.SharedMemory.Campaign;

/// <summary>As <see cref="KillingAtEachCall"/>, by strace: before real system calls, those included that the library does not know it makes.</summary>
internal sealed partial class KillingUnderTrace : FaultCampaign
{
    private readonly Dictionary<string, (List<(string Call, int Most)> Calls, string[] Before, string[] After)> _known = new(StringComparer.Ordinal);

    internal override string Name => "kill-under-strace";

    internal override double Share => 10;

    internal override string? Obstacle => Traced.Obstacle;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("an object that a killed rename has lost", session =>
        {
            using var scene = new PathScene(session, FaultPaths.All.Single(path => path.Name == "Rename NoReplace to a free name"));
            Look(scene, "planted", "arranged\n", ["100 600 FACE", "absent"], ["absent", "100 600 FACE"]);
        }),
    ];

    internal override void Run(Session session)
    {
        foreach (var random in session.Rounds(atLeast: 2))
        {
            var path = FaultPaths.All[random.Next(FaultPaths.All.Count)];
            if (!_known.TryGetValue(path.Name, out var known))
            {
                known = _known[path.Name] = Learn(session, path);
            }

            for (var kill = 0; kill < 4 && known.Calls.Count > 0; kill++)
            {
                var (call, most) = known.Calls[random.Next(known.Calls.Count)];
                var where = $"before {call} {Actor.Text(1 + random.Next(most))}";
                using var scene = new PathScene(session, path);
                var (exitCode, output, errors, _) = Trace(scene, $"{call}:signal=SIGKILL:when={where.Split(' ')[2]}", call);
                if (exitCode == 0)
                {
                    session.Count("injections that met no call");
                    continue;
                }

                if (exitCode != 128 + Native.SIGKILL)
                {
                    session.Violate($"{path.Name} was not killed {where}, but ended with {exitCode}: {errors}");
                    continue;
                }

                Look(scene, "killed " + where, output, known.Before, known.After);
                scene.Survive("killed " + where);
                session.Count("kills");
            }
        }
    }

    /// <summary>In the middle of the operation a kill leaves what was there before, or what is there afterwards; while the scene is arranged or cleared away, any part of it.</summary>
    private static void Look(PathScene scene, string killed, string output, string[] before, string[] after)
    {
        if (output.Contains("arranged", StringComparison.Ordinal) && !output.Contains("done", StringComparison.Ordinal))
        {
            scene.Look(killed, [before, after]);
            return;
        }

        string[] first = ["absent", before[0], after[0]], second = ["absent", before[1], after[1], "-"];
        scene.Look(killed, [.. first.SelectMany(one => second, (one, two) => new[] { one, two })]);
    }

    private static (List<(string Call, int Most)> Calls, string[] Before, string[] After) Learn(Session session, FaultPath path)
    {
        using var scene = new PathScene(session, path);
        string[] before, after;
        using (var peer = Actor.Start(scene.Arguments(0, 0)))
        {
            _ = peer.ReadLine();
            before = scene.State();
            _ = peer.Ask("go");
            after = scene.State();
            _ = peer.Finish();
        }

        var (_, _, _, log) = Trace(scene, injection: null, "all");
        var calls = log.Split('\n')
            .Select(line => Line().Match(line))
            .Where(match => match.Success)
            .GroupBy(match => match.Groups["call"].Value, StringComparer.Ordinal)
            .Select(call => (call.Key, call.GroupBy(match => match.Groups["thread"].Value, StringComparer.Ordinal).Max(thread => thread.Count())))
            .ToList();
        session.Count("operations traced");
        return (calls, before, after);
    }

    private static (int ExitCode, string Output, string Errors, string Log) Trace(PathScene scene, string? injection, string calls)
    {
        using var log = new TemporaryFile();
        string[] inject = injection is null ? [] : ["-e", $"inject={injection}"];
        using var peer = Peer.Run(
            "strace",
            ["-f", "-qq", "-o", log.Path, "-P", "/dev/shm", "-P", scene.Name.Path, "-P", scene.Other.Path, "-e", $"trace={calls}", .. inject, Actor.Program, "actor", .. scene.Arguments(0, 0)]);
        peer.Tell("go\ngo");
        var (exitCode, output, errors) = peer.Finish();
        return (exitCode, output, errors, File.ReadAllText(log.Path));
    }

    [GeneratedRegex(@"^(?<thread>\d+) +(?<call>\w+)\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Line();
}
