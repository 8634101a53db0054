namespace Posix.SharedMemory.Campaign;

/// <summary>A process does each operation behind filters of the kernel that refuse each of its calls, and those that it makes in their place: it works by another way, or says which call is refused.</summary>
/// <remarks>The test suite walks a part of it, by chance. A run of some minutes walks all of it.</remarks>
internal sealed class RefusingEachCall : FaultCampaign
{
    internal override string Name => "refuse-each-call";

    internal override double Share => 15;

    internal override string? Obstacle => ThreadFilter.Obstacle;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("an operation that only says what the kernel says", session => Judge(session, outcome => outcome with { Thrown = new SharedMemoryException(Errno.EPERM, "statx", "planted"), State = "before" })),
        new("an answer that is wrong behind a filter", session => Judge(session, outcome => outcome with { Answer = "nobody" })),
        new("a descriptor that stays open behind a filter", session => Judge(session, outcome => outcome with { Left = "a descriptor" })),
        new("a walk that ends in the middle", session => Walk(session, _ => Peer.Run("sh", "-c", "echo verb 100000 planted; kill -KILL $$"), "planted", 1)),
    ];

    internal override void Run(Session session)
    {
        var ahead = new List<WalkedVerb>();
        foreach (var random in session.Rounds(atLeast: 3))
        {
            if (ahead.Count == 0)
            {
                ahead.AddRange(WalkedVerbs.All);
                random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ahead));
                session.Count("walks over all operations begun");
            }

            Walk(session, arguments => FilterRun.Start(Actor.Program, ["actor", "filter-walk", .. arguments]), ahead[^1].Name, random.Next());
            ahead.RemoveAt(ahead.Count - 1);
        }
    }

    private static void Walk(Session session, Func<string[], Peer> start, string only, int seed)
    {
        var run = FilterRun.Walk(start, seed, oneIn: 1, only);
        foreach (var complaint in run.Complaints)
        {
            session.Violate(complaint);
        }

        session.Count("operations behind filters that kept their promise", run.Worked);
        session.Count("that named the call that is refused", run.Advised);
    }

    private static void Judge(Session session, Func<FilterOutcome, FilterOutcome> plant)
    {
        var cell = new FilterCell(WalkedVerbs.All[0], [FilteredCall.All.Single(call => call.Name == "statx")], Errno.EPERM);
        var undisturbed = new FilterOutcome("one process", null, "after", "before", "", []);
        if (FilterVerdict.Complain(cell, plant(undisturbed), undisturbed) is { } complaint)
        {
            session.Violate(complaint);
        }
    }
}
